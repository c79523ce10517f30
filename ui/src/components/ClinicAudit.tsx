import { useQuery } from "@tanstack/react-query";
import { IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import { AuditTable } from "./AuditTable";
import { EmptyState } from "./EmptyState";
import { ErrorNote } from "./ErrorNote";
import page from "./Page.module.css";

/** Who saw or did what, of all patients. */
export function ClinicAudit() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.audit(null));
  return (
    <>
      <p className={page.muted}>{t("network.audit.help")}</p>
      <ErrorNote error={error} />
      <div className={page.card}>{data && <AuditTable rows={data} empty={<EmptyState records icon={IconShieldLock} title={t("patients.seen.none")} help={t("patients.seen.noneHelp")} />} />}</div>
    </>
  );
}
