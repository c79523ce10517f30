import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Diagnosis } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import styles from "./Consult.module.css";

/** Reads `J06.9 Upper respiratory tract infection`: a code in front is the code. */
export function readDiagnosis(typed: string): Diagnosis | null {
  const text = typed.trim();
  if (!text) return null;
  const coded = /^([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,3})?)\s+(.+)$/i.exec(text);
  return coded?.[1] && coded[2] ? { text: coded[2], icd10: coded[1].toUpperCase() } : { text, icd10: null };
}

export function Diagnoses({ visit, diagnoses, disabled }: { visit: string; diagnoses: Diagnosis[]; disabled: boolean }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const save = useWrite((next: Diagnosis[]) => api.saveDiagnoses(visit, next), [`visit:${visit}`]);
  const add = () => {
    const read = readDiagnosis(typed);
    if (!read) return;
    save.mutate([...diagnoses, read], { onSuccess: () => setTyped("") });
  };
  return (
    <div className={styles.diagnoses}>
      {diagnoses.map((d) => (
        <span key={`${d.icd10 ?? ""}${d.text}`} className={styles.diagnosis}>
          {d.icd10 && <strong>{d.icd10}</strong>}
          {d.text}
          {!disabled && (
            <button type="button" aria-label={t("consult.diagnosis.remove", { text: d.text })} onClick={() => save.mutate(diagnoses.filter((x) => x !== d))}>
              <IconX size="0.9375rem" aria-hidden />
            </button>
          )}
        </span>
      ))}
      {!disabled && (
        <input
          className={styles.diagnosisInput}
          value={typed}
          aria-label={t("consult.diagnosis.add")}
          placeholder={t("consult.diagnosis.hint")}
          onChange={(e) => setTyped(e.currentTarget.value)}
          onBlur={add}
          onKeyDown={(e) => {
            if (e.key !== "Enter") return;
            e.preventDefault();
            add();
          }}
        />
      )}
      <ErrorNote error={save.error} />
    </div>
  );
}
