import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { IconFile } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppState } from "@/api";
import { useRestore } from "@/api/backup";
import { pickFile } from "@/api/native";
import { ErrorNote } from "@/components/ErrorNote";
import { HowFar } from "@/components/HowFar";
import { KitWords } from "@/components/KitWords";
import { setWindow } from "@/lib/window";
import styles from "./Setup.module.css";
import { useProtection } from "./useProtection";

/** A new device of a clinic from its backup and its recovery kit. */
export function Restore({ app, onBack }: { app: AppState; onBack: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { fields, protection, ready } = useProtection(app.keyring);
  const { start, running, progress, error } = useRestore();
  const [file, setFile] = useState<string | null>(null);
  const [words, setWords] = useState<string | null>(null);
  const choose = async () => {
    const path = await pickFile({ name: t("setup.restore.kind"), extensions: ["backup"] });
    if (path) setFile(path);
  };
  const submit = () => {
    if (!file || !words) return;
    const onSuccess = () => {
      setWindow({ adding: false });
      void client.resetQueries();
    };
    start({ file, words, protection }, { onSuccess });
  };
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        submit();
      }}
    >
      <h1 className={styles.title}>{t("setup.restore.title")}</h1>
      <p className={styles.lead}>{t("setup.restore.lead")}</p>
      <h2 className={styles.second}>{t("setup.restore.file")}</h2>
      <div className={styles.file}>
        <Button variant="default" leftSection={<IconFile size="1.125rem" aria-hidden />} disabled={running} onClick={() => void choose()}>
          {t("setup.restore.choose")}
        </Button>
        <p role="status" data-testid="chosen-file">
          {file && t("setup.restore.chosen", { file })}
        </p>
      </div>
      <KitWords onChange={setWords} />
      {fields}
      <p className={styles.lead}>{t("setup.restore.again")}</p>
      <ErrorNote error={error} />
      {running && <HowFar what={t("setup.restore.running")} now={progress && { stage: t(`setup.restore.stage.${progress.stage}`), percent: progress.percent }} />}
      <div className={styles.actions}>
        <Button variant="default" disabled={running} onClick={onBack}>
          {t("common.back")}
        </Button>
        <Button type="submit" disabled={!ready || !file || !words || running}>
          {t("setup.restore.submit")}
        </Button>
      </div>
    </form>
  );
}
