import type { QueueState } from "@/api";
import type { May } from "@/lib/may";

export interface Move {
  to: QueueState;
  label: "waiting" | "called" | "left" | "openConsult" | "openDispense";
  primary?: boolean;
  /** Opens a screen instead of only moving. */
  open?: "/consult/$visit" | "/dispense/$visit";
}

/** Where a patient can go from here, for this person. What is allowed is decided in the backend. */
export function movesOf(state: QueueState, may: May): Move[] {
  if (!may.setQueueState) return [];
  const consult: Move[] = may.openVisit ? [{ to: "in_consult", label: "openConsult", primary: true, open: "/consult/$visit" }] : [];
  switch (state) {
    case "waiting":
      return [...consult, { to: "called", label: "called", primary: !may.openVisit }, { to: "left", label: "left" }];
    case "called":
      return [...consult, { to: "waiting", label: "waiting" }, { to: "left", label: "left" }];
    case "in_consult":
      return [...consult, { to: "waiting", label: "waiting" }];
    case "at_pharmacy":
      return may.seeDispensing ? [{ to: "at_pharmacy", label: "openDispense", primary: true, open: "/dispense/$visit" }] : [];
    default:
      return [{ to: "waiting", label: "waiting" }];
  }
}
