import { Button } from "@mantine/core";
import { IconFileImport } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { pickFile } from "@/api/native";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import styles from "./Devices.module.css";

/** What a removed device could not send, brought by hand. */
export function TakeIn() {
  const { t } = useTranslation();
  const take = useWrite((path: string) => api.takeInUnsent(path), ["devices", "status", "queue", "patients"]);
  const choose = async () => {
    const path = await pickFile({ name: t("admin.devices.unsent.file"), extensions: ["unsent"] });
    if (path) take.mutate(path);
  };
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="devices-unsent">
      <h2 className={page.h2} id="devices-unsent">
        {t("admin.devices.unsent.title")}
      </h2>
      <p className={page.muted}>{t("admin.devices.unsent.help")}</p>
      <ErrorNote error={take.error} />
      <p role="status" className={styles.said}>
        {take.isSuccess && (take.data > 0 ? t("admin.devices.unsent.took", { count: take.data }) : t("admin.devices.unsent.nothing"))}
      </p>
      <div className={page.row}>
        <Button variant="default" leftSection={<IconFileImport size="1.125rem" aria-hidden />} loading={take.isPending} onClick={() => void choose()}>
          {t("admin.devices.unsent.take")}
        </Button>
      </div>
    </section>
  );
}
