import type { ColumnDef } from "@tanstack/react-table";
import { IconBellRinging, IconCheck, IconClock, IconDoorExit, IconPill, IconStethoscope } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { QueueRow, QueueState } from "@/api";
import { minutesSince } from "@/lib/time";
import styles from "./Today.module.css";

const ICON = { waiting: IconClock, called: IconBellRinging, in_consult: IconStethoscope, at_pharmacy: IconPill, done: IconCheck, left: IconDoorExit };
/** A bar is full after an hour. */
const FULL_MINUTES = 60;
const OVER: QueueState[] = ["done", "left"];

export function useColumns(now: number): ColumnDef<QueueRow, unknown>[] {
  const { t } = useTranslation();
  return useMemo(
    () => [
      { id: "token", header: t("today.column.token"), size: 50, minSize: 44, cell: ({ row }) => <span className={styles.token}>{row.original.token}</span> },
      { id: "name", header: t("today.column.name"), size: 214, minSize: 120, cell: ({ row }) => <span className={styles.name}>{row.original.name}</span> },
      {
        id: "age",
        header: t("today.column.age"),
        size: 54,
        minSize: 50,
        cell: ({ row }) => `${row.original.age_years ?? "–"} ${t(`common.sexShort.${row.original.sex}`)}`,
      },
      { id: "reason", header: t("today.column.reason"), minSize: 96, cell: ({ row }) => <span className={styles.reason}>{row.original.reason}</span> },
      {
        id: "waiting",
        header: t("today.column.waiting"),
        size: 88,
        minSize: 80,
        cell: ({ row }) => {
          if (OVER.includes(row.original.state)) return null;
          const minutes = minutesSince(row.original.arrived_at, now);
          return (
            <span className={styles.wait}>
              <span className={styles.minutes}>{t("today.minutes", { n: minutes })}</span>
              <span className={styles.track} aria-hidden>
                <span style={{ width: `${Math.min(100, (minutes / FULL_MINUTES) * 100)}%` }} />
              </span>
            </span>
          );
        },
      },
      { id: "doctor", header: t("today.column.doctor"), size: 132, minSize: 88, cell: ({ row }) => row.original.doctor_name ?? <span className={styles.reason}>{t("today.anyDoctor")}</span> },
      {
        id: "state",
        header: t("today.column.state"),
        size: 114,
        minSize: 108,
        cell: ({ row }) => {
          const Icon = ICON[row.original.state];
          return (
            <span className={styles.state} data-state={row.original.state}>
              <Icon size="0.875rem" aria-hidden />
              {t(`today.state.${row.original.state}`)}
            </span>
          );
        },
      },
    ],
    [t, now],
  );
}
