import { useQuery } from "@tanstack/react-query";
import { IconDatabaseX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import styles from "./DiskStrip.module.css";

/** Above every screen while the disk is full, signed in or not: what still works, and what does not. */
export function DiskStrip() {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  if (!data?.disk_full) return null;
  return (
    <p className={`${styles.strip} no-print`} role="alert" data-testid="disk-full">
      <IconDatabaseX size="1.25rem" aria-hidden />
      <span>
        <strong>{t("shell.diskFull.title")}</strong> {t("shell.diskFull.help")}
      </span>
    </p>
  );
}
