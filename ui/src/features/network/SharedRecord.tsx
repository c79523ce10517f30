import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { IconArrowLeft, IconDownload, IconEyeCheck, IconLock, IconQuestionMark } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, type Shared, type SharedMedicine, type SharedRecording, type SharedVisit } from "@/api";
import { saveAs } from "@/api/native";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { AllergyStrip } from "@/components/AllergyStrip";
import { CategoryList } from "@/components/CategoryList";
import { ErrorNote } from "@/components/ErrorNote";
import { FailedPage } from "@/components/FailedPage";
import { notify } from "@/components/notify";
import { doseWords, lengthWords } from "@/components/lineWords";
import page from "@/components/Page.module.css";
import { clock, showDay, showMoment } from "@/lib/time";
import styles from "./Network.module.css";

/** What another clinic shares, opened; what was withheld stands there as withheld. */
export function SharedRecord() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { grant } = useParams({ strict: false }) as { grant: string };
  const { data, error } = useQuery(queries.shared(grant));
  const save = useWrite((path: string) => api.saveFhir(grant, path));
  const saveFile = async () => {
    const path = await saveAs(`medieco-${grant.slice(0, 8)}.fhir.json`, { name: "FHIR", extensions: ["json"] });
    if (path) save.mutate(path, { onSuccess: () => notify(t("network.record.saved")) });
  };
  const back = (
    <Button variant="subtle" color="gray" leftSection={<IconArrowLeft size="1.125rem" aria-hidden />} onClick={() => void navigate({ to: "/network", search: { tab: "received" } })}>
      {t("network.record.back")}
    </Button>
  );
  if (error)
    return (
      <FailedPage title={t("network.title")} error={error}>
        {back}
      </FailedPage>
    );
  if (!data) return null;
  const { summary, record } = data;
  return (
    <div className={page.page} data-screen="shared-record">
      <div className={page.row}>
        {back}
        <Button className={page.push} variant="default" leftSection={<IconDownload size="1.125rem" aria-hidden />} loading={save.isPending} onClick={() => void saveFile()}>
          {t("network.record.saveFhir")}
        </Button>
      </div>
      <header className={`${page.card} ${styles.recordHead}`}>
        <div>
          <h1 className={page.title}>{record.card.name}</h1>
          <p className={page.muted}>
            {[summary.identifier, record.card.birth_date ? t("patients.born", { day: showDay(record.card.birth_date) }) : "", t(`common.sex.${record.card.sex}`)].filter(Boolean).join(" · ")}
          </p>
        </div>
        <div className={styles.source}>
          <strong>{record.source.name}</strong>
          <span className={page.muted}>{[record.source.address.replaceAll("\n", ", "), record.source.phone].filter(Boolean).join(" · ")}</span>
          <span>{t("network.record.asOf", { at: showMoment(record.as_of) })}</span>
        </div>
        <CategoryList given={summary.categories} withheld={summary.withheld} />
        <p className={styles.audited}>
          <IconEyeCheck size="1.0625rem" aria-hidden />
          {record.onward ? t("network.record.audited") : t("network.record.auditedNoOnward")}
        </p>
      </header>
      <ErrorNote error={save.error} />
      {record.not_understood > 0 && <p className={styles.unread}>{t("network.record.notUnderstood", { count: record.not_understood })}</p>}
      <Part title={t("network.category.allergies")} shared={record.allergies}>
        {(status) => <AllergyStrip patient="" status={status} canAsk={false} />}
      </Part>
      <Part title={t("network.category.encounters")} shared={record.encounters}>
        {(visits) => (visits.length === 0 ? <None /> : visits.map((v) => <Visit key={v.id} visit={v} />))}
      </Part>
      <Part title={t("network.category.prescriptions")} shared={record.prescriptions}>
        {(medicines) => (medicines.length === 0 ? <None /> : medicines.map((m) => <Medicine key={m.id} medicine={m} />))}
      </Part>
      <Part title={t("network.category.audio")} shared={record.recordings}>
        {(recordings) => (recordings.length === 0 ? <None /> : recordings.map((r) => <Recording key={r.id} recording={r} />))}
      </Part>
    </div>
  );
}

function None() {
  const { t } = useTranslation();
  return <p className={page.muted}>{t("network.record.nothing")}</p>;
}

/** Given, withheld by the patient, or not available: three answers, never mixed up. */
function Part<T>({ title, shared, children }: { title: string; shared: Shared<T>; children: (value: T) => ReactNode }) {
  const { t } = useTranslation();
  return (
    <section className={`${page.card} ${styles.part}`} data-shared={shared.state} aria-label={title}>
      <h2 className={page.h2}>{title}</h2>
      {shared.state === "given" ? (
        children(shared.value)
      ) : (
        <p className={styles.held}>
          {shared.state === "withheld" ? <IconLock size="1.1875rem" aria-hidden /> : <IconQuestionMark size="1.1875rem" aria-hidden />}
          {t(`network.record.${shared.state}`)}
        </p>
      )}
    </section>
  );
}

function Visit({ visit }: { visit: SharedVisit }) {
  const { t } = useTranslation();
  const { note } = visit;
  const sections = [
    ["subjective", note.subjective],
    ["objective", note.objective],
    ["assessment", note.assessment],
    ["plan", note.plan],
  ] as const;
  return (
    <article className={styles.visit}>
      <p className={styles.visitTop}>
        <strong>{showMoment(visit.started_at)}</strong>
        <span className={page.muted}>{[visit.author.name, visit.author.registration].filter(Boolean).join(", ")}</span>
      </p>
      <p>{visit.diagnoses.map((d) => [d.icd10, d.text].filter(Boolean).join(" ")).join("; ")}</p>
      <dl className={styles.soap}>
        {sections
          .filter(([, words]) => words.length > 0)
          .map(([name, words]) => (
            <div key={name}>
              <dt>{t(`consult.section.${name}.name`)}</dt>
              <dd>{words.join(" ")}</dd>
            </div>
          ))}
      </dl>
    </article>
  );
}

function Medicine({ medicine }: { medicine: SharedMedicine }) {
  const { t } = useTranslation();
  const { line, dispensed } = medicine;
  return (
    <article className={styles.visit}>
      <p className={styles.visitTop}>
        <strong>{line.drug_name}</strong>
        <span className={page.muted}>{showMoment(medicine.prescribed_at)}</span>
      </p>
      <p>{medicine.directions || doseWords(line)}</p>
      {medicine.reasons.map((r) => (
        <p key={r.finding_key}>{t("network.record.reason", { reason: r.reason })}</p>
      ))}
      <p className={page.muted}>
        {[
          lengthWords(line),
          line.indication,
          medicine.prescriber.name,
          ...dispensed.map((d) => t("network.record.dispensed", { n: d.quantity, name: d.by.name, at: showMoment(d.at) })),
          dispensed.length === 0 ? t("network.record.notDispensed") : "",
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
    </article>
  );
}

function Recording({ recording }: { recording: SharedRecording }) {
  const { t } = useTranslation();
  return (
    <article className={styles.visit}>
      <p className={styles.visitTop}>
        <strong>{showMoment(recording.recorded_at)}</strong>
        <span className={page.muted}>{clock(recording.duration_ms)}</span>
      </p>
      {recording.transcript.map((turn) => (
        <p key={turn.span.start_ms} lang={turn.language ?? undefined}>
          <span className={page.muted}>{`${t(`consult.turns.speaker.${turn.speaker}`)}: `}</span>
          {turn.text}
        </p>
      ))}
    </article>
  );
}
