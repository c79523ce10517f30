/** What the made-up backend knows now, who listens to it, and what a test may ask of it. */
import type * as b from "../../src/api/bindings.gen";
import { id, no } from "./answer";
import { checked } from "./clinical";
import { begin, type State } from "./clinic";
import * as data from "../people";

export let state: State = begin();
/** As it was at the beginning. */
export function renew() {
  state = begin();
}

/** Every call, for tests. */
export const calls: { name: string; args: unknown[] }[] = [];
/** The next call of a command fails with this code. */
export const failing = new Map<string, { code: b.ErrorCode; detail: Record<string, string> }>();

export const listeners: Record<string, Set<(e: { payload: never }) => void>> = { spoiled: new Set(), recordingProgress: new Set(), statusChanged: new Set(), modelImport: new Set(), backupProgress: new Set(), makingReady: new Set() };
export const tell = (event: string, payload: unknown) => {
  for (const cb of listeners[event] ?? []) cb({ payload: payload as never });
};
/** Nobody listens any more. */
export function deafen() {
  for (const set of Object.values(listeners)) set.clear();
}
export const spoil = (...tags: string[]) => tell("spoiled", { tags });

export const events = Object.fromEntries(
  Object.entries(listeners).map(([name, set]) => [
    name,
    {
      listen: (cb: (e: { payload: never }) => void) => {
        set.add(cb);
        return Promise.resolve(() => set.delete(cb));
      },
    },
  ]),
);

const isOpen = (visit: string, kind: b.MatterKind["kind"]) => state.matters.some((m) => m.visit === visit && m.what.kind === kind);

/** All visits of a patient, newest first: those of earlier days, and today's. */
export function pastVisits(patient: string): b.PastVisit[] {
  const doctor = data.STAFF[0]?.[0] ?? "";
  const earlier = (n: number, day: string, summary: string, medicines: string[], change: Partial<b.PastVisit> = {}): b.PastVisit => ({ visit: id(n, 4), day, state: "signed", doctor, sensitive: false, summary, medicines, signed_twice: false, dispensed_twice: false, ...change });
  const known: Record<string, b.PastVisit[]> = {
    [id(1, 3)]: [
      earlier(901, "2026-08-03", "Tension headache", ["Paracetamol 500 mg tablet"]),
      earlier(902, "2026-02-19", "Allergic rhinitis", ["Loratadine 10 mg tablet", "Fluticasone nasal spray"], { sensitive: true }),
      earlier(903, "2025-06-30", "Acute gastroenteritis", ["Oral rehydration salts"]),
    ],
    // Not in today's queue.
    [id(35, 3)]: [earlier(911, "2026-10-02", "Sprained ankle", [], { state: "draft", doctor: "Dr Vikram Nair" }), earlier(912, "2024-05-11", "Hand, foot and mouth disease", ["Paracetamol 120 mg/5 ml syrup"])],
  };
  const row = state.rows.find((r) => r.patient === patient);
  const today = row && state.visits[row.visit];
  const now: b.PastVisit[] = today
    ? [{ visit: today.visit, day: today.day, state: today.note.state, doctor: row.doctor_name ?? "", sensitive: today.sensitivity.length > 0, summary: today.diagnoses.map((d) => d.text).join(", ") || row.reason, medicines: today.lines.map((l) => l.line.drug_name), signed_twice: isOpen(today.visit, "signed_twice"), dispensed_twice: isOpen(today.visit, "dispensed_twice") }]
    : [];
  return [...now, ...(known[patient] ?? [])];
}

export function makeVisit(row: b.QueueRow): b.VisitView {
  const banner = state.banners[row.patient];
  if (!banner) throw new Error("no such patient");
  const first = row.patient === id(1, 3);
  return {
    visit: row.visit,
    token: row.token,
    day: data.TODAY,
    reason: row.reason,
    state: row.state,
    banner,
    past_visits: pastVisits(row.patient).filter((past) => past.visit !== row.visit),
    note: { state: "draft", note: { subjective: [], objective: [], assessment: [], plan: [] }, saved_at: null },
    diagnoses: [],
    sensitivity: [],
    lines: [],
    vitals: { temperature: null, systolic: null, diastolic: null, weight: null, weight_on: null },
    recordings: [],
    shared: first ? state.received.filter((r) => r.matched_patient === row.patient) : [],
  };
}

export const visitOf = (visit: string) => {
  const row = state.rows.find((r) => r.visit === visit);
  if (!row) return undefined;
  state.visits[visit] ??= makeVisit(row);
  const view = state.visits[visit];
  const banner = state.banners[row.patient];
  if (banner) view.banner = banner;
  view.state = row.state;
  view.lines = view.lines.map((l) => checked(l.line, view.banner));
  return view;
};

export const rightPin = (pin: string) => state.session !== null && state.pins[state.session.staff] === pin;
export const wrongPin = () => {
  state.wrong += 1;
  return no("wrong_pin", { wait_ms: state.wrong > 2 ? "4000" : "0" });
};

export function signInAs(role: string | null, staff?: string) {
  const face = state.faces.find((f) => (staff ? f.id === staff : f.role === role));
  if (!face) return;
  const clinic = state.app.clinics.find((c) => c.tenant === state.app.open);
  state.session = { staff: face.id, name: face.name, role: face.role, clinic_name: clinic?.name ?? "", tenant: state.app.open ?? "", practises: face.role === "doctor" || (face.role === "owner" && state.practises), lock_after_minutes: 10 };
}
