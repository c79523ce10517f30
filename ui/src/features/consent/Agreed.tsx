import { IconCircleCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { GrantView } from "@/api";
import { showMoment } from "@/lib/time";
import styles from "./Consent.module.css";
import { SaysBack } from "./SaysBack";

/** The last page: what was agreed, as it was stored, word for word; it can be printed. */
export function Agreed({ grant, from }: { grant: GrantView; from: string }) {
  const { t } = useTranslation();
  return (
    <section className={styles.agreed}>
      <h1 className={styles.title}>
        <IconCircleCheck size="2.75rem" stroke={1.6} aria-hidden />
        {t("consent.agreed.title")}
      </h1>
      <p>{t("consent.agreed.who", { name: grant.patient_name, at: showMoment(grant.granted_at) })}</p>
      <SaysBack clinic={grant.clinic_name} own={from} terms={grant.terms} />
      <p className={styles.strong}>{t("consent.sign.stop")}</p>
    </section>
  );
}
