/** The consult: visit, note, recording, prescription, signature. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { id, no, ok } from "../answer";
import { checked, draftOf, findingsOf, PRODUCTS } from "../clinical";
import { finish, play } from "../recordings";
import { pastVisits, rightPin, spoil, state, visitOf, wrongPin } from "../world";

export const consult = {
  patientHistory: (patient: string) => ok(pastVisits(patient)),
  openVisit: (visit: string) => {
    const view = visitOf(visit);
    return view ? ok(view) : no("not_found");
  },
  recordAllergy: (input: b.RecordAllergy) => {
    const banner = state.banners[input.patient];
    if (!banner) return no("not_found");
    const more: b.Allergy = { id: id(state.next++, 9), substance: input.substance, substance_key: null, reaction: input.reaction, severity: input.severity, verification: "verified", recorded_at: new Date().toISOString(), recorded_by: id(1, 2) };
    banner.allergies = { status: "known", allergies: banner.allergies.status === "known" ? [...banner.allergies.allergies, more] : [more] };
    spoil(`patient:${input.patient}`);
    return ok(null);
  },
  noKnownAllergies: (patient: string) => {
    const banner = state.banners[patient];
    if (banner) banner.allergies = { status: "none_known", asked_on: data.TODAY };
    spoil(`patient:${patient}`);
    return ok(null);
  },
  saveVitals: (visit: string, vitals: b.Vitals) => {
    const view = visitOf(visit);
    if (view) {
      view.vitals = vitals;
      state.banners[view.banner.id] = { ...view.banner, vitals };
    }
    return ok(null);
  },
  saveNote: (visit: string, note: b.SoapNote) => {
    const view = visitOf(visit);
    const now = new Date().toISOString();
    if (view?.note.state === "signed") return no("signed");
    if (view) view.note = { state: "draft", note, saved_at: now };
    return ok(now);
  },
  saveDiagnoses: (visit: string, diagnoses: b.Diagnosis[]) => {
    const view = visitOf(visit);
    if (view) view.diagnoses = diagnoses;
    return ok(null);
  },
  setSensitivity: (visit: string, sensitivity: b.Sensitivity[]) => {
    const view = visitOf(visit);
    if (view) view.sensitivity = sensitivity;
    return ok(null);
  },
  startRecording: (visit: string, _source: b.SoundSource) => {
    const view = visitOf(visit);
    const recording = id(state.next++, 6);
    view?.recordings.push({ id: recording, state: "recording", length_ms: 0, turns: [], model: "micro-demo.bin", demo_model: true });
    spoil(`visit:${visit}`);
    play(visit, recording);
    return ok(recording);
  },
  stopRecording: (recording: string) => {
    for (const view of Object.values(state.visits)) {
      const r = view.recordings.find((x) => x.id === recording);
      if (r) finish(view.visit, recording);
    }
    return ok(null);
  },
  resumeTranscription: (recording: string) => {
    for (const view of Object.values(state.visits)) if (view.recordings.some((x) => x.id === recording)) finish(view.visit, recording);
    return ok(null);
  },
  recordingAudio: (_recording: string, _start: number, _end: number) => ok("UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="),
  proposeDraft: (visit: string) => {
    const heard = visitOf(visit)?.recordings.findLast((r) => r.turns.length > 0);
    return heard ? ok(draftOf(heard.id)) : no("no_transcript");
  },
  searchProducts: (query: string) => ok(PRODUCTS.filter((p) => p.name.toLowerCase().includes(query.toLowerCase()))),
  checkLine: (visit: string, l: b.PrescriptionLine) => {
    const view = visitOf(visit);
    return view ? ok(findingsOf(l, view.banner)) : no("not_found");
  },
  prescribe: (input: b.PrescribeLine) => {
    const view = visitOf(input.visit);
    if (!view) return no("not_found");
    const overrides = input.reasons.map((r) => ({ ...r, by: id(1, 2), at: new Date().toISOString() }));
    const answer = checked({ ...input.line, overrides }, view.banner);
    if (answer.open.length > 0) return no("reason_needed", { keys: answer.open.join(",") });
    view.lines = [...view.lines.filter((l) => l.line.id !== input.line.id), answer];
    spoil(`visit:${input.visit}`);
    return ok(answer);
  },
  removeLine: (visit: string, l: string) => {
    const view = visitOf(visit);
    if (view) view.lines = view.lines.filter((x) => x.line.id !== l);
    spoil(`visit:${visit}`);
    return ok(null);
  },
  signNote: (visit: string, pin: string) => {
    if (!rightPin(pin)) return wrongPin();
    const view = visitOf(visit);
    if (view?.note.state === "draft") view.note = { state: "signed", note: view.note.note, signed_by: state.session?.name ?? "", signed_at: new Date().toISOString(), verified: true, addenda: [], twice: false, late_edit: false };
    state.rows = state.rows.map((r) => (r.visit === visit ? { ...r, state: "at_pharmacy" } : r));
    spoil(`visit:${visit}`, "queue");
    return ok(null);
  },
  addAddendum: (visit: string, text: string, pin: string) => {
    if (!rightPin(pin)) return wrongPin();
    const view = visitOf(visit);
    if (view?.note.state === "signed") view.note.addenda.push({ text, by: state.session?.name ?? "", at: new Date().toISOString() });
    spoil(`visit:${visit}`);
    return ok(null);
  },
};
