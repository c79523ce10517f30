import { Button } from "@mantine/core";
import { IconDeviceFloppy, IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type SyncHealth } from "@/api";
import { saveAs } from "@/api/native";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";
import { BeginAnew } from "./BeginAnew";
import { LeaveClinic } from "./LeaveClinic";
import styles from "./Sync.module.css";

/** What it means that this device was removed, and the way out for what it could not send. */
export function Removed({ sync, may }: { sync: SyncHealth; may: May }) {
  const { t } = useTranslation();
  const { pending } = sync;
  const save = useWrite((path: string) => api.saveUnsent(path));
  const choose = async () => {
    const path = await saveAs("medieco.unsent", { name: t("sync.removed.file"), extensions: ["unsent"] });
    if (path) save.mutate(path);
  };
  return (
    <section className={`${page.card} ${styles.box} ${styles.removed}`} aria-labelledby="sync-removed" data-testid="device-removed">
      <h2 className={page.h2} id="sync-removed">
        <IconPlugConnectedX size="1.25rem" aria-hidden /> {t("sync.removed.title")}
      </h2>
      <ul className={styles.points}>
        <li>{t("sync.removed.reads")}</li>
        <li>{t("sync.removed.writes")}</li>
        <li>{pending > 0 ? `${t("sync.removed.unsent", { count: pending })} ${t("sync.removed.carry")}` : t("sync.removed.allSent")}</li>
        <li>{t("sync.removed.mistake")}</li>
      </ul>
      <ErrorNote error={save.error} />
      <p role="status" className={styles.said}>
        {save.isSuccess && t("sync.removed.saved", { count: save.data })}
      </p>
      <div className={page.row}>
        <Button leftSection={<IconDeviceFloppy size="1.125rem" aria-hidden />} disabled={pending === 0} loading={save.isPending} onClick={() => void choose()}>
          {t("sync.removed.save")}
        </Button>
        {may.changeDevices && <BeginAnew may={may} />}
        <LeaveClinic sync={sync} />
      </div>
    </section>
  );
}
