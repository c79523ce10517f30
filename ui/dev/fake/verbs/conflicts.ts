/** What was written apart, and deciding it. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { at, id, no, ok } from "../answer";
import { DRAFT } from "../clinical";
import { rightPin, spoil, state, wrongPin } from "../world";

const hand = (name: string, device: string, device_name: string | null, minutes: number): b.HandView => ({ name, device, device_name, at: at(minutes) });
const aisyah = (minutes: number) => hand("Dr Aisyah binti Kamal", "B", "Dr Aisyah's tablet", minutes);
const vikram = (minutes: number) => hand("Dr Vikram Nair", "C", null, minutes);

type Given = Omit<b.MatterView, "patient_name" | "day" | "may_decide" | "patient" | "visit">;
const about = (n: number, visit: boolean, given: Given): b.MatterView => ({
  ...given,
  patient: id(n, 3),
  patient_name: data.PEOPLE[n - 1]?.name ?? "",
  visit: visit ? id(n, 4) : null,
  day: visit ? data.TODAY : null,
  may_decide: true,
});

/** One of each: a severity, an identity number, a dose, a removed allergy, a late edit, two signatures, two handings-over. */
export function conflictsScene() {
  const note = (text: string): b.SoapNote => ({ subjective: [{ text, source: null }], objective: [], assessment: [], plan: [] });
  const item = (name: string, quantity: number): b.GivenItem => ({ name, quantity, unit: "tablet" });
  state.matters = [
    about(1, false, {
      key: `patient/${id(1, 3)}/allergies entries/${id(1, 9)}/severity`,
      what: { kind: "disputed", field: "severity", of: "Penicillin", values: [{ side: "aa", text: "mild", beside: null, by: vikram(62) }, { side: "bb", text: "anaphylaxis", beside: null, by: aisyah(40) }] },
    }),
    about(1, false, {
      key: `patient/${id(1, 3)}/allergies entries/${id(2, 9)}`,
      what: { kind: "removed", of: "Diclofenac", edited: [{ field: "severity", before: "mild", now: "severe" }], removed_by: vikram(55), edited_by: aisyah(50) },
    }),
    about(1, true, {
      key: `patient/${id(1, 3)}/visit/${id(1, 4)} lines/${id(1, 7)}/units_per_dose`,
      what: { kind: "disputed", field: "units_per_dose", of: "Paracetamol 500 mg tablet", values: [{ side: "cc", text: "1", beside: null, by: vikram(20) }, { side: "dd", text: "2", beside: null, by: aisyah(18) }] },
    }),
    about(3, false, {
      key: `patient/${id(3, 3)}/identity identifier`,
      what: { kind: "disputed", field: "identifier", of: "", values: [{ side: "ee", text: "900101145501", beside: "my_kad", by: hand("Lim Mei Ling", "A", "Counter", 300) }, { side: "ff", text: "E1234567", beside: "passport", by: hand("", "", null, 290) }] },
    }),
    about(2, true, {
      key: `dispensed_twice ${id(2, 4)}`,
      what: {
        kind: "dispensed_twice",
        dispensings: [
          { fact: "01".repeat(32), by: hand("Puan Rohani", "A", "Counter", 33), serial: "A00104", items: [item("Azithromycin 250 mg tablet", 6), item("Loratadine 10 mg tablet", 5)] },
          { fact: "02".repeat(32), by: hand("Encik Farid", "C", null, 31), serial: "C00018", items: [item("Azithromycin 250 mg tablet", 6)] },
        ],
      },
    }),
    about(7, true, {
      key: `late_edit ${id(7, 4)}`,
      what: {
        kind: "late_edit",
        edit: { added: ["Told to rest for two days."], left_out: [], diagnoses: ["Tension headache"], medicines: [{ line: id(71, 7), name: "Loratadine 10 mg tablet", directions: "1 tablet once a day", taken_off: false }], vitals: { ...DRAFT.vitals, weight: 61 } },
      },
    }),
    about(10, true, {
      key: `signed_twice ${id(10, 4)}`,
      what: {
        kind: "signed_twice",
        signatures: [
          { fact: "03".repeat(32), by: aisyah(90), note: note("Cough for a week. Chest clear."), diagnoses: ["Acute bronchitis"], medicines: ["Azithromycin 250 mg tablet"] },
          { fact: "04".repeat(32), by: vikram(84), note: note("Cough for a week."), diagnoses: ["Viral cough"], medicines: [] },
        ],
      },
    }),
  ];
  counted();
}

function counted() {
  state.status = { ...state.status, sync: { ...state.status.sync, conflicts: state.matters.length } };
  for (const banner of Object.values(state.banners)) {
    const ours = state.matters.filter((m) => m.patient === banner.id);
    state.banners[banner.id] = { ...banner, undecided: ours.length, undecided_allergies: ours.flatMap((m) => /allergies entries\/([^/]+)/.exec(m.key)?.[1] ?? []) };
  }
}

/** Whether the made-up role sees it, and may decide it; the rule is the backend's. */
function seen(matter: b.MatterView): b.MatterView | null {
  const role = state.session?.role ?? "";
  const doctor = role === "doctor" || state.session?.practises === true;
  const dispensing = matter.what.kind === "dispensed_twice";
  if (matter.visit && !(doctor || (dispensing && role === "pharmacist"))) return null;
  const identity = matter.key.includes("/identity ");
  return { ...matter, may_decide: doctor || (dispensing && role === "pharmacist") || (identity && role !== "pharmacist") };
}

function decided(gone: (m: b.MatterView) => boolean) {
  if (!state.matters.some(gone)) return no("not_now", { why: "decided" });
  state.matters = state.matters.filter((m) => !gone(m));
  counted();
  spoil("status", "patient", "visit", "queue");
  return ok(null);
}

export const conflicts = {
  conflicts: (patient: string | null) => {
    const all = state.matters.filter((m) => patient === null || m.patient === patient);
    const matters = all.map(seen).filter((m) => m !== null);
    return ok<b.ConflictsView>({ matters, elsewhere: all.length - matters.length });
  },
  decideConflict: ({ key, value }: b.DecideConflict) => {
    if (value.kind === "typed" && value.text === "nonsense") return no("invalid", { field: "value" });
    return decided((m) => m.key === key);
  },
  decideRemoved: ({ key }: b.DecideRemoved) => decided((m) => m.key === key),
  takeLateEdit: ({ visit, pin }: b.TakeLateEdit) => (rightPin(pin) ? decided((m) => m.key === `late_edit ${visit}`) : wrongPin()),
  leaveLateEdit: (visit: string, _reason: string) => decided((m) => m.key === `late_edit ${visit}`),
  reverseSignature: ({ visit, pin }: b.Reverse) => (rightPin(pin) ? decided((m) => m.key === `signed_twice ${visit}`) : wrongPin()),
  reverseDispensing: ({ visit, fact, reason, pin }: b.Reverse) => {
    if (!rightPin(pin)) return wrongPin();
    const what = state.matters.find((m) => m.key === `dispensed_twice ${visit}`)?.what;
    const one = what?.kind === "dispensed_twice" ? what.dispensings.find((d) => d.fact === fact) : undefined;
    if (one) state.reversed[visit] = [{ by: one.by.name, at: one.by.at ?? at(0), serial: one.serial, reversed_by: state.session?.name ?? "", reason }];
    return decided((m) => m.key === `dispensed_twice ${visit}`);
  },
  deviceContacts: () => ok(state.contacts),
  plan: () => ok(state.plan),
};
