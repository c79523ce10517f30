import type { ReactNode } from "react";
import styles from "./Badge.module.css";

export type BadgeTone = "plain" | "accent" | "red" | "amber" | "green";

/** A state in a word, with its icon: colour never stands alone. */
export function Badge({ tone = "plain", icon, children }: { tone?: BadgeTone; icon?: ReactNode; children: ReactNode }) {
  return (
    <span className={styles.badge} data-tone={tone}>
      {icon}
      {children}
    </span>
  );
}
