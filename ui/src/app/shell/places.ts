import { IconAffiliate, IconCalendarEvent, IconPill, IconSettings, IconStethoscope, IconUsers } from "@tabler/icons-react";
import type { SessionView } from "@/api";
import { type May, mayOf } from "@/lib/may";

/** The left column; each person sees her part: what she may open. */
export const PLACES = [
  { name: "today", path: "/today", icon: IconCalendarEvent },
  { name: "patients", path: "/patients", icon: IconUsers },
  { name: "consult", path: "/consult", icon: IconStethoscope, needs: "openVisit" },
  { name: "dispense", path: "/dispense", icon: IconPill, needs: "seeDispensing" },
  { name: "network", path: "/network", icon: IconAffiliate, needs: "seeSharing" },
  { name: "admin", path: "/admin", icon: IconSettings, needs: "addStaff" },
] as const satisfies readonly { name: string; path: string; icon: unknown; needs?: keyof May }[];

export type Place = (typeof PLACES)[number];

export function placesOf(session: SessionView): Place[] {
  const may = mayOf(session);
  return PLACES.filter((place) => !("needs" in place) || may[place.needs]);
}

export function homeOf({ role }: SessionView): string {
  if (role === "doctor") return "/consult";
  if (role === "pharmacist") return "/dispense";
  return "/today";
}
