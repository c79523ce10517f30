import { Chip } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconAffiliate, IconChevronRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type Sensitivity, type VisitView } from "@/api";
import { useArriving } from "@/api/useArriving";
import { useWrite } from "@/api/useWrite";
import { CategoryList } from "@/components/CategoryList";
import { MayStillCome } from "@/components/MayStillCome";
import page from "@/components/Page.module.css";
import { ago, showDay } from "@/lib/time";
import styles from "./Consult.module.css";
import { vitalsWords } from "./Vitals";

const MARKS: Sensitivity[] = ["mental_health", "sexual_health", "reproductive"];

/** What is known before a word is said: reason, last visits, what others share. */
export function PatientColumn({ view, signed }: { view: VisitView; signed: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const mark = useWrite((next: Sensitivity[]) => api.setSensitivity(view.visit, next), [`visit:${view.visit}`]);
  const arriving = useArriving() !== null;
  const medicines = [...new Set(view.past_visits.flatMap((v) => v.medicines))];
  const vitals = vitalsWords(view.banner.vitals, t);
  return (
    <aside className={styles.patient} aria-label={t("consult.patient.title")}>
      <h2 className={styles.small}>{t("consult.patient.reason")}</h2>
      <p className={styles.reason}>{view.reason}</p>

      {vitals && (
        <>
          <h2 className={styles.small}>{t("consult.patient.lastVitals")}</h2>
          <p>{vitals}</p>
        </>
      )}

      <div className={styles.whole}>
        <h2 className={styles.small}>{t("consult.patient.medicines")}</h2>
        {medicines.length > 0 && (
          <ul className={styles.plain}>
            {medicines.map((m) => (
              <li key={m}>{m}</li>
            ))}
          </ul>
        )}
        {medicines.length === 0 && !arriving && <p className={page.muted}>{t("consult.patient.noMedicines")}</p>}
        <MayStillCome words={medicines.length > 0 ? undefined : t("consult.patient.medicinesNotHere")} />
      </div>

      <div className={styles.whole}>
        <h2 className={styles.small}>{t("consult.patient.visits")}</h2>
        {view.past_visits.length > 0 && (
          <ul className={styles.plain}>
            {view.past_visits.map((past) => (
              <li key={past.visit}>
                <span className={page.muted}>{[showDay(past.day), past.doctor, past.state === "draft" ? t("patients.history.state.draft") : ""].filter(Boolean).join(" · ")}</span>
                <br />
                {past.summary}
              </li>
            ))}
          </ul>
        )}
        {view.past_visits.length === 0 && !arriving && <p className={page.muted}>{t("consult.patient.firstVisit")}</p>}
        <MayStillCome words={view.past_visits.length > 0 ? t("patients.history.mayStillCome") : t("patients.history.notHere")} />
      </div>

      <div className={styles.whole}>
        <h2 className={styles.small}>{t("consult.patient.shared")}</h2>
        {view.shared.map((shared) => (
          <button
            key={shared.grant}
            type="button"
            className={styles.shared}
            onClick={() => void navigate({ to: "/network/received/$grant", params: { grant: shared.grant } })}
            aria-label={t("consult.patient.openShared", { clinic: shared.clinic_name })}
          >
            <span className={styles.sharedTop}>
              <IconAffiliate size="1.0625rem" aria-hidden />
              <strong>{shared.clinic_name}</strong>
              <IconChevronRight size="1.0625rem" aria-hidden />
            </span>
            <span className={page.muted}>{t("consult.patient.asOf", { ago: ago(shared.as_of), count: shared.n_entries })}</span>
            <CategoryList given={shared.categories} withheld={shared.withheld} />
          </button>
        ))}
        {view.shared.length === 0 && !arriving && <p className={page.muted}>{t("consult.patient.nothingShared")}</p>}
        <MayStillCome words={view.shared.length > 0 ? undefined : t("consult.patient.sharedNotHere")} />
      </div>

      <h2 className={styles.small}>{t("consult.sensitivity.title")}</h2>
      <Chip.Group multiple value={view.sensitivity} onChange={(v) => mark.mutate(v as Sensitivity[])}>
        <div className={styles.marks}>
          {MARKS.map((value) => (
            <Chip key={value} value={value} size="sm" radius="md" disabled={signed}>
              {t(`consult.sensitivity.${value}`)}
            </Chip>
          ))}
        </div>
      </Chip.Group>
      <p className={`${page.muted} ${page.small}`}>{t("consult.sensitivity.help")}</p>
    </aside>
  );
}
