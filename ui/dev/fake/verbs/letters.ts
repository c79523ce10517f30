/** The directory, and letters between clinics. */
import type * as b from "../../../src/api/bindings.gen";
import { no, ok } from "../answer";
import { spoil, state } from "../world";

const digitsOf = (text: string) => text.replaceAll(/\D/g, "");

export const letters = {
  directory: () => ok(state.directory),
  publishEntry: (entry: b.EntryView) => {
    state.directory = { ...state.directory, own: { ...state.directory.own, entry, state: "waiting", refused: null } };
    spoil("directory");
    return ok(null);
  },
  withdrawEntry: () => {
    state.directory = { ...state.directory, own: { ...state.directory.own, state: "none" } };
    spoil("directory");
    return ok(null);
  },
  verifyByDigits: (tenant: string, digits: string) => {
    const found = state.directory.clinics.find((row) => row.tenant === tenant);
    if (!found) return no("not_found");
    if (digitsOf(digits) !== digitsOf(found.digits)) return no("digits_differ");
    state.directory = { ...state.directory, clinics: state.directory.clinics.map((row) => (row === found ? { ...row, trust: "verified" } : row)) };
    state.clinics = state.clinics.map((clinic) => (clinic.tenant === tenant ? { ...clinic, verified: true } : clinic));
    spoil("sharing", "directory");
    return ok({ tenant, name: found.entry.name, verified: true });
  },
  letters: () => ok(state.letters),
  sendLetter: (input: b.SendLetter) => {
    const id = "ab".repeat(16);
    const sent: b.SentLetter = {
      id,
      clinic_name: state.clinics.find((clinic) => clinic.tenant === input.clinic)?.name ?? "",
      author: state.session?.name ?? "",
      text: input.text,
      sent_at: new Date().toISOString(),
      state: "waits_here",
      state_at: null,
      refused: null,
    };
    state.letters = { ...state.letters, sent: [sent, ...state.letters.sent] };
    spoil("letters");
    return ok(id);
  },
  openLetter: (from: string, id: string) => {
    const row = state.letters.received.find((one) => one.from === from && one.id === id);
    if (!row) return no("not_found");
    state.letters = { ...state.letters, received: state.letters.received.map((one) => (one === row ? { ...one, is_read: true } : one)) };
    spoil("letters");
    return ok<b.LetterView>({
      from,
      id,
      clinic_name: row.clinic_name,
      verified: row.verified,
      digits: "1184 5520 9317 6402 8871",
      author: row.author,
      text: "Dear colleague,\nthank you for seeing this patient.",
      written_at: row.came_at,
      read_at: new Date().toISOString(),
      read_by: state.session?.name ?? "",
      doubt: row.doubt,
    });
  },
};
