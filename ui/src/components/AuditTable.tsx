import type { ColumnDef } from "@tanstack/react-table";
import { IconBan, IconCheck, IconServer } from "@tabler/icons-react";
import i18next from "i18next";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { AuditRow } from "@/api";
import { showMoment } from "@/lib/time";
import { Badge } from "./Badge";
import { DataTable } from "./DataTable";
import page from "./Page.module.css";

const actionWords = (action: string) => {
  const key = action.replace(".", "_");
  return i18next.exists(`network.action.${key}`) ? i18next.t(`network.action.${key as "consent_granted"}`) : action;
};
const reasonWords = (reason: string) => (i18next.exists(`network.reason.${reason}`) ? i18next.t(`network.reason.${reason as "revoked"}`) : reason);

/** What was done, and why where that is one of our own words: what a person typed is not for a list that many read. */
const doneWords = ({ action, permitted, reason }: AuditRow) =>
  permitted && reason && i18next.exists(`network.reason.${reason}`) ? `${actionWords(action)}: ${reasonWords(reason)}` : actionWords(action);

/** Who saw or did what, permitted or not. */
export function AuditTable({ rows, withPatient = true, empty }: { rows: AuditRow[]; withPatient?: boolean; empty: ReactNode }) {
  const { t } = useTranslation();
  const columns = useMemo<ColumnDef<AuditRow, unknown>[]>(() => {
    const all: ColumnDef<AuditRow, unknown>[] = [
      { id: "at", header: t("network.audit.at"), size: 172, cell: ({ row }) => <span className={page.muted}>{showMoment(row.original.at)}</span> },
      {
        id: "who",
        header: t("network.audit.who"),
        cell: ({ row }) => (
          <span className={page.row} style={{ flexWrap: "nowrap", gap: 6 }}>
            <strong>{row.original.who}</strong>
            {row.original.from_relay && <IconServer size="0.9375rem" role="img" aria-label={t("network.audit.fromRelay")} />}
          </span>
        ),
      },
      { id: "what", header: t("network.audit.what"), cell: ({ row }) => doneWords(row.original) },
    ];
    if (withPatient) all.push({ id: "patient", header: t("network.audit.patient"), cell: ({ row }) => row.original.patient_name ?? "" });
    all.push({
      id: "outcome",
      header: t("network.audit.outcome"),
      size: 210,
      cell: ({ row }) =>
        row.original.permitted ? (
          <Badge icon={<IconCheck size="0.875rem" aria-hidden />}>{t("network.audit.permitted")}</Badge>
        ) : (
          <Badge tone="red" icon={<IconBan size="0.875rem" aria-hidden />}>
            {row.original.reason ? t("network.audit.deniedBecause", { reason: reasonWords(row.original.reason) }) : t("network.audit.denied")}
          </Badge>
        ),
    });
    return all;
  }, [t, withPatient]);
  // A line has no id of its own: its place in the list is one.
  const keyed = useMemo(() => new Map(rows.map((row, i) => [row, String(i)])), [rows]);
  return <DataTable<AuditRow> label={t("network.audit.title")} rows={rows} columns={columns} rowKey={(r) => keyed.get(r) ?? ""} empty={empty} />;
}
