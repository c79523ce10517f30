/** Days and moments as the clinic writes them: 12 Nov 2026, 2:05 pm. Time zone: the clinic's. */
import i18next from "i18next";

const ZONE = "Asia/Kuala_Lumpur";

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

const reader = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  hourCycle: "h23",
});

function partsOf(instant: string | Date): Parts {
  const found: Record<string, number> = {};
  for (const part of reader.formatToParts(new Date(instant))) found[part.type] = Number(part.value);
  return found as unknown as Parts;
}

const month = (n: number) => i18next.t(`time.month.${n as 1}`);

/** `2026-11-12` → `12 Nov 2026`. */
export function showDay(day: string): string {
  const [y, m, d] = day.split("-").map(Number);
  return y && m && d ? `${d} ${month(m)} ${y}` : day;
}

/** `2026-11-12` → `12 Nov`. */
export function showShortDay(day: string): string {
  const [, m, d] = day.split("-").map(Number);
  return m && d ? `${d} ${month(m)}` : day;
}

/** `2:05 pm`. */
export function showTime(instant: string | Date): string {
  const { hour, minute } = partsOf(instant);
  const clock = `${hour % 12 || 12}:${String(minute).padStart(2, "0")}`;
  const part = hour < 12 ? "morning" : hour < 14 ? "noon" : hour < 19 ? "afternoon" : "night";
  return `${clock} ${i18next.t(`time.half.${part}`)}`;
}

/** `12 Nov 2026, 2:05 pm`. */
export function showMoment(instant: string | Date): string {
  return `${showDay(dayOf(instant))}, ${showTime(instant)}`;
}

/** The calendar day in the clinic's zone. */
export function dayOf(instant: string | Date): string {
  const { year, month: m, day } = partsOf(instant);
  return `${year}-${String(m).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** `Saturday`. */
export function weekday(day: string): string {
  const n = new Date(`${day}T12:00:00Z`).getUTCDay();
  return i18next.t(`time.weekday.${n as 0}`);
}

/** How long ago, in words: `just now`, `2 min ago`, `3 h ago`, `5 d ago`. */
export function ago(instant: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.floor((now - new Date(instant).getTime()) / 60_000));
  if (minutes < 1) return i18next.t("time.justNow");
  if (minutes < 60) return i18next.t("time.minutesAgo", { n: minutes });
  if (minutes < 48 * 60) return i18next.t("time.hoursAgo", { n: Math.floor(minutes / 60) });
  return i18next.t("time.daysAgo", { n: Math.floor(minutes / 1440) });
}

/** Whole minutes since. */
export function minutesSince(instant: string, now = Date.now()): number {
  return Math.max(0, Math.floor((now - new Date(instant).getTime()) / 60_000));
}

/** Milliseconds of a recording → `1:05`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** `34 y`, and `3 y 4 m` below six. */
export function showAge(years: number | null, months: number | null): string {
  if (years === null) return i18next.t("time.ageUnknown");
  if (years < 6 && months !== null) return i18next.t("time.ageYearsMonths", { y: years, m: months });
  return i18next.t("time.ageYears", { y: years });
}

/** Days later, as a calendar day. */
export function addDays(day: string, n: number): string {
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + n);
  return date.toISOString().slice(0, 10);
}

/** Months later, as a calendar day. */
export function addMonths(day: string, n: number): string {
  const date = new Date(`${day}T12:00:00Z`);
  const wanted = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + n);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(wanted, last));
  return date.toISOString().slice(0, 10);
}

/** Reads a day as people type it: `12/11/1992`, `12-11-1992`, `12 11 1992`, `1992-11-12`. */
export function readDay(text: string): string | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim());
  const own = /^(\d{1,2})[/\-. ](\d{1,2})[/\-. ](\d{4})$/.exec(text.trim());
  const [y, m, d] = iso ? [iso[1], iso[2], iso[3]] : own ? [own[3], own[2], own[1]] : [];
  if (!y || !m || !d) return null;
  const date = new Date(Date.UTC(Number(y), Number(m) - 1, Number(d)));
  const same = date.getUTCMonth() === Number(m) - 1 && date.getUTCDate() === Number(d);
  return same ? date.toISOString().slice(0, 10) : null;
}
