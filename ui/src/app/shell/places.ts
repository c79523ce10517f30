import { IconAffiliate, IconCalendarEvent, IconPill, IconSettings, IconStethoscope, IconUsers } from "@tabler/icons-react";
import type { Role } from "@/api";

/** The left column; each role sees its part. The backend decides what is allowed: this only tidies. */
export const PLACES = [
  { name: "today", path: "/today", icon: IconCalendarEvent, roles: ["owner", "admin", "doctor", "pharmacist", "receptionist"] },
  { name: "patients", path: "/patients", icon: IconUsers, roles: ["owner", "admin", "doctor", "pharmacist", "receptionist"] },
  { name: "consult", path: "/consult", icon: IconStethoscope, roles: ["owner", "doctor"] },
  { name: "dispense", path: "/dispense", icon: IconPill, roles: ["owner", "doctor", "pharmacist"] },
  { name: "network", path: "/network", icon: IconAffiliate, roles: ["owner", "admin", "doctor", "receptionist"] },
  { name: "admin", path: "/admin", icon: IconSettings, roles: ["owner", "admin"] },
] as const satisfies readonly { name: string; path: string; icon: unknown; roles: readonly Role[] }[];

export type Place = (typeof PLACES)[number];

export const placesOf = (role: Role): Place[] => PLACES.filter((place) => (place.roles as readonly Role[]).includes(role));

export function homeOf(role: Role): string {
  if (role === "doctor") return "/consult";
  if (role === "pharmacist") return "/dispense";
  return "/today";
}
