import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import styles from "./RemovedStrip.module.css";

/** Above every screen of a device that does not belong any more: what that means, and where it is told what to do. */
export function RemovedStrip() {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  if (!data?.removed) return null;
  return (
    <div className={`${styles.strip} no-print`} role="alert" data-testid="removed">
      <IconPlugConnectedX size="1.25rem" aria-hidden />
      <p>
        <strong>{t("shell.removed.title")}</strong> {t("shell.removed.help")}
      </p>
      <Link to="/sync" className={styles.link}>
        {t("shell.removed.open")}
      </Link>
    </div>
  );
}
