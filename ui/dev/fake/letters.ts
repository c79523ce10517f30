/** The directory and the letters of the made-up clinic, as they stand when a test begins. */
import type * as b from "../../src/api/bindings.gen";
import { at, TENANT_A, TENANT_B } from "./answer";

const entry = (name: string, town: string, specialties: string[], accepts_referrals = true): b.EntryView => ({
  name,
  telephone: "03-8733 1180",
  address: `18, Jalan Sentosa 3\n${town}`,
  specialties,
  accepts_referrals,
});

const row = (tenant: string, view: b.EntryView, trust: b.Trust, digits: string, known_as: string | null = null): b.DirectoryRow => ({
  tenant,
  is_own: tenant === TENANT_A,
  entry: view,
  known_as,
  digits,
  trust,
  signed_at: at(3 * 1440),
  came_at: at(2 * 1440),
});

export function directory(): b.DirectoryView {
  return {
    clinics: [
      row("c3".repeat(32), entry("Klinik Bayu Kanak-kanak", "41000 Klang", ["paediatrics"]), "met", "7710 2096 3341 0078 1523", "Klinik Bayu"),
      row("d4".repeat(32), entry("Klinik Cahaya", "43000 Kajang", ["general_practice", "something_newer"], false), "unverified", "1184 5520 9317 6402 8871"),
      row("e5".repeat(32), entry("Klinik Palsu", "50000 Kuala Lumpur", []), "doubtful", "9002 1173 4486 2050 7719"),
      row(TENANT_B, entry("Klinik Sentosa", "43000 Kajang", ["general_practice", "vaccination"]), "verified", "4821 0937 5560 2218 9034"),
    ],
    own: {
      entry: { name: "Klinik Seri Mawar", telephone: "03-8926 4410", address: "7, Jalan Mawar 2\n43650 Bandar Baru Bangi", specialties: ["general_practice"], accepts_referrals: false },
      state: "none",
      refused: null,
      may_edit: true,
      needs_admin_device: false,
    },
    specialties: ["general_practice", "paediatrics", "dental", "vaccination"],
  };
}

export function letters(): b.LettersView {
  const came = (n: number, part: Partial<b.LetterRow>): b.LetterRow => ({
    from: TENANT_B,
    id: String(n).repeat(32),
    clinic_name: "Klinik Sentosa",
    verified: true,
    author: "Dr Tan Wei Ming",
    came_at: at(n * 60),
    is_read: false,
    is_readable: true,
    doubt: null,
    ...part,
  });
  const sent = (n: number, state: b.SentState, refused: string | null = null): b.SentLetter => ({
    id: `${n}f`.repeat(16),
    clinic_name: "Klinik Sentosa",
    author: "Dr Aisyah binti Kamal",
    text: "Please see this patient for her knee.\nThank you.",
    sent_at: at(n * 1440),
    state,
    state_at: null,
    refused,
  });
  return {
    received: [
      came(1, {}),
      came(2, { from: "d4".repeat(32), clinic_name: "Klinik Cahaya", verified: false, author: "Dr Ravi a/l Kumar", doubt: "removed_device" }),
      came(3, { is_readable: false, author: "" }),
      came(4, { is_read: true }),
    ],
    sent: [sent(1, "waits_here"), sent(2, "at_relay"), sent(3, "delivered"), sent(4, "read"), sent(5, "expired"), sent(6, "refused", "unknown_device"), sent(7, "on_its_way")],
    n_put_aside: 1,
    may_write: true,
  };
}
