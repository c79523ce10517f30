/** What an agreement to share may be about and for how long: as the forms offer it. The backend checks it. */
import type { Sensitivity } from "@/api";
import { addDays, addMonths } from "./time";

export const MONTHS = [1, 6, 12, 24] as const;
export const SENSITIVE: Sensitivity[] = ["mental_health", "sexual_health", "reproductive"];

/** The last day of a consent of so many months. What a guardian signs ends with the day before the 18th birthday. */
export function untilOf(today: string, months: number, birthDate: string | null): string {
  const wanted = addMonths(today, months);
  if (!birthDate) return wanted;
  const grownUp = addMonths(birthDate, 18 * 12);
  return grownUp > today && wanted >= grownUp ? addDays(grownUp, -1) : wanted;
}
