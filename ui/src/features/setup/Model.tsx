import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { ModelImport } from "@/components/ModelImport";
import styles from "./Setup.module.css";

/** A speech model can be brought on a USB stick; everything else works without. */
export function Model() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const models = useQuery(queries.models());
  const go = useWrite(() => api.skipModel());
  const has = models.data?.some((m) => m.installed) ?? false;
  const onward = () => go.mutate(undefined, { onSuccess: () => void client.resetQueries() });
  return (
    <section className={styles.form}>
      <h1 className={styles.title}>{t("setup.model.title")}</h1>
      <p className={styles.lead}>{t("setup.model.lead")}</p>
      <ModelImport />
      <ErrorNote error={go.error} />
      <div className={styles.actions}>
        <Button variant={has ? "filled" : "default"} loading={go.isPending} onClick={onward}>
          {has ? t("setup.model.finish") : t("setup.model.skip")}
        </Button>
      </div>
    </section>
  );
}
