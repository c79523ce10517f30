import type { Frequency } from "@/api";

/** Doses in 24 hours, for the first suggestion of a quantity; the doctor sees and changes it, and the checks are Rust's. */
const DOSES: Record<Frequency, number> = {
  once_daily: 1,
  at_night: 1,
  twice_daily: 2,
  three_times_daily: 3,
  every_eight_hours: 3,
  four_times_daily: 4,
  every_six_hours: 4,
};

export const FREQUENCIES = Object.keys(DOSES) as Frequency[];

export function suggestedQuantity(unitsPerDose: number, frequency: Frequency, days: number): number {
  return Math.ceil(unitsPerDose * DOSES[frequency] * days);
}
