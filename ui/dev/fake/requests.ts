/** The requests between clinics of the made-up clinic, as they stand when a test begins. */
import type * as b from "../../src/api/bindings.gen";
import { at, id, TENANT_B } from "./answer";

export function requests(): b.RequestsView {
  const came = (n: number, part: Partial<b.RequestRow>): b.RequestRow => ({
    from: TENANT_B,
    id: `${n}a`.repeat(16),
    clinic_name: "Klinik Sentosa",
    verified: true,
    author: "Dr Tan Wei Ming",
    purpose: "treatment",
    came_at: at(n * 60),
    name: null,
    doubt: null,
    decision: null,
    ...part,
  });
  const asked = (n: number, state: b.AskedState, part: Partial<b.AskedRow> = {}): b.AskedRow => ({
    id: `${n}b`.repeat(16),
    patient: id(1, 3),
    patient_name: "NUR AISYAH BINTI RAHMAN",
    clinic: TENANT_B,
    clinic_name: "Klinik Sentosa",
    author: "Dr Aisyah binti Kamal",
    purpose: "treatment",
    reason: "Chest pain, medicines unknown.",
    asked_at: at(n * 1440),
    state,
    far: "delivered",
    grant: state === "answered" ? "9f3a".repeat(8) : null,
    is_read: false,
    ...part,
  });
  return {
    open: [
      came(1, { purpose: "emergency", author: "Dr Lim Siew Fong" }),
      came(2, {}),
      came(3, { from: "d4".repeat(32), clinic_name: "Klinik Cahaya", verified: false, author: "Dr Ravi a/l Kumar", doubt: "removed_device", name: "SITI AMINAH" }),
    ],
    decided: [came(5, { name: "TAN SIEW LING", decision: "declined" }), came(6, { name: "RAJENDRAN A/L SUBRAMANIAM", decision: "answered" })],
    held_back: [{ clinic_name: "Klinik Cahaya", verified: false, count: 12 }],
    n_unreadable: 1,
    asked: [
      asked(1, "waiting", { far: "waits_here", purpose: "emergency" }),
      asked(2, "waiting"),
      asked(3, "answered"),
      asked(15, "no_answer"),
      asked(16, "not_sent"),
      asked(4, "waiting", { patient: id(2, 3), patient_name: "AHMAD FIRDAUS BIN HASSAN", far: "at_relay" }),
    ],
  };
}
