/** What crosses between clinics, and who saw what. */
import type * as b from "../../../src/api/bindings.gen";
import * as data from "../../people";
import { at, id, no, ok, TENANT_B } from "../answer";
import { line, PRODUCTS } from "../clinical";
import { spoil, state } from "../world";

export const sharing = {
  network: () => ok({ given: state.given, more_given: state.more, received: state.received, more_received: state.more, clinics: state.clinics }),
  ownCard: () => ok({ text: "MECARD1-8K2MQ-9TX3R-7VPWD-40HNC-Z6B1E", qr_svg: data.QR_SVG, digits: "4821 0937 5560 2218 9034" }),
  verifyClinic: (text: string) => {
    if (!text.startsWith("MECARD1-")) return no("card_unreadable");
    state.clinics = state.clinics.map((c) => (c.name === "Klinik Cahaya" ? { ...c, verified: true } : c));
    spoil("sharing");
    return ok({ tenant: "d4".repeat(32), name: "Klinik Cahaya", verified: true });
  },
  grantConsent: (input: b.GrantConsent) => {
    const view: b.GrantView = {
      id: id(state.next++, 1).replaceAll("-", ""),
      patient: input.patient,
      patient_name: state.banners[input.patient]?.name ?? "",
      clinic_name: state.clinics.find((c) => c.tenant === input.clinic)?.name ?? "",
      terms: input.terms,
      state: "active",
      granted_at: new Date().toISOString(),
      revoked_at: null,
      delivered: false,
      n_releases: 1,
    };
    state.given.unshift(view);
    spoil("sharing");
    return ok(view);
  },
  revokeConsent: (grant: string, _reason: string) => {
    state.given = state.given.map((g) => (g.id === grant ? { ...g, state: "revoked", revoked_at: new Date().toISOString(), delivered: false } : g));
    spoil("sharing");
    return ok(null);
  },
  grantsOf: (patient: string) => ok(state.given.filter((g) => g.patient === patient)),
  openShared: (grant: string) => {
    const summary = state.received.find((r) => r.grant === grant);
    if (!summary) return no("grant_over", { reason: "revoked" });
    const has = <T>(category: b.Category, value: T): b.Shared<T> => (summary.categories.includes(category) ? { state: "given", value } : { state: "withheld" });
    const author = { name: "Dr Tan Wei Ming", registration: "MMC 45120" };
    return ok<b.SharedRecordView>({
      summary,
      record: {
        card: { name: summary.patient_name, identifier: { kind: "my_kad", number: "920314105049" }, birth_date: "1992-03-14", sex: "female" },
        as_of: summary.as_of,
        source: { id: TENANT_B, name: summary.clinic_name, address: "18, Jalan Sentosa 3\n43000 Kajang, Selangor", phone: "03-8733 1180" },
        onward: false,
        not_understood: 0,
        encounters: has("encounters", [
          {
            id: "v1",
            started_at: at(2 * 1440 + 30),
            signed_at: at(2 * 1440),
            author,
            note: {
              subjective: ["Loose stools five times since last night.", "No blood, no vomiting."],
              objective: ["T 37.2 °C. Abdomen soft, not tender."],
              assessment: ["Acute gastroenteritis, mild dehydration."],
              plan: ["Oral rehydration salts after each loose stool.", "Come back if there is blood or no urine for 8 hours."],
            },
            diagnoses: [{ text: "Acute gastroenteritis", icd10: "A09" }],
            vitals: { temperature: 37.2, systolic: 112, diastolic: 70, weight: 58, weight_on: "2026-11-19" },
            sensitivity: [],
          },
        ]),
        allergies: has("allergies", { status: "none_known", asked_on: "2026-11-19" } as b.AllergyStatus),
        prescriptions: has("prescriptions", [
          {
            id: "m1",
            visit: "v1",
            line: line(90, PRODUCTS[0] as b.ProductChoice, { indication: "fever" }),
            directions: "Take 1 tablet, 3 times a day",
            prescribed_at: at(2 * 1440),
            prescriber: author,
            reasons: [],
            dispensed: [{ id: "d1", at: at(2 * 1440 - 20), by: { name: "Chong Li Na", registration: "" }, quantity: 9 }],
            sensitivity: [],
          },
        ]),
        recordings: has("audio", []),
      },
    });
  },
  exportFhir: (_grant: string) => ok('{"resourceType":"Bundle","type":"document"}'),
  saveFhir: () => ok(null),
  audit: (patient: string | null) => ok(state.audit.filter((a) => patient === null || a.patient === patient)),
};
