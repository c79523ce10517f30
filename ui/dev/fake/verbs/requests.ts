/** Asking another clinic for a record, and answering one that asks. */
import type * as b from "../../../src/api/bindings.gen";
import { id, no, ok } from "../answer";
import { spoil, state } from "../world";

const decide = (from: string, of: string, decision: b.Decision) => {
  const { open, decided } = state.requests;
  const row = open.find((one) => one.from === from && one.id === of);
  if (!row) return no("not_now", { why: "decided" });
  state.requests = { ...state.requests, open: open.filter((one) => one !== row), decided: [{ ...row, decision }, ...decided] };
  spoil("letters");
  return ok(null);
};

export const requests = {
  recordRequests: () => ok(state.requests),
  askForRecord: (input: b.AskForRecord) => {
    const of = "cd".repeat(16);
    const row: b.AskedRow = {
      id: of,
      patient: input.patient,
      patient_name: state.banners[input.patient]?.name ?? "",
      clinic: input.clinic,
      clinic_name: state.clinics.find((clinic) => clinic.tenant === input.clinic)?.name ?? "",
      author: state.session?.name ?? "",
      purpose: input.purpose,
      reason: input.reason,
      asked_at: new Date().toISOString(),
      state: "waiting",
      far: "waits_here",
      grant: null,
      is_read: false,
    };
    state.requests = { ...state.requests, asked: [row, ...state.requests.asked] };
    spoil("letters");
    return ok(of);
  },
  openAnswer: (request: string) => {
    const row = state.requests.asked.find((one) => one.id === request);
    return row?.grant ? ok(row.grant) : no("not_found");
  },
  openRequest: (from: string, of: string) => {
    const { open, decided } = state.requests;
    const row = [...open, ...decided].find((one) => one.from === from && one.id === of);
    if (!row) return no("not_found");
    const urgent = row.purpose === "emergency";
    const name = row.name ?? "NUR AISYAH BINTI RAHMAN";
    state.requests = { ...state.requests, open: open.map((one) => (one === row ? { ...one, name } : one)) };
    spoil("letters");
    return ok<b.RequestView>({
      from,
      id: of,
      clinic_name: row.clinic_name,
      verified: row.verified,
      digits: "1184 5520 9317 6402 8871",
      author: row.author,
      name,
      document: urgent ? "MyKad 920314-10-5049" : "",
      birth_date: urgent ? "1992-03-14" : null,
      purpose: row.purpose,
      reason: "Chest pain, medicines unknown.",
      written_at: row.came_at,
      read_at: new Date().toISOString(),
      read_by: state.session?.name ?? "",
      doubt: row.doubt,
      matches: urgent ? [{ patient: id(1, 3), name: "NUR AISYAH BINTI RAHMAN", birth_date: "1992-03-14", same_name: true, same_birth_date: true }] : [],
      decided: row.decision ? { decision: row.decision, by: "Dr Aisyah binti Kamal", at: row.came_at, patient: null } : null,
      emergency_until: "2026-11-25",
    });
  },
  answerRequest: (input: b.AnswerRequest) => {
    const done = decide(input.from, input.id, "answered");
    return done.then((answer) => (answer.status === "ok" ? ok("ef".repeat(16)) : answer));
  },
  declineRequest: (from: string, of: string) => decide(from, of, "declined"),
};
