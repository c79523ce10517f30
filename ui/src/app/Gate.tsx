import { useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo } from "react";
import type { AppState, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { ErrorNote } from "@/components/ErrorNote";
import { ChooseClinic } from "@/features/signin/ChooseClinic";
import { SignIn } from "@/features/signin/SignIn";
import { Setup } from "@/features/setup/Setup";
import { useWindow } from "@/lib/window";
import styles from "./Gate.module.css";
import { makeAppRouter } from "./routes";
import { homeOf } from "./shell/places";

/** What stands before the workspace: first start, which clinic, who. */
export function Gate() {
  const { data: app, error } = useQuery(queries.appState());
  const { adding, unlocking } = useWindow();
  if (error) {
    return (
      <main className={styles.middle}>
        <ErrorNote error={error} />
      </main>
    );
  }
  if (!app) return null;
  if (app.unfinished_setup || app.clinics.length === 0 || adding) return <Setup app={app} />;
  if (!app.open || unlocking) return <ChooseClinic app={app} />;
  return <Opened app={app} />;
}

function Opened({ app }: { app: AppState }) {
  const { data: session, isPending } = useQuery(queries.session());
  if (isPending) return null;
  if (!session) return <SignIn app={app} />;
  return <Workspace key={session.staff} session={session} />;
}

function Workspace({ session }: { session: SessionView }) {
  const router = useMemo(() => makeAppRouter(session, homeOf(session.role)), [session]);
  return <RouterProvider router={router} />;
}
