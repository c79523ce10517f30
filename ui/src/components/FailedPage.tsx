import { ErrorNote } from "./ErrorNote";
import page from "./Page.module.css";
import type { ReactNode } from "react";

/** A screen that cannot be shown: its title, why, and the way back if it has one. */
export function FailedPage({ title, error, children }: { title: string; error: unknown; children?: ReactNode }) {
  return (
    <div className={page.page}>
      {children}
      <h1 className={page.title}>{title}</h1>
      <ErrorNote error={error} />
    </div>
  );
}
