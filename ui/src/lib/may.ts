import type { Role, SessionView } from "@/api";

type Session = Pick<SessionView, "role" | "practises">;

/** Verbs of `crates/clinic/src/roles.rs` by which a screen shows or leaves out something, with the roles that the table there names. */
export const ROLES = {
  addStaff: ["owner", "admin"],
  erasePatient: ["owner", "admin"],
  eraseRecording: ["owner", "admin", "doctor"],
  seeRecordings: ["owner", "admin", "doctor"],
  listenAgain: ["doctor"],
  changeDevice: ["owner", "admin"],
  seeDevices: ["owner", "admin"],
  changeDevices: ["owner", "admin"],
  searchProducts: ["doctor", "pharmacist"],
  registerPatient: ["owner", "admin", "doctor", "receptionist"],
  setQueueState: ["doctor", "pharmacist", "receptionist"],
  openVisit: ["doctor"],
  recordAllergy: ["doctor", "pharmacist"],
  seeDispensing: ["doctor", "pharmacist"],
  grantConsent: ["doctor", "receptionist"],
  revokeConsent: ["owner", "admin", "doctor", "receptionist"],
  seeSharing: ["owner", "admin", "doctor", "receptionist"],
  seeDirectory: ["owner", "admin", "doctor", "pharmacist", "receptionist"],
  editDirectory: ["owner", "admin"],
  readLetters: ["doctor"],
  writeLetter: ["doctor"],
  askForRecord: ["doctor"],
  seeRequests: ["doctor"],
  verifyClinic: ["owner", "admin", "doctor"],
  seeAudit: ["owner", "admin", "doctor"],
  openShared: ["doctor"],
} as const satisfies Record<string, readonly Role[]>;

export type May = Record<keyof typeof ROLES, boolean>;

/**
 * What the screens offer to whom; who practises is offered what a doctor is. The backend decides, in that table: this
 * only keeps out of sight what it would refuse, and a test compares the two.
 */
export function mayOf({ role, practises }: Session): May {
  const has = (roles: readonly Role[]) => roles.includes(role) || (practises && roles.includes("doctor"));
  return Object.fromEntries(Object.entries(ROLES).map(([verb, roles]) => [verb, has(roles)])) as May;
}
