import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { IconAlertTriangle, IconCopy, IconListDetails, IconPackage, IconPill } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { ago } from "@/lib/time";
import styles from "./Dispense.module.css";
import { Prescription } from "./Prescription";
import { Spool } from "./Spool";

/** Queue | the prescription's lines with their checks | the label as it will print. */
export function Dispense() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { visit } = useParams({ strict: false }) as { visit?: string };
  const { spool } = useSearch({ strict: false }) as { spool?: boolean };
  const queue = useQuery(queries.dispensingQueue());
  const open = useQuery({ ...queries.dispense(visit ?? ""), enabled: visit !== undefined });
  const status = useQuery(queries.status());
  const setSpool = (on: boolean) => void navigate({ to: visit ? "/dispense/$visit" : "/dispense", params: { visit: visit ?? "" }, search: on ? { spool: true } : {}, replace: true });
  return (
    <div className={styles.dispense} data-screen="dispense" data-open={visit !== undefined}>
      <section className={`${page.card} ${styles.queue}`} aria-label={t("dispense.queue")}>
        <div className={styles.queueTop}>
          <h1 className={page.h2}>{t("dispense.queue")}</h1>
          <Button
            variant={status.data?.printer.unknown ? "light" : "default"}
            size="compact-md"
            h={40}
            className={page.push}
            leftSection={<IconListDetails size="1.0625rem" aria-hidden />}
            onClick={() => setSpool(true)}
          >
            {t("dispense.spool.open", { count: status.data?.printer.unknown ?? 0 })}
          </Button>
        </div>
        <ErrorNote error={queue.error} />
        <div className={styles.rows}>
          {queue.data?.map((row) => (
            <button
              key={row.entry}
              type="button"
              className={styles.row}
              aria-current={row.visit === visit}
              onClick={() => void navigate({ to: "/dispense/$visit", params: { visit: row.visit } })}
              aria-label={t("dispense.openRow", { token: row.token, name: row.name })}
            >
              <span className={styles.token}>{row.token}</span>
              <span className={styles.who}>
                <strong>{row.name}</strong>
                <span className={page.muted}>{[t("dispense.medicines", { count: row.n_lines }), row.doctor_name, ago(row.signed_at)].join(" · ")}</span>
                {row.dispensed_twice && (
                  <Badge tone="red" icon={<IconCopy size="0.875rem" aria-hidden />}>
                    {t("dispense.twiceBadge")}
                  </Badge>
                )}
                {row.n_overridden > 0 && (
                  <Badge tone="amber" icon={<IconAlertTriangle size="0.875rem" aria-hidden />}>
                    {t("dispense.overridden", { count: row.n_overridden })}
                  </Badge>
                )}
              </span>
            </button>
          ))}
          {queue.data?.length === 0 && <EmptyState records icon={IconPackage} title={t("dispense.empty")} help={t("dispense.emptyHelp")} />}
        </div>
      </section>
      {visit && open.error ? (
        <div className={`${page.card} ${styles.nothing}`}>
          <ErrorNote error={open.error} />
        </div>
      ) : visit && open.data ? (
        <Prescription key={visit} view={open.data} onSpool={() => setSpool(true)} />
      ) : (
        !visit && (
          <div className={`${page.card} ${styles.nothing}`}>
            <EmptyState icon={IconPill} title={t("dispense.choose")} help={t("dispense.chooseHelp")} />
          </div>
        )
      )}
      <Spool opened={spool === true} onClose={() => setSpool(false)} />
    </div>
  );
}
