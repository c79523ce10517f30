/** Made-up medicine: a consult, its draft, products, and the few checks that screens have to show. */
import type * as b from "../../src/api/bindings.gen";
import { id } from "./answer";

export const ALLERGIES: b.AllergyStatus = {
  status: "known",
  allergies: [
    {
      id: id(1, 9),
      substance: "Penicillin",
      substance_key: "penicillins",
      reaction: "swollen lips, could not breathe",
      severity: "anaphylaxis",
      verification: "verified",
      recorded_at: "2019-03-02T02:00:00Z",
      recorded_by: id(1, 2),
    },
    {
      id: id(2, 9),
      substance: "Diclofenac",
      substance_key: "diclofenac",
      reaction: "rash",
      severity: "mild",
      verification: "patient_reported",
      recorded_at: "2024-07-12T02:00:00Z",
      recorded_by: id(1, 2),
    },
  ],
};

export const TURNS: [number, number, b.Speaker, string, string][] = [
  [660, 2740, "doctor", "en", "Good morning, what brings you in today?"],
  [3390, 6010, "patient", "en", "I have had a fever and a cough for three days."],
  [6790, 9140, "doctor", "en", "Is the cough dry, or do you bring up phlegm?"],
  [9850, 12230, "patient", "en", "It is dry, and my throat is sore."],
  [12710, 16350, "doctor", "ms", "Ada sesak nafas atau sakit dada?"],
  [17000, 19600, "patient", "ms", "Tiada, cuma letih dan sakit kepala."],
  [20300, 23100, "doctor", "en", "Are you allergic to any medicine?"],
  [23800, 27400, "patient", "en", "Yes, penicillin. My lips swelled up and I could not breathe."],
  [28000, 31200, "doctor", "en", "Your temperature is 38.4, blood pressure 118 over 76."],
  [32000, 36500, "doctor", "en", "Your throat is red, there is no pus, and the chest is clear."],
];

/** What the demo consult suggests, when it was heard in this recording. */
export function draftOf(recording: string): b.DraftProposal {
  const s = (text: string, start_ms: number, end_ms: number): b.NoteSentence => ({ text, source: { recording, start_ms, end_ms } });
  return {
    note: {
      subjective: [
        s("Fever and cough for 3 days.", 3390, 6010),
        s("Dry cough, sore throat.", 9850, 12230),
        s("No shortness of breath or chest pain; tired, headache.", 17000, 19600),
      ],
      objective: [s("T 38.4 °C, BP 118/76 mmHg.", 28000, 31200), s("Throat red, no pus. Chest clear.", 32000, 36500)],
      assessment: [s("Upper respiratory tract infection.", 36500, 39000)],
      plan: [s("Paracetamol 1 g every 6 hours when needed, 3 days.", 40000, 46000), s("Come back if breathless or not better in 3 days.", 47000, 52000)],
    },
    vitals: { temperature: 38.4, systolic: 118, diastolic: 76, weight: null, weight_on: null },
    allergies: [{ substance: "penicillin", reaction: "lips swelled up, could not breathe", heard: { recording, start_ms: 23800, end_ms: 27400 } }],
  };
}
/** The recording of the scenes in which one is there. */
export const SOUND = id(1, 6);
export const DRAFT = draftOf(SOUND);

export const PRODUCTS: b.ProductChoice[] = [
  { key: "paracetamol-500mg-tablet", name: "Paracetamol 500 mg tablet", strength_mg: 500, unit: "tablet", route: "oral", halal: "unknown", poison_group: "none" },
  { key: "paracetamol-120mg-5ml-syrup", name: "Paracetamol 120 mg/5 ml syrup", strength_mg: 24, unit: "ml", route: "oral", halal: "unknown", poison_group: "none" },
  { key: "amoxicillin-500mg-capsule", name: "Amoxicillin 500 mg capsule", strength_mg: 500, unit: "capsule", route: "oral", halal: "unknown", poison_group: "b" },
  { key: "azithromycin-250mg-tablet", name: "Azithromycin 250 mg tablet", strength_mg: 250, unit: "tablet", route: "oral", halal: "certified", poison_group: "b" },
  { key: "loratadine-10mg-tablet", name: "Loratadine 10 mg tablet", strength_mg: 10, unit: "tablet", route: "oral", halal: "certified", poison_group: "c" },
];

export function findingsOf(line: b.PrescriptionLine, banner: b.PatientBanner): b.Finding[] {
  const found: b.Finding[] = [];
  if (line.drug_key.startsWith("amoxicillin") && banner.allergies.status === "known") {
    found.push({
      key: "allergy:penicillins:amoxicillin",
      kind: "allergy",
      level: "serious",
      title_code: "allergy_class",
      params: { allergy: "Penicillin", ingredient: "amoxicillin", ingredient_ms: "amoksisilin", severity: "anaphylaxis", reaction: "swollen lips, could not breathe" },
      needs_reason: true,
      source: "Chaudhry et al., Pharmacy",
      edition: "2019",
    });
  }
  if (banner.allergies.status === "not_asked") {
    found.push({ key: "allergies:not_asked", kind: "allergy_not_asked", level: "caution", title_code: "allergies_not_asked", params: {}, needs_reason: false, source: "", edition: "" });
  }
  if (line.drug_key.startsWith("paracetamol-500") && line.units_per_dose > 2) {
    found.push({
      key: "dose_single:paracetamol",
      kind: "dose",
      level: "serious",
      title_code: "dose_single",
      params: { ingredient: "paracetamol", ingredient_ms: "parasetamol", medicine: line.drug_name, dose_mg: "1500", most_mg: "1000" },
      needs_reason: true,
      source: "BNF",
      edition: "86",
    });
  }
  return found;
}

export function checked(line: b.PrescriptionLine, banner: b.PatientBanner): b.CheckedLine {
  const findings = findingsOf(line, banner);
  const reasons = new Set(line.overrides.map((o) => o.finding_key));
  return { line, findings, open: findings.filter((f) => f.needs_reason && !reasons.has(f.key)).map((f) => f.key) };
}

export const line = (n: number, product: b.ProductChoice, change: Partial<b.PrescriptionLine>): b.PrescriptionLine => ({
  id: id(n, 7),
  drug_key: product.key,
  drug_name: product.name,
  strength: product.strength_mg,
  unit: product.unit,
  units_per_dose: 1,
  route: product.route,
  frequency: "three_times_daily",
  when_needed: false,
  days: 3,
  quantity: 9,
  indication: "",
  advice: "",
  overrides: [],
  ...change,
});

export function turnOf([start_ms, end_ms, speaker, language, text]: (typeof TURNS)[number], i: number): b.Turn {
  return { span: { start_ms, end_ms }, speaker, certainty: i === 5 ? "uncertain" : "certain", language, text };
}
