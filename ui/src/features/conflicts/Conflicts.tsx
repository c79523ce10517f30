import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconChevronRight, IconCircleCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { MatterView } from "@/api";
import { queries } from "@/api/queries";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { Matter } from "@/components/matters/Matter";
import page from "@/components/Page.module.css";
import { showDay } from "@/lib/time";
import styles from "./Conflicts.module.css";

export interface ConflictsSearch {
  patient?: string;
}

/** By patient, and within her by visit: what concerns no visit first. */
function grouped(matters: MatterView[]): MatterView[][] {
  const groups = new Map<string, MatterView[]>();
  for (const matter of matters) groups.set(matter.patient, [...(groups.get(matter.patient) ?? []), matter]);
  return [...groups.values()].map((group) => group.sort((a, b) => (a.day ?? "").localeCompare(b.day ?? "")));
}

/** Everything that was written apart and waits for a person: of everybody, or of one patient. */
export function Conflicts() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { patient } = useSearch({ strict: false }) as ConflictsSearch;
  const { data, error } = useQuery(queries.conflicts(patient ?? null));
  const name = data?.matters[0]?.patient_name;
  return (
    <div className={page.page} data-screen="conflicts">
      <h1 className={page.title}>{t("conflicts.title")}</h1>
      <p className={page.muted}>{t("conflicts.help")}</p>
      {patient && (
        <div className={page.row}>
          {name && <p>{t("conflicts.only", { name })}</p>}
          <Button variant="default" onClick={() => void navigate({ to: "/conflicts", search: {} })}>
            {t("conflicts.everybody")}
          </Button>
        </div>
      )}
      <ErrorNote error={error} />
      {data && grouped(data.matters).map((group) => <OfPatient key={group[0]?.patient} matters={group} />)}
      {data && data.matters.length === 0 && data.elsewhere === 0 && (
        <section className={page.card}>
          <EmptyState records icon={IconCircleCheck} title={t("conflicts.none")} help={t("conflicts.noneHelp")} />
        </section>
      )}
      {data && data.elsewhere > 0 && <p data-testid="elsewhere">{t("conflicts.elsewhere", { count: data.elsewhere })}</p>}
    </div>
  );
}

function OfPatient({ matters }: { matters: MatterView[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const first = matters[0];
  if (!first) return null;
  const name = first.patient_name || t("conflicts.nameless");
  const heading = `of-${first.patient}`;
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby={heading}>
      <div className={page.row}>
        <h2 className={styles.name} id={heading}>
          {name}
        </h2>
        <Button variant="subtle" color="gray" className={page.push} rightSection={<IconChevronRight size="1.125rem" aria-hidden />} onClick={() => void navigate({ to: "/patients/$patient", params: { patient: first.patient } })}>
          {t("conflicts.openPatient", { name })}
        </Button>
      </div>
      {matters.map((matter, i) => (
        <div key={matter.key}>
          {matter.day && matter.day !== matters[i - 1]?.day && <p className={styles.day}>{t("conflicts.visit", { day: showDay(matter.day) })}</p>}
          <Matter matter={matter} />
        </div>
      ))}
    </section>
  );
}
