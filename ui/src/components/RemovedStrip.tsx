import { useQuery } from "@tanstack/react-query";
import { IconCopy, IconDatabaseX, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import styles from "./RemovedStrip.module.css";

const ICONS = { damaged: IconDatabaseX, removed: IconPlugConnectedX, copy: IconCopy };

/** Above every screen of a device that does not belong any more, or whose store is a copy or damaged, the sign-in and the patient's own screens too: what that means; `children` is where it is told what to do. */
export function RemovedStrip({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  const { data } = useQuery(queries.status());
  const what = data?.damaged ? "damaged" : data?.removed ? "removed" : data?.is_a_copy ? "copy" : undefined;
  if (what === undefined) return null;
  const Icon = ICONS[what];
  return (
    <div className={`${styles.strip} no-print`} role="alert" data-testid={what}>
      <Icon size="1.25rem" aria-hidden />
      <p>
        <strong>{t(`shell.${what}.title`)}</strong> {t(`shell.${what}.help`)}
      </p>
      {children && what !== "damaged" && <span className={styles.link}>{children}</span>}
    </div>
  );
}
