import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { api, type AppState, type MakingReady as At } from "@/api";
import { forgetNotReady, type NotReady as Failed } from "@/api/makingReady";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { setWindow } from "@/lib/window";
import { Frame } from "./Frame";
import styles from "./SignIn.module.css";

const figure = (n: number) => n.toLocaleString("en-MY");

/** After an update, before anybody can sign in: which clinic, how far it is, and that nothing is lost. */
export function MakingReady({ at }: { at: At }) {
  const { t } = useTranslation();
  const what = t("signin.ready.what", { clinic: at.name });
  // Its passphrase was asked for, and was right.
  useEffect(() => setWindow({ unlocking: null }), []);
  return (
    <Frame name={at.name} screen="making-ready">
      <p className={styles.readyWhat}>{what}</p>
      <progress className={styles.readyBar} aria-label={what} value={at.done} max={Math.max(at.of, 1)} />
      <p className={styles.readyCount}>{t("signin.ready.count", { done: figure(at.done), of: figure(at.of) })}</p>
      <p className={styles.readyNote}>{t("signin.ready.safe")}</p>
    </Frame>
  );
}

/** It could not be made ready: why, and the way on. */
export function NotReady({ app, failed }: { app: AppState; failed: Failed }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const open = useWrite((tenant: string) => api.openClinic(tenant));
  const again = () => {
    if (app.clinics.find((c) => c.tenant === failed.tenant)?.needs_passphrase) {
      setWindow({ unlocking: failed.tenant });
      forgetNotReady();
      return;
    }
    open.mutate(failed.tenant, {
      onSuccess: () => {
        forgetNotReady();
        void client.resetQueries();
      },
    });
  };
  return (
    <Frame name={failed.name} screen="not-ready">
      <p className={styles.readyWhat}>{t("signin.ready.failed", { clinic: failed.name })}</p>
      <ErrorNote error={open.error ?? failed.error} />
      <p className={styles.readyNote}>{t("signin.ready.failedSafe")}</p>
      <Button onClick={again} loading={open.isPending}>
        {t("signin.ready.again")}
      </Button>
      <Button variant="subtle" color="gray" onClick={forgetNotReady} disabled={open.isPending}>
        {t("signin.otherClinic")}
      </Button>
    </Frame>
  );
}
