import type { QueueState, Role } from "@/api";

export interface Move {
  to: QueueState;
  label: "waiting" | "called" | "left" | "openConsult" | "openDispense";
  primary?: boolean;
  /** Opens a screen instead of only moving. */
  open?: "/consult/$visit" | "/dispense/$visit";
}

/** Where a patient can go from here, for this role. What is allowed is decided in the backend. */
export function movesOf(state: QueueState, role: Role): Move[] {
  const doctor = role === "doctor" || role === "owner";
  const pharmacy = doctor || role === "pharmacist";
  const consult: Move[] = doctor ? [{ to: "in_consult", label: "openConsult", primary: true, open: "/consult/$visit" }] : [];
  switch (state) {
    case "waiting":
      return [...consult, { to: "called", label: "called", primary: !doctor }, { to: "left", label: "left" }];
    case "called":
      return [...consult, { to: "waiting", label: "waiting" }, { to: "left", label: "left" }];
    case "in_consult":
      return [...consult, { to: "waiting", label: "waiting" }];
    case "at_pharmacy":
      return pharmacy ? [{ to: "at_pharmacy", label: "openDispense", primary: true, open: "/dispense/$visit" }] : [];
    default:
      return [{ to: "waiting", label: "waiting" }];
  }
}
