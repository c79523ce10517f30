import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconArmchair, IconChevronRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { QueueRow, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { minutesSince } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import styles from "./Consult.module.css";

/** The doctor's own list: who is in the room, who waits, and the next one by one tap. */
export function ConsultList({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data, error } = useQuery(queries.today());
  const now = useNow(30_000);
  const mine = data?.rows.filter((r) => r.doctor === null || r.doctor === session.staff) ?? [];
  const inRoom = mine.filter((r) => r.state === "in_consult");
  const waiting = mine.filter((r) => r.state === "waiting" || r.state === "called");
  const next = waiting[0];
  const open = (row: QueueRow) => void navigate({ to: "/consult/$visit", params: { visit: row.visit } });
  const list = (rows: QueueRow[]) => (
    <div className={`${page.card} ${styles.queueList}`}>
      {rows.map((row) => (
        <button key={row.entry} type="button" className={styles.queueRow} onClick={() => open(row)} aria-label={t("consult.list.open", { token: row.token, name: row.name })}>
          <span className={styles.queueToken}>{row.token}</span>
          <span className={styles.queueWho}>
            <strong>{row.name}</strong>
            <span className={page.muted}>{[row.age_years === null ? "" : t("time.ageYears", { y: row.age_years }), t(`common.sex.${row.sex}`), row.reason].filter(Boolean).join(" · ")}</span>
          </span>
          {row.state === "called" && <Badge tone="accent">{t("today.state.called")}</Badge>}
          <span className={page.muted}>{t("today.minutes", { n: minutesSince(row.arrived_at, now) })}</span>
          <IconChevronRight size="1.1875rem" aria-hidden />
        </button>
      ))}
    </div>
  );
  return (
    <div className={page.page} data-screen="consult-list">
      <div className={page.row}>
        <h1 className={page.title}>{t("consult.list.title")}</h1>
        {next && (
          <Button className={page.push} onClick={() => open(next)}>
            {t("consult.list.next", { token: next.token })}
          </Button>
        )}
      </div>
      <ErrorNote error={error} />
      {inRoom.length > 0 && (
        <>
          <h2 className={page.h2}>{t("consult.list.inRoom")}</h2>
          {list(inRoom)}
        </>
      )}
      <h2 className={page.h2}>{t("consult.list.waiting", { count: waiting.length })}</h2>
      {waiting.length > 0
        ? list(waiting)
        : data && (
            <div className={page.card}>
              <EmptyState records icon={IconArmchair} title={t("consult.list.empty")} help={t("consult.list.emptyHelp")}>
                <Button variant="default" onClick={() => void navigate({ to: "/today" })}>
                  {t("consult.list.toToday")}
                </Button>
              </EmptyState>
            </div>
          )}
    </div>
  );
}
