/** Finding, registering and queueing patients. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { id, no, ok } from "../answer";
import { spoil, state } from "../world";

function register(input: b.CreatePatient): string {
  const patient = id(state.next++, 3);
  const digits = input.identifier.kind === "my_kad" ? input.identifier.number : "";
  const age = input.birth_date ? new Date(data.TODAY).getFullYear() - Number(input.birth_date.slice(0, 4)) : null;
  state.patients.unshift({ id: patient, name: input.name, identifier_tail: digits ? `····${digits.slice(-4)}` : "", age_years: age, sex: input.sex, matched: "name" });
  state.banners[patient] = {
    id: patient,
    name: input.name,
    identifier: digits ? `MyKad ····${digits.slice(-4)}` : "",
    birth_date: input.birth_date,
    age_years: age,
    age_months: 0,
    sex: input.sex,
    allergies: { status: "not_asked" },
    vitals: { temperature: null, systolic: null, diastolic: null, weight: null, weight_on: null },
    undecided: 0,
    undecided_allergies: [],
  };
  return patient;
}

function queue(patient: string, reason: string, doctor: string | null): b.Queued {
  const n = state.rows.length + 1;
  const who = state.patients.find((p) => p.id === patient);
  const row: b.QueueRow = {
    entry: id(state.next++, 5),
    token: `A${String(n).padStart(2, "0")}`,
    visit: id(state.next++, 4),
    patient,
    name: who?.name ?? "",
    age_years: who?.age_years ?? null,
    sex: who?.sex ?? "unknown",
    reason,
    doctor,
    doctor_name: state.faces.find((f) => f.id === doctor)?.name ?? null,
    state: "waiting",
    arrived_at: new Date().toISOString(),
  };
  state.rows.push(row);
  spoil("queue");
  return { entry: row.entry, patient, visit: row.visit, token: row.token };
}

export const reception = {
  searchPatients: (query: string) => {
    const q = query.toLowerCase();
    return ok(state.patients.filter((p) => p.name.toLowerCase().includes(q) || p.identifier_tail.includes(q)).slice(0, 50).map((p) => ({ ...p, matched: (/\d/.test(q) ? "identifier" : "name") as b.MatchReason })));
  },
  readMykad: (text: string) => {
    const digits = text.replaceAll(/\D/g, "");
    const birth = digits.length >= 6 ? data.birthOf(digits.padEnd(12, "5")) : null;
    const whole = digits.length === 12;
    const known = data.PEOPLE.findIndex((p) => p.mykad === digits);
    return ok<b.MyKadReading>({
      formatted: digits.replace(/^(\d{6})(\d{0,2})(\d{0,4}).*$/, (_, a: string, c: string, d: string) => [a, c, d].filter(Boolean).join("-")),
      birth_date: birth,
      sex: whole ? (Number(digits[11]) % 2 ? "male" : "female") : "unknown",
      warnings: whole && !birth ? ["no_such_date"] : whole && digits.slice(6, 8) === "00" ? ["unassigned_birthplace"] : [],
      existing: known >= 0 ? { ...(state.patients.find((p) => p.id === id(known + 1, 3)) as b.PatientRow), matched: "identifier" } : null,
    });
  },
  registerPatient: (input: b.CreatePatient) => ok(register(input)),
  queuePatient: (input: b.QueuePatient) => ok(queue(input.patient, input.reason, input.doctor)),
  registerAndQueue: (patient: b.CreatePatient, reason: string, doctor: string | null) => ok(queue(register(patient), reason, doctor)),
  today: () => ok({ day: data.TODAY, rows: state.rows, doctors: state.faces.filter((f) => f.role === "doctor" || f.role === "owner").map(({ id: d, name }) => ({ id: d, name })) }),
  setQueueState: (entry: string, to: b.QueueState) => {
    state.rows = state.rows.map((r) => (r.entry === entry ? { ...r, state: to } : r));
    spoil("queue");
    return ok(null);
  },
  patientBanner: (patient: string) => (state.banners[patient] ? ok(state.banners[patient]) : no("not_found")),
};
