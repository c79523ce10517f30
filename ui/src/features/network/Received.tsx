import { useNavigate } from "@tanstack/react-router";
import { IconChevronRight, IconInbox, IconUserCheck, IconUserQuestion } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SharedSummary } from "@/api";
import { Badge } from "@/components/Badge";
import { CategoryList } from "@/components/CategoryList";
import { EmptyState } from "@/components/EmptyState";
import page from "@/components/Page.module.css";
import { ago } from "@/lib/time";
import styles from "./Network.module.css";

/** What others share with us. Opening one is written down on both sides. */
export function Received({ rows, more, canOpen }: { rows: SharedSummary[] | undefined; more: boolean | undefined; canOpen: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <>
      <p className={page.muted}>{canOpen ? t("network.received.help") : t("network.received.doctorsOnly")}</p>
      <div className={`${page.card} ${styles.rows}`}>
        {rows?.map((row) => (
          <button
            key={row.grant}
            type="button"
            className={styles.received}
            disabled={!canOpen}
            onClick={() => void navigate({ to: "/network/received/$grant", params: { grant: row.grant } })}
            aria-label={t("network.received.open", { patient: row.patient_name, clinic: row.clinic_name })}
          >
            <span className={styles.receivedWho}>
              <strong>{row.patient_name}</strong>
              <span className={page.muted}>{row.identifier}</span>
            </span>
            <span className={styles.receivedWhat}>
              <span>{t("network.received.from", { clinic: row.clinic_name, ago: ago(row.as_of), count: row.n_entries })}</span>
              <CategoryList given={row.categories} withheld={row.withheld} />
            </span>
            {row.matched_patient ? (
              <Badge tone="green" icon={<IconUserCheck size="0.875rem" aria-hidden />}>
                {t("network.received.matched")}
              </Badge>
            ) : (
              <Badge icon={<IconUserQuestion size="0.875rem" aria-hidden />}>{t("network.received.unmatched")}</Badge>
            )}
            <IconChevronRight size="1.25rem" aria-hidden />
          </button>
        ))}
        {rows?.length === 0 && <EmptyState records icon={IconInbox} title={t("network.received.empty")} help={t("network.received.emptyHelp")} />}
      </div>
      {more === true && <p className={page.muted}>{t("network.received.more")}</p>}
    </>
  );
}
