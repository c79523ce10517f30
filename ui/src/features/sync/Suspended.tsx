import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconCloudPause } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SyncHealth } from "@/api";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";
import { showMoment } from "@/lib/time";
import styles from "./Sync.module.css";

/** What it means that the operator has suspended the clinic: what goes on, what waits, and whom to call. */
export function Suspended({ sync, may }: { sync: SyncHealth; may: May }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <section className={`${page.card} ${styles.box} ${styles.suspended}`} aria-labelledby="sync-suspended" data-testid="clinic-suspended">
      <h2 className={page.h2} id="sync-suspended">
        <IconCloudPause size="1.25rem" aria-hidden /> {t("sync.suspended.title")}
      </h2>
      <ul className={styles.points}>
        <li>{t("sync.suspended.here")}</li>
        <li>{t("sync.suspended.waits")}</li>
        <li>{t("sync.suspended.nearby")}</li>
        <li>{t("sync.suspended.call")}</li>
      </ul>
      <p className={page.muted}>{sync.last_contact ? t("sync.suspended.since", { at: showMoment(sync.last_contact) }) : t("sync.suspended.itself")}</p>
      {may.seeDevices && (
        <Button variant="default" className={styles.do} onClick={() => void navigate({ to: "/admin/$tab", params: { tab: "plan" } })}>
          {t("sync.suspended.open")}
        </Button>
      )}
    </section>
  );
}
