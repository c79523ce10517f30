import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconUsb } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { type Importing, useModelImport } from "@/api/modelImport";
import { pickFile } from "@/api/native";
import { queries } from "@/api/queries";
import { clock } from "@/lib/time";
import { Badge } from "./Badge";
import { ErrorNote } from "./ErrorNote";
import styles from "./ModelImport.module.css";

const megabytes = (bytes: number) => Math.max(1, Math.round(bytes / 1e6));
/** Sooner than this a guess of what is left would jump about. */
const ENOUGH_TO_GUESS_MS = 2000;

/** The speech models that can be used here, and the import of one from a file: how far it is, and a way to take it back. */
export function ModelImport() {
  const { t } = useTranslation();
  const { data } = useQuery(queries.models());
  const { start, cancel, running, progress, brought, error } = useModelImport();
  const choose = async () => {
    const path = await pickFile({ name: t("admin.model.file"), extensions: ["bin", "gguf"] });
    if (path) start(path);
  };
  const cancelled = error?.code === "cancelled";
  return (
    <div className={styles.models}>
      {data?.map((model) => (
        <div key={model.id} className={styles.model} data-installed={model.installed}>
          <div>
            <strong>{model.title}</strong>
            <p className={styles.note}>
              {[model.file, t("admin.model.size", { n: megabytes(model.bytes) }), model.languages.join(", ")].join(" · ")}
            </p>
          </div>
          <span className={styles.push}>
            {model.demo && <Badge>{t("common.demoModel")}</Badge>}
            {model.installed && (
              <Badge tone="green" icon={<IconCheck size="0.875rem" aria-hidden />}>
                {model.in_use ? t("admin.model.inUse") : t("admin.model.installed")}
              </Badge>
            )}
          </span>
        </div>
      ))}
      <Button variant="default" leftSection={<IconUsb size="1.125rem" aria-hidden />} disabled={running} onClick={() => void choose()}>
        {t("admin.model.import")}
      </Button>
      {running && <HowFar progress={progress} onCancel={cancel} />}
      {!running && !cancelled && <ErrorNote error={error} />}
      <p role="status" className={styles.result} data-testid="model-result">
        {!running && cancelled && t("admin.model.cancelled")}
        {!running && !error && brought && (
          <>
            <IconCheck size="1.125rem" aria-hidden />
            {t("admin.model.done", { title: brought.title })}
          </>
        )}
      </p>
    </div>
  );
}

function HowFar({ progress, onCancel }: { progress: Importing | null; onCancel: () => void }) {
  const { t } = useTranslation();
  const { done_bytes: done, total_bytes: total, since } = progress ?? { done_bytes: 0, total_bytes: 0, since: 0 };
  const percent = total > 0 ? Math.floor((done / total) * 100) : 0;
  const elapsed = Date.now() - since;
  const left = progress && done > 0 && done < total && elapsed > ENOUGH_TO_GUESS_MS ? t("admin.model.left", { left: clock((elapsed * (total - done)) / done) }) : "";
  return (
    <div className={styles.howFar} data-testid="model-import">
      <div>
        <p>{t("admin.model.importing")}</p>
        <Progress value={percent} size="lg" aria-label={t("admin.model.importing")} />
        <p className={styles.note}>
          {[progress ? t("admin.model.megabytes", { done: Math.round(done / 1e6), total: megabytes(total) }) : "", t("common.percent", { n: percent }), left].filter(Boolean).join(" · ")}
        </p>
      </div>
      <Button variant="default" onClick={onCancel}>
        {t("common.cancel")}
      </Button>
    </div>
  );
}
