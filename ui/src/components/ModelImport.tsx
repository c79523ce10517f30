import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconUsb } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { pickFile } from "@/api/native";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "./Badge";
import { ErrorNote } from "./ErrorNote";
import styles from "./ModelImport.module.css";

const megabytes = (bytes: number) => Math.max(1, Math.round(bytes / 1e6));

/** The speech models that can be used here, and the import of one from a file. */
export function ModelImport({ onImported }: { onImported?: () => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.models());
  const bring = useWrite((path: string) => api.importModel(path), ["settings", "status"]);
  const choose = async () => {
    const path = await pickFile({ name: t("admin.model.file"), extensions: ["bin", "gguf"] });
    if (path) bring.mutate(path, { onSuccess: onImported });
  };
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
              <Badge tone="green" icon={<IconCheck size={14} aria-hidden />}>
                {model.in_use ? t("admin.model.inUse") : t("admin.model.installed")}
              </Badge>
            )}
          </span>
        </div>
      ))}
      <ErrorNote error={bring.error} />
      <Button variant="default" leftSection={<IconUsb size={18} aria-hidden />} loading={bring.isPending} onClick={() => void choose()}>
        {t("admin.model.import")}
      </Button>
      {bring.isPending && <p role="status">{t("admin.model.importing")}</p>}
    </div>
  );
}
