import i18next from "i18next";
import type { PrescriptionLine } from "@/api";

/** `tablets`; a unit that the words don't know stands as it is. */
export function unitWords(unit: string, count: number): string {
  const key = `consult.unit.${unit}`;
  return i18next.exists(key, { count }) ? i18next.t(key as "consult.unit.tablet", { count }) : unit;
}

/** `2 tablets, every 6 hours, when needed`. For the screen; the label's directions come from the backend. */
export function doseWords(line: PrescriptionLine): string {
  const dose = `${line.units_per_dose} ${unitWords(line.unit, line.units_per_dose)}`;
  const parts = [dose, i18next.t(`consult.frequency.${line.frequency}`)];
  if (line.when_needed) parts.push(i18next.t("consult.rx.whenNeededShort"));
  return parts.join(", ");
}

/** `3 days · 24 tablets`. */
export function lengthWords(line: PrescriptionLine): string {
  return `${i18next.t("consult.rx.daysCount", { count: line.days })} · ${line.quantity} ${unitWords(line.unit, line.quantity)}`;
}
