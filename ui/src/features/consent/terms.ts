import type { AccessMode, Category, Sensitivity } from "@/api";
import { addDays, addMonths } from "@/lib/time";

/** What has been answered so far. Nothing is switched on before the patient does it. */
export interface Answers {
  clinic: string;
  clinicName: string;
  witness: string;
  guardian: string;
  categories: Category[];
  sensitive: Sensitivity[];
  months: number;
  mode: AccessMode;
  signature: string;
}

export const ANSWERS: Answers = {
  clinic: "",
  clinicName: "",
  witness: "",
  guardian: "",
  categories: [],
  sensitive: [],
  months: 12,
  mode: "view",
  signature: "",
};

export const MONTHS = [1, 6, 12, 24] as const;
export const SENSITIVE: Sensitivity[] = ["mental_health", "sexual_health", "reproductive"];

/** The last day of a consent of so many months. What a guardian signs ends with the day before the 18th birthday. */
export function untilOf(today: string, months: number, birthDate: string | null): string {
  const wanted = addMonths(today, months);
  if (!birthDate) return wanted;
  const grownUp = addMonths(birthDate, 18 * 12);
  return grownUp > today && wanted >= grownUp ? addDays(grownUp, -1) : wanted;
}
