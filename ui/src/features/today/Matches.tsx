import { useTranslation } from "react-i18next";
import type { PatientRow } from "@/api";
import styles from "./Today.module.css";

/** Who may be meant, and why she was found: a duplicate is found before it is made. */
export function Matches({ rows, onChoose }: { rows: PatientRow[]; onChoose: (row: PatientRow) => void }) {
  const { t } = useTranslation();
  if (rows.length === 0) return null;
  return (
    <div className={styles.matches} role="group" aria-label={t("today.register.matches")}>
      <p className={styles.matchTitle}>{t("today.register.matches")}</p>
      {rows.map((row) => (
        <button key={row.id} type="button" className={styles.match} onClick={() => onChoose(row)}>
          <span className={styles.matchName}>{row.name}</span>
          <span className={styles.matchNote}>{row.identifier_tail}</span>
          <span className={styles.matchNote}>
            {[row.age_years === null ? "" : t("time.ageYears", { y: row.age_years }), t(`common.sex.${row.sex}`)].filter(Boolean).join(" · ")}
          </span>
          <span className={styles.matchNote}>{t(`today.register.why.${row.matched}`)}</span>
        </button>
      ))}
    </div>
  );
}
