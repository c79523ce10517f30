import { Button, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconFolder, IconKey } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type BackupView } from "@/api";
import { useBackupNow } from "@/api/backup";
import { pickFolder } from "@/api/native";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { HowFar } from "@/components/HowFar";
import page from "@/components/Page.module.css";
import { ago, showMoment } from "@/lib/time";
import styles from "./Backup.module.css";

/** Where this device's backups go, whether the last one is good, and what one holds. */
export function Backup() {
  const { data, error } = useQuery(queries.backupState());
  return (
    <div className={styles.two}>
      {data ? <State backup={data} /> : <ErrorNote error={error} />}
      <Holds />
    </div>
  );
}

function State({ backup }: { backup: BackupView }) {
  const { t } = useTranslation();
  const set = useWrite(({ folder, sound }: { folder: string; sound: boolean }) => api.setBackupFolder(folder, sound), ["settings", "status"]);
  const { start, running, progress, made, error } = useBackupNow();
  const busy = running || backup.running;
  const { folder, with_sound: sound, last } = backup;
  const choose = async () => {
    const chosen = await pickFolder();
    if (chosen) set.mutate({ folder: chosen, sound });
  };
  // What was just tried stands in its own words; else what the backend remembers of the last try.
  const problem = error ?? (backup.problem && !busy ? { code: backup.problem } : null);
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="backup-state" data-testid="backup" data-running={busy}>
      <h2 className={page.h2} id="backup-state">
        {t("admin.backup.title")}
      </h2>
      <p className={page.muted}>{t("admin.backup.help")}</p>
      <dl className={styles.facts}>
        <div>
          <dt>{t("admin.backup.folder")}</dt>
          <dd data-testid="backup-folder">{folder || t("admin.backup.none")}</dd>
        </div>
        <div>
          <dt>{t("admin.backup.last")}</dt>
          <dd data-testid="backup-last">{last ? <Last last={last} /> : t("admin.backup.lastNone")}</dd>
        </div>
      </dl>
      <div className={page.row}>
        <Button variant="default" leftSection={<IconFolder size="1.125rem" aria-hidden />} disabled={busy} loading={set.isPending} onClick={() => void choose()}>
          {folder ? t("admin.backup.change") : t("admin.backup.choose")}
        </Button>
        {folder && (
          <Button variant="default" disabled={busy || set.isPending} onClick={() => set.mutate({ folder: "", sound })}>
            {t("admin.backup.stop")}
          </Button>
        )}
      </div>
      <Switch
        size="md"
        className={styles.switch}
        label={t("admin.backup.sound")}
        description={t("admin.backup.soundHelp")}
        checked={sound}
        disabled={busy || set.isPending}
        onChange={(e) => set.mutate({ folder, sound: e.currentTarget.checked })}
      />
      <ErrorNote error={set.error} />
      {problem && !busy && (
        <div className={styles.problem}>
          <p className={styles.h3}>{t("admin.backup.problem")}</p>
          <ErrorNote error={problem} />
        </div>
      )}
      {busy && <HowFar what={t("admin.backup.running")} now={progress && { stage: t(`admin.backup.stage.${progress.stage}`), percent: progress.percent }} />}
      <p role="status" className={styles.said}>
        {made && !busy && (
          <>
            <IconCheck size="1.125rem" aria-hidden />
            {t("admin.backup.done")}
          </>
        )}
      </p>
      <div className={styles.right}>
        <Button disabled={!folder || busy} onClick={start}>
          {t("admin.backup.now")}
        </Button>
      </div>
    </section>
  );
}

function Last({ last }: { last: NonNullable<BackupView["last"]> }) {
  const { t } = useTranslation();
  const size = Math.max(1, Math.round(last.bytes / 1e6));
  return (
    <>
      <strong>{t("admin.backup.lastAt", { at: showMoment(last.at), ago: ago(last.at) })}</strong>
      <span>{t("admin.backup.lastFile", { file: last.file, size, folder: last.folder })}</span>
      {last.sound_missing > 0 && <span>{t("admin.backup.soundMissing", { count: last.sound_missing })}</span>}
    </>
  );
}

function Holds() {
  const { t } = useTranslation();
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="backup-holds">
      <h2 className={page.h2} id="backup-holds">
        {t("admin.backup.holds.title")}
      </h2>
      <ul className={styles.points}>
        <li>{t("admin.backup.holds.records")}</li>
        <li>{t("admin.backup.holds.not")}</li>
        <li>{t("admin.backup.holds.opens")}</li>
        <li>{t("admin.backup.holds.restore")}</li>
      </ul>
      <p className={styles.kit}>
        <IconKey size="1.25rem" aria-hidden />
        <span>{t("admin.backup.holds.kit")}</span>
      </p>
    </section>
  );
}
