import { useQuery } from "@tanstack/react-query";
import { IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import styles from "./RemovedStrip.module.css";

/** Above every screen of a device that does not belong any more, the sign-in and the patient's own screens too: what that means; `children` is where it is told what to do. */
export function RemovedStrip({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  if (!data?.removed) return null;
  return (
    <div className={`${styles.strip} no-print`} role="alert" data-testid="removed">
      <IconPlugConnectedX size="1.25rem" aria-hidden />
      <p>
        <strong>{t("shell.removed.title")}</strong> {t("shell.removed.help")}
      </p>
      {children && <span className={styles.link}>{children}</span>}
    </div>
  );
}
