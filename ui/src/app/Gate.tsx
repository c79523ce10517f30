import { useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { AppState, SessionView } from "@/api";
import { useNotReady } from "@/api/makingReady";
import { queries } from "@/api/queries";
import { ArrivingStrip } from "@/components/ArrivingStrip";
import { ErrorNote } from "@/components/ErrorNote";
import { RemovedStrip } from "@/components/RemovedStrip";
import { ChooseClinic } from "@/features/signin/ChooseClinic";
import { MakingReady, NotReady } from "@/features/signin/MakingReady";
import { SignIn } from "@/features/signin/SignIn";
import { Setup } from "@/features/setup/Setup";
import { useWindow } from "@/lib/window";
import { DiskStrip } from "./DiskStrip";
import styles from "./Gate.module.css";
import { makeAppRouter } from "./routes";
import { homeOf } from "./shell/places";

const ASK_AGAIN_MS = 2_000;

/** The whole window: the strip of a full disk, when it is, and below it what stands before the workspace, or the workspace. */
export function Gate() {
  return (
    <div className={styles.frame}>
      <DiskStrip />
      <div className={styles.rest}>
        <Inside />
      </div>
    </div>
  );
}

/** First start, which clinic, who. */
function Inside() {
  const { t } = useTranslation();
  // Asked again as well, as long as a clinic is made ready: that it is over may have been told before anybody listened.
  const { data: app, error } = useQuery({ ...queries.appState(), refetchInterval: ({ state }) => (state.data?.making_ready ? ASK_AGAIN_MS : false) });
  const notReady = useNotReady();
  const { adding, unlocking } = useWindow();
  if (error) {
    return (
      <main className={styles.middle}>
        <h1 className="sr">{t("common.error.page")}</h1>
        <ErrorNote error={error} />
      </main>
    );
  }
  if (!app) return null;
  if (app.making_ready) return <MakingReady at={app.making_ready} />;
  if (notReady) return <NotReady app={app} failed={notReady} />;
  if (app.unfinished_setup || app.clinics.length === 0 || adding) return <Setup app={app} />;
  if (!app.open || unlocking) return <ChooseClinic app={app} />;
  return <Opened app={app} />;
}

function Opened({ app }: { app: AppState }) {
  const { data: session, isPending } = useQuery(queries.session());
  if (isPending) return null;
  if (!session)
    return (
      <div className={styles.signIn}>
        <RemovedStrip />
        <ArrivingStrip />
        <SignIn app={app} />
      </div>
    );
  return <Workspace key={session.staff} session={session} />;
}

function Workspace({ session }: { session: SessionView }) {
  const router = useMemo(() => makeAppRouter(session, homeOf(session)), [session]);
  return <RouterProvider router={router} />;
}
