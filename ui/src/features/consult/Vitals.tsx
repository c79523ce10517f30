import type { TFunction } from "i18next";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Vitals as VitalsShape } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import styles from "./Consult.module.css";

type Field = "temperature" | "systolic" | "diastolic" | "weight";
const SLASH = "/";

/** `T 38.4 °C · BP 118/76 mmHg`, with its units; empty when nothing was measured. */
export function vitalsWords(v: VitalsShape, t: TFunction): string {
  const parts: string[] = [];
  if (v.temperature !== null) parts.push(t("consult.vitals.t", { v: v.temperature }));
  if (v.systolic !== null && v.diastolic !== null) parts.push(t("consult.vitals.bp", { s: v.systolic, d: v.diastolic }));
  if (v.weight !== null) parts.push(t("consult.vitals.kg", { v: v.weight }));
  return parts.join(" · ");
}

const asText = (v: number | null) => (v === null ? "" : String(v));
const asNumber = (text: string) => {
  const value = Number(text.replace(",", "."));
  return text.trim() === "" || !Number.isFinite(value) ? null : value;
};

/** Four figures with their units; saved when a field is left. */
export function Vitals({ visit, patient, day, vitals, disabled }: { visit: string; patient: string; day: string; vitals: VitalsShape; disabled: boolean }) {
  const { t } = useTranslation();
  const [texts, setTexts] = useState<Record<Field, string>>(() => textsOf(vitals));
  const arrived = JSON.stringify(vitals);
  useEffect(() => setTexts(textsOf(JSON.parse(arrived) as VitalsShape)), [arrived]);
  const save = useWrite((v: VitalsShape) => api.saveVitals(visit, v), [`visit:${visit}`, `patient:${patient}`]);
  const onBlur = () => {
    const weight = asNumber(texts.weight);
    const next: VitalsShape = {
      temperature: asNumber(texts.temperature),
      systolic: asNumber(texts.systolic),
      diastolic: asNumber(texts.diastolic),
      weight,
      weight_on: weight === null ? null : weight === vitals.weight ? (vitals.weight_on ?? day) : day,
    };
    if (JSON.stringify(next) !== arrived) save.mutate(next);
  };
  const input = (field: Field) => (
    <label>
      <span className={field === "diastolic" ? "sr" : undefined}>{t(`consult.vitals.${field}`)}</span>
      <input
        inputMode="decimal"
        value={texts[field]}
        disabled={disabled}
        onChange={(e) => {
          const { value } = e.currentTarget;
          setTexts((old) => ({ ...old, [field]: value }));
        }}
        onBlur={onBlur}
      />
    </label>
  );
  return (
    <div className={styles.vitals}>
      <span className={styles.vital}>
        {input("temperature")}
        <span aria-hidden>{t("consult.vitals.unit.temperature")}</span>
      </span>
      <span className={styles.vital}>
        {input("systolic")}
        <span aria-hidden>{SLASH}</span>
        {input("diastolic")}
        <span aria-hidden>{t("consult.vitals.unit.systolic")}</span>
      </span>
      <span className={styles.vital}>
        {input("weight")}
        <span aria-hidden>{t("consult.vitals.unit.weight")}</span>
      </span>
      <ErrorNote error={save.error} />
    </div>
  );
}

const textsOf = (v: VitalsShape): Record<Field, string> => ({
  temperature: asText(v.temperature),
  systolic: asText(v.systolic),
  diastolic: asText(v.diastolic),
  weight: asText(v.weight),
});
