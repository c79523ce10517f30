import { Button, SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconArmchair, IconBellRinging, IconUser, IconX } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, type QueueRow, type QueueState, type SessionView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { notifyError, notifyUndo } from "@/components/notify";
import page from "@/components/Page.module.css";
import { mayOf } from "@/lib/may";
import { showShortDay, weekday } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import { useColumns } from "./columns";
import { Register } from "./Register";
import { movesOf } from "./moves";
import styles from "./Today.module.css";

const STATES = ["here", "waiting", "in_consult", "at_pharmacy", "all"] as const;
export type StateFilter = (typeof STATES)[number];
export interface TodaySearch {
  state?: StateFilter;
  doctor?: string;
  row?: string;
}

const HERE: QueueState[] = ["waiting", "called", "in_consult", "at_pharmacy"];
const fits = (filter: StateFilter, state: QueueState) =>
  filter === "all" ? true : filter === "here" ? HERE.includes(state) : filter === "waiting" ? state === "waiting" || state === "called" : state === filter;

/** The queue on the left, registering on the right. */
export function Today({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as TodaySearch;
  const { data, error } = useQuery(queries.today());
  const now = useNow(30_000);
  const columns = useColumns(now);
  const filter = search.state ?? "here";
  const set = (change: TodaySearch) => void navigate({ to: "/today", search: { ...search, ...change }, replace: true });

  const rows = useMemo(
    () => data?.rows.filter((r) => fits(filter, r.state) && (!search.doctor || r.doctor === search.doctor)) ?? [],
    [data, filter, search.doctor],
  );
  const chosen = rows.find((r) => r.entry === search.row);
  const next = data?.rows.find((r) => r.state === "waiting" && (session.role !== "doctor" || r.doctor === null || r.doctor === session.staff));
  const move = useMove(data?.rows ?? []);
  const may = mayOf(session);
  const registers = may.registerPatient;
  const waiting = data?.rows.filter((r) => r.state === "waiting" || r.state === "called").length ?? 0;

  return (
    <div className={styles.today} data-registers={registers} data-screen="today">
      <section className={`${page.card} ${styles.queue}`} aria-label={t("today.queue")}>
        {chosen ? (
          <div className={styles.bar} data-chosen>
            <h1 className="sr">{t("today.title")}</h1>
            <Button variant="subtle" color="gray" size="compact-md" h={36} px={8} aria-label={t("today.unselect")} onClick={() => set({ row: undefined })}>
              <IconX size="1.125rem" aria-hidden />
            </Button>
            <p className={styles.chosen}>
              <strong>{chosen.token}</strong> {chosen.name}
            </p>
            <span className={styles.push} />
            {movesOf(chosen.state, may).map(({ to, label, primary, open }) => (
              <Button
                key={label}
                size="compact-md"
                h={36}
                variant={primary ? "light" : "default"}
                onClick={() => {
                  if (open) void navigate({ to: open, params: { visit: chosen.visit } });
                  else move(chosen, to);
                }}
              >
                {t(`today.move.${label}`)}
              </Button>
            ))}
            <Button
              size="compact-md"
              h={36}
              variant="default"
              leftSection={<IconUser size="1rem" aria-hidden />}
              onClick={() => void navigate({ to: "/patients/$patient", params: { patient: chosen.patient } })}
            >
              {t("today.patientPage")}
            </Button>
          </div>
        ) : (
          <div className={styles.bar}>
            <h1 className={styles.title}>{t("today.title")}</h1>
            {data && (
              <p className={styles.count}>
                {`${weekday(data.day)}, ${showShortDay(data.day)}`}
                <span>{t("today.waitingCount", { count: waiting })}</span>
              </p>
            )}
            <span className={styles.push} />
            <SegmentedControl
              size="xs"
              className={styles.filter}
              aria-label={t("today.filter.label")}
              value={filter}
              onChange={(v) => set({ state: v as StateFilter })}
              data={STATES.map((value) => ({ value, label: t(`today.filter.${value}`) }))}
            />
            <Select
              size="xs"
              w={142}
              aria-label={t("today.doctor")}
              value={search.doctor ?? ""}
              onChange={(v) => set({ doctor: v || undefined })}
              data={[{ value: "", label: t("today.everyDoctor") }, ...(data?.doctors.map((d) => ({ value: d.id, label: d.name })) ?? [])]}
            />
            {may.setQueueState && (
              <Button
                size="compact-md"
                h={36}
                variant="light"
                disabled={!next}
                leftSection={<IconBellRinging size="1.0625rem" aria-hidden />}
                onClick={() => next && move(next, "called")}
              >
                {t("today.callNext")}
              </Button>
            )}
          </div>
        )}
        <ErrorNote error={error} />
        <DataTable<QueueRow>
          label={t("today.queue")}
          dense
          rows={rows}
          columns={columns}
          rowKey={(r) => r.entry}
          rowState={(r) => r.state}
          selected={search.row ?? null}
          onSelect={(row) => set({ row: row ?? undefined })}
          onOpen={(r) => {
            const open = movesOf(r.state, may).find((m) => m.open)?.open;
            if (open) void navigate({ to: open, params: { visit: r.visit } });
            else void navigate({ to: "/patients/$patient", params: { patient: r.patient } });
          }}
          empty={
            data && (
              <EmptyState
                records={data.rows.length === 0}
                icon={IconArmchair}
                title={data.rows.length === 0 ? t("today.empty.title") : t("today.empty.filtered")}
                help={data.rows.length === 0 ? t("today.empty.help") : t("today.empty.filteredHelp")}
              >
                {data.rows.length > 0 && (
                  <Button variant="default" onClick={() => set({ state: "all", doctor: undefined })}>
                    {t("today.empty.showAll")}
                  </Button>
                )}
              </EmptyState>
            )
          }
        />
      </section>
      {registers && <Register doctors={data?.doctors ?? []} />}
    </div>
  );
}

/** Moves a patient along, and offers to undo it. */
function useMove(rows: QueueRow[]) {
  const { t } = useTranslation();
  const write = useWrite(({ entry, to }: { entry: string; to: QueueState }) => api.setQueueState(entry, to), ["queue"]);
  return (row: QueueRow, to: QueueState) => {
    const before = rows.find((r) => r.entry === row.entry)?.state ?? row.state;
    write.mutate(
      { entry: row.entry, to },
      {
        onSuccess: () =>
          notifyUndo(`moved-${row.entry}`, t("today.moved", { token: row.token, state: t(`today.state.${to}`) }), () =>
            write.mutate({ entry: row.entry, to: before }),
          ),
        onError: notifyError,
      },
    );
  };
}
