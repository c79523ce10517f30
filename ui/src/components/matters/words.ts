/** Words of what was written apart. */
import i18next from "i18next";
import type { Field, HandView, MatterView } from "@/api";
import { showDay, showMoment } from "@/lib/time";

/** `Dr Aisyah · Counter (A) · 21 Nov 2026, 2:05 pm`, as far as it is known. */
export function handWords({ name, device, device_name, at }: HandView): string {
  const where = device && (device_name ? `${device_name} (${device})` : i18next.t("conflicts.hand.device", { letter: device }));
  return [name || i18next.t("conflicts.hand.nobody"), where, at ? showMoment(at) : i18next.t("conflicts.hand.noTime")].filter(Boolean).join(" · ");
}

/** Codes of a closed list, with the words that they have elsewhere. */
export const CODES = {
  severity: ["unknown", "mild", "moderate", "severe", "anaphylaxis"],
  verification: ["patient_reported", "verified"],
  sex: ["female", "male", "unknown"],
  frequency: ["once_daily", "at_night", "twice_daily", "three_times_daily", "four_times_daily", "every_six_hours", "every_eight_hours"],
  when_needed: ["true", "false"],
} as const;
export type CodedField = keyof typeof CODES;
export const isCoded = (field: Field): field is CodedField => field in CODES;

function codeKey(field: CodedField, code: string): string {
  if (field === "severity") return `patients.allergy.severity.${code}`;
  if (field === "verification") return `conflicts.verification.${code}`;
  if (field === "sex") return `common.sex.${code}`;
  return field === "frequency" ? `consult.frequency.${code}` : `conflicts.whenNeeded.${code}`;
}

/** Days and figures with their units, codes in words; what has no words of its own stands as it was written. */
export function valueWords(field: Field, text: string, beside: string | null = null): string {
  if (text === "") return i18next.t("conflicts.disputed.empty");
  if (isCoded(field)) {
    const key = codeKey(field, text);
    return i18next.exists(key) ? i18next.t(key as "common.sex.female") : text;
  }
  if (field === "birth_date") return showDay(text);
  if (field === "days") return i18next.t("conflicts.value.days", { count: Number(text) });
  if (field === "identifier") {
    const paper = `conflicts.paper.${beside ?? "other"}`;
    return `${i18next.exists(paper) ? i18next.t(paper as "conflicts.paper.other") : (beside ?? "")} ${text}`.trim();
  }
  if (field === "medicine") return beside ? i18next.t("conflicts.value.medicine", { value: text, mg: beside }) : text;
  const key = `conflicts.value.${field}`;
  return i18next.exists(key) ? i18next.t(key as "conflicts.value.weight", { value: text }) : text;
}

/** Whether it is about an allergy: it stands in the red strip until it is decided. */
export const isAllergy = ({ key }: MatterView) => key.includes("/allergies ");

/** Who is to be asked, when it is not for the person who looks. */
export function askWords(matter: MatterView): string {
  if (matter.what.kind === "dispensed_twice") return i18next.t("conflicts.ask.dispensing");
  return i18next.t(matter.visit === null && !isAllergy(matter) ? "conflicts.ask.identity" : "conflicts.ask.doctor");
}

/** What a decision spoils, beside what the backend tells itself. */
export const tagsOf = ({ patient, visit }: MatterView) => ["status", `patient:${patient}`, "queue", ...(visit ? [`visit:${visit}`] : [])];
