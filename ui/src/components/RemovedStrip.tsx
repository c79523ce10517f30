import { useQuery } from "@tanstack/react-query";
import { IconCopy, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import styles from "./RemovedStrip.module.css";

/** Above every screen of a device that does not belong any more, or whose store is a copy, the sign-in and the patient's own screens too: what that means; `children` is where it is told what to do. */
export function RemovedStrip({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  if (!data?.removed && !data?.is_a_copy) return null;
  const what = data.removed ? "removed" : "copy";
  return (
    <div className={`${styles.strip} no-print`} role="alert" data-testid={what}>
      {data.removed ? <IconPlugConnectedX size="1.25rem" aria-hidden /> : <IconCopy size="1.25rem" aria-hidden />}
      <p>
        <strong>{t(`shell.${what}.title`)}</strong> {t(`shell.${what}.help`)}
      </p>
      {children && <span className={styles.link}>{children}</span>}
    </div>
  );
}
