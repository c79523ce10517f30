import { TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ColumnDef } from "@tanstack/react-table";
import { IconSearch, IconUserSearch } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PatientRow } from "@/api";
import { queries } from "@/api/queries";
import { DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import styles from "./Patients.module.css";

export interface PatientsSearch {
  q?: string;
}

/** Finding a patient: name, document or telephone. An empty field shows the recent ones. */
export function Patients() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { q } = useSearch({ strict: false }) as PatientsSearch;
  const [text, setText] = useState(q ?? "");
  const [query] = useDebouncedValue(text.trim(), 100);
  const { data, error } = useQuery(queries.searchPatients(query));
  const [selected, setSelected] = useState<string | null>(null);
  const columns = useMemo<ColumnDef<PatientRow, unknown>[]>(
    () => [
      { id: "name", header: t("patients.column.name"), cell: ({ row }) => <strong>{row.original.name}</strong> },
      { id: "age", header: t("patients.column.age"), size: 90, cell: ({ row }) => (row.original.age_years === null ? t("time.ageUnknown") : t("time.ageYears", { y: row.original.age_years })) },
      { id: "sex", header: t("patients.column.sex"), size: 110, cell: ({ row }) => t(`common.sex.${row.original.sex}`) },
      { id: "paper", header: t("patients.column.paper"), size: 130, cell: ({ row }) => row.original.identifier_tail || "–" },
      { id: "why", header: query ? t("patients.column.why") : "", size: 150, cell: ({ row }) => (query ? <span className={page.muted}>{t(`patients.why.${row.original.matched}`)}</span> : null) },
    ],
    [t, query],
  );
  const open = (row: PatientRow) => void navigate({ to: "/patients/$patient", params: { patient: row.id } });
  return (
    <div className={styles.find} data-screen="patients">
      <div className={styles.top}>
        <h1 className={page.title}>{t("patients.title")}</h1>
        <TextInput
          className={styles.field}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          aria-label={t("patients.search")}
          placeholder={t("patients.search")}
          autoComplete="off"
          leftSection={<IconSearch size="1.125rem" aria-hidden />}
          onKeyDown={(e) => {
            const first = data?.[0];
            // Never the first of an older answer.
            if (e.key === "Enter" && first && query === text.trim()) open(first);
          }}
        />
      </div>
      <ErrorNote error={error} />
      <div className={`${page.card} ${styles.list}`}>
        <DataTable<PatientRow>
          label={t("patients.title")}
          rows={data ?? []}
          columns={columns}
          rowKey={(r) => r.id}
          selected={selected}
          onSelect={(id) => {
            const row = data?.find((r) => r.id === (id ?? selected));
            if (id) setSelected(id);
            else if (row) open(row);
          }}
          onOpen={open}
          empty={data && <EmptyState records icon={IconUserSearch} title={query ? t("patients.none.title") : t("patients.empty.title")} help={query ? t("patients.none.help") : t("patients.empty.help")} />}
        />
      </div>
      <p className={`${page.small} ${page.muted}`}>{t("patients.openHint")}</p>
    </div>
  );
}
