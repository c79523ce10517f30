/** Words of syncing and of devices that several screens share. */
import i18next from "i18next";
import type { SyncHealth } from "@/api";

/** What is not sent yet, entries and sound, for the status bar. */
export function sentWords({ pending, sound_pending }: Pick<SyncHealth, "pending" | "sound_pending">): string {
  const waits = [];
  if (pending > 0) waits.push(i18next.t("shell.sync.toSend", { count: pending }));
  if (sound_pending > 0) waits.push(i18next.t("shell.sync.soundToSend", { count: sound_pending }));
  return waits.length > 0 ? waits.join(", ") : i18next.t("shell.sync.allSent");
}

type Read = Pick<SyncHealth, "to_be_read" | "n_changes">;
/** `59,999`: as Malaysia writes it, in both languages. */
const figure = (n: number) => n.toLocaleString("en-MY");

const MEANS = {
  unreachable: "unreachable",
  timed_out: "unreachable",
  stopped: "unreachable",
  lost: "lost",
  wrong_key: "otherKey",
  version: "newer",
  protocol: "newer",
  unknown_clinic: "unknown",
  unknown_device: "unknown",
  not_admitted: "unknown",
  busy: "trouble",
  relay_failed: "trouble",
  relay_behind: "behind",
  removed: "removed",
  suspended: "suspended",
  device_limit: "noPlace",
  same_device: "twin",
  disk_full: "here",
  store_closed: "here",
  store_failed: "here",
} as const;

/** What the last try at the relay ended with: what happened, and what to do. What has no words of its own was refused. */
export function relayWords(code: string): { title: string; help: string } {
  const means = code in MEANS ? MEANS[code as keyof typeof MEANS] : "refused";
  return { title: i18next.t(`sync.relay.${means}.title`), help: i18next.t(`sync.relay.${means}.help`) };
}

/** How the relay was found out: what that means, and what to do. */
export function lieWords(code: string): { title: string; help: string } {
  const means = i18next.exists(`sync.lie.${code}.title`) ? (code as "forgot") : "other";
  return { title: i18next.t(`sync.lie.${means}.title`), help: i18next.t(`sync.lie.${means}.help`) };
}

/** How much of what has come is read into the record. */
export const readOf = ({ to_be_read, n_changes }: Read) => ({ done: figure(Math.max(0, n_changes - to_be_read)), all: figure(n_changes) });
/** The same in percent, never all of it while something is left. */
export const readPercent = ({ to_be_read, n_changes }: Read) => (n_changes > 0 ? Math.min(99, Math.floor((100 * (n_changes - to_be_read)) / n_changes)) : 0);

/** What people call a device; its letter when it has no name. */
export function deviceName({ letter, name }: { letter: string; name: string | null }): string {
  return name ? `${name} (${letter})` : i18next.t("admin.devices.name", { letter });
}
