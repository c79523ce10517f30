/** First start, opening a clinic, signing in, staff. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { at, id, no, ok, TENANT_A } from "../answer";
import { signInAs, spoil, state, tell, wrongPin } from "../world";

/** Tells how far a clinic is made ready; with all of it, or an error, it ends. */
export function madeReadySoFar(done: number, error: { code: b.ErrorCode; detail: Record<string, string> } | null = null) {
  const at = { tenant: TENANT_A, name: "Klinik Seri Mawar", done, of: 1_241_000 };
  const ended = error !== null || done === at.of;
  state.app.making_ready = ended ? null : at;
  if (ended && !error) state.app.open = TENANT_A;
  tell("makingReady", { at, ended, error });
}

export const entering = {
  appState: () => ok(state.app),
  joinClinic: (input: b.JoinClinic) => {
    if (!input.invitation.startsWith("MEDIECO1-")) return no("invitation_unreadable");
    state.app.clinics = [{ tenant: TENANT_A, name: input.clinic_name, needs_passphrase: input.protection.kind === "passphrase" }];
    state.app.unfinished_setup = "recovery_kit";
    return ok({ clinic_name: input.clinic_name, tenant: TENANT_A, words: data.WORDS, qr_svg: data.QR_SVG });
  },
  joinByCode: () => {
    state.app.clinics = [{ tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: false }];
    state.app.unfinished_setup = "model";
    return ok(null);
  },
  recoveryKit: () => ok({ clinic_name: state.app.clinics[0]?.name ?? "", tenant: TENANT_A, words: data.WORDS, qr_svg: data.QR_SVG }),
  saveRecoveryKit: (_path: string) => ok(null),
  confirmRecoveryKit: (wordIndex: number[], words: string[]) => {
    if (wordIndex.some((w, i) => data.WORDS[w] !== words[i])) return no("kit_wrong");
    state.app.unfinished_setup = "model";
    return ok(null);
  },
  unlockClinic: (tenant: string, passphrase: string | null) => {
    if (passphrase !== "correct horse battery") return no("wrong_passphrase");
    state.app.open = tenant;
    return ok(null);
  },
  openClinic: (tenant: string) => {
    state.app.open = tenant;
    state.session = null;
    return ok(null);
  },
  skipModel: () => {
    state.app.unfinished_setup = null;
    state.app.open = TENANT_A;
    return ok(null);
  },
  offerPairing: () => ok({ code: "7K3M-Q9TX", relay: "wss://relay.klinik.example:8443/sync", qr_svg: data.QR_SVG, ticket: "MEDIECOPAIR1-MM00G-5H1QX", expires_at: at(-10) }),
  pairingState: () => ok(state.pairing),
  staffFaces: () => ok(state.faces),
  signIn: (staff: string, pin: string) => {
    if (state.pins[staff] !== pin) return wrongPin();
    state.wrong = 0;
    signInAs(state.faces.find((f) => f.id === staff)?.role ?? null, staff);
    return ok(state.session as b.SessionView);
  },
  setPin: (staff: string, pin: string) => {
    state.pins[staff] = pin;
    state.faces = state.faces.map((f) => (f.id === staff ? { ...f, has_pin_here: true } : f));
    signInAs(null, staff);
    return ok(state.session as b.SessionView);
  },
  lock: () => {
    state.session = null;
    return ok(null);
  },
  session: () => ok(state.session),
  addStaff: (input: b.AddStaff) => {
    const staff = id(state.next++, 2);
    state.faces.push({ id: staff, name: input.name, role: input.role, has_pin_here: input.pin !== null, wait_ms: 0 });
    spoil("staff");
    return ok(staff);
  },
};
