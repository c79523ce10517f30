/** A backend of made-up data in the form of the bindings: for tests and for looking at screens. Holds no rule of the clinic. */
import type * as b from "../src/api/bindings.gen";
import { LABEL_PNG } from "./label";
import * as data from "./people";

type Result<T> = { status: "ok"; data: T } | { status: "error"; error: { code: b.ErrorCode; detail: Record<string, string> } };
const ok = <T>(value: T): Promise<Result<T>> => Promise.resolve({ status: "ok", data: structuredClone(value) });
const no = (code: b.ErrorCode, detail: Record<string, string> = {}): Promise<Result<never>> =>
  Promise.resolve({ status: "error", error: { code, detail } });

const MINUTE = 60_000;
const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * MINUTE).toISOString();
const id = (n: number, kind = 1) => `0199${String(kind).padStart(4, "0")}-0000-7000-8000-${String(n).padStart(12, "0")}`;

const TENANT_A = "a3".repeat(32);
const TENANT_B = "b2".repeat(32);

interface State {
  app: b.AppState;
  session: b.SessionView | null;
  faces: b.StaffFace[];
  pins: Record<string, string>;
  wrong: number;
  rows: b.QueueRow[];
  banners: Record<string, b.PatientBanner>;
  patients: b.PatientRow[];
  visits: Record<string, b.VisitView>;
  dispensed: Record<string, b.Dispensed>;
  jobs: b.PrintJobView[];
  given: b.GrantView[];
  received: b.SharedSummary[];
  clinics: b.KnownClinic[];
  audit: b.AuditRow[];
  status: b.StatusView;
  settings: b.DeviceSettings;
  models: b.ModelChoice[];
  pairing: b.PairingState;
  next: number;
}

let state: State;
/** Every call, for tests. */
const calls: { name: string; args: unknown[] }[] = [];
/** The next call of a command fails with this code. */
const failing = new Map<string, { code: b.ErrorCode; detail: Record<string, string> }>();

const ALLERGIES: b.AllergyStatus = {
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

const TURNS: [number, number, b.Speaker, string, string][] = [
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

const s = (text: string, start_ms: number, end_ms: number): b.NoteSentence => ({ text, source: { start_ms, end_ms } });
const DRAFT: b.DraftProposal = {
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
  allergies: [{ substance: "penicillin", reaction: "lips swelled up, could not breathe", span: { start_ms: 23800, end_ms: 27400 } }],
};

const PRODUCTS: b.ProductChoice[] = [
  { key: "paracetamol-500mg-tablet", name: "Paracetamol 500 mg tablet", strength_mg: 500, unit: "tablet", route: "oral", halal: "unknown", poison_group: "none" },
  { key: "paracetamol-120mg-5ml-syrup", name: "Paracetamol 120 mg/5 ml syrup", strength_mg: 24, unit: "ml", route: "oral", halal: "unknown", poison_group: "none" },
  { key: "amoxicillin-500mg-capsule", name: "Amoxicillin 500 mg capsule", strength_mg: 500, unit: "capsule", route: "oral", halal: "unknown", poison_group: "b" },
  { key: "azithromycin-250mg-tablet", name: "Azithromycin 250 mg tablet", strength_mg: 250, unit: "tablet", route: "oral", halal: "certified", poison_group: "b" },
  { key: "loratadine-10mg-tablet", name: "Loratadine 10 mg tablet", strength_mg: 10, unit: "tablet", route: "oral", halal: "certified", poison_group: "c" },
];

function findingsOf(line: b.PrescriptionLine, banner: b.PatientBanner): b.Finding[] {
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

function checked(line: b.PrescriptionLine, banner: b.PatientBanner): b.CheckedLine {
  const findings = findingsOf(line, banner);
  const reasons = new Set(line.overrides.map((o) => o.finding_key));
  return { line, findings, open: findings.filter((f) => f.needs_reason && !reasons.has(f.key)).map((f) => f.key) };
}

const line = (n: number, product: b.ProductChoice, change: Partial<b.PrescriptionLine>): b.PrescriptionLine => ({
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

function makeVisit(row: b.QueueRow): b.VisitView {
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
    past_visits: first
      ? [
          { visit: id(901, 4), day: "2026-08-03", summary: "Tension headache", medicines: ["Paracetamol 500 mg tablet"] },
          { visit: id(902, 4), day: "2026-02-19", summary: "Allergic rhinitis", medicines: ["Loratadine 10 mg tablet", "Fluticasone nasal spray"] },
          { visit: id(903, 4), day: "2025-06-30", summary: "Acute gastroenteritis", medicines: ["Oral rehydration salts"] },
        ]
      : [],
    note: { state: "draft", note: { subjective: [], objective: [], assessment: [], plan: [] }, saved_at: null },
    diagnoses: [],
    sensitivity: [],
    lines: [],
    vitals: { temperature: null, systolic: null, diastolic: null, weight: null, weight_on: null },
    recordings: [],
    shared: first ? state.received.filter((r) => r.matched_patient === row.patient) : [],
  };
}

function begin(): State {
  const faces: b.StaffFace[] = data.STAFF.map(([name, role], i) => ({ id: id(i + 1, 2), name, role, has_pin_here: i !== 5, wait_ms: 0 }));
  const patients: b.PatientRow[] = data.PEOPLE.map((p, i) => ({ id: id(i + 1, 3), name: p.name, identifier_tail: `····${p.mykad.slice(-4)}`, age_years: p.age, sex: p.sex, matched: "name" }));
  const banners: Record<string, b.PatientBanner> = {};
  data.PEOPLE.forEach((p, i) => {
    banners[id(i + 1, 3)] = {
      id: id(i + 1, 3),
      name: p.name,
      identifier: `MyKad ····${p.mykad.slice(-4)}`,
      birth_date: data.birthOf(p.mykad),
      age_years: p.age,
      age_months: 4,
      sex: p.sex,
      allergies: i === 0 ? ALLERGIES : i % 3 === 1 ? { status: "none_known", asked_on: "2026-11-12" } : { status: "not_asked" },
      vitals: { temperature: null, systolic: null, diastolic: null, weight: i % 4 === 3 ? null : 52 + (i % 30), weight_on: i % 4 === 3 ? null : "2026-11-12" },
    };
  });
  const states: b.QueueState[] = ["in_consult", "at_pharmacy", "called", "waiting", "waiting", "waiting", "at_pharmacy", "waiting", "waiting", "done"];
  const rows: b.QueueRow[] = data.PEOPLE.slice(0, 33).map((p, i) => ({
    entry: id(i + 1, 5),
    token: `A${String(i + 1).padStart(2, "0")}`,
    visit: id(i + 1, 4),
    patient: id(i + 1, 3),
    name: p.name,
    age_years: p.age,
    sex: p.sex,
    reason: data.REASONS[i % data.REASONS.length] ?? "",
    doctor: i % 3 === 2 ? null : id(1 + (i % 2), 2),
    doctor_name: i % 3 === 2 ? null : (data.STAFF[i % 2]?.[0] ?? null),
    state: i === 0 ? "in_consult" : (states[i % states.length] ?? "waiting"),
    arrived_at: at(96 - i * 2.8),
  }));
  const received: b.SharedSummary[] = [
    {
      grant: "9f3a".repeat(8),
      clinic_name: "Klinik Sentosa",
      patient_name: "NUR AISYAH BINTI RAHMAN",
      identifier: "MyKad ····5049",
      categories: ["encounters", "prescriptions"],
      withheld: ["allergies", "audio"],
      as_of: at(2 * 1440),
      n_entries: 4,
      matched_patient: id(1, 3),
    },
    {
      grant: "77c1".repeat(8),
      clinic_name: "Klinik Bayu",
      patient_name: "RAJENDRAN A/L SUBRAMANIAM",
      identifier: "MyKad ····0281",
      categories: ["encounters", "allergies", "prescriptions"],
      withheld: ["audio"],
      as_of: at(9 * 1440),
      n_entries: 11,
      matched_patient: null,
    },
  ];
  const terms: b.ShareTerms = {
    categories: ["encounters", "prescriptions"],
    data_from: null,
    data_to: null,
    sensitive: [],
    mode: "view",
    purpose: "treatment",
    until: "2027-11-21",
    erase_at: "2027-11-21",
    onward: false,
  };
  return {
    app: {
      version: "0.1.0",
      clinics: [
        { tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: false },
        { tenant: TENANT_B, name: "Klinik Sentosa", needs_passphrase: false },
      ],
      open: TENANT_A,
      unfinished_setup: null,
      demo: { pins: data.STAFF.map(([name], i) => ({ tenant: TENANT_A, name, pin: data.PINS[i] ?? "135790" })), consult_wav: "/demo/consult.wav" },
      keyring: "ready",
      crash_report: null,
    },
    session: null,
    faces,
    pins: Object.fromEntries(faces.map((f, i) => [f.id, data.PINS[i] ?? "135790"])),
    wrong: 0,
    rows,
    banners,
    patients,
    visits: {},
    dispensed: {},
    jobs: [
      { id: id(1, 8), state: "unknown", title: "Loratadine 10 mg tablet", reprint: 0, at: at(3), reason: null },
      { id: id(2, 8), state: "confirmed", title: "Paracetamol 500 mg tablet", reprint: 0, at: at(14), reason: null },
      { id: id(3, 8), state: "failed", title: "Azithromycin 250 mg tablet", reprint: 0, at: at(15), reason: "paper_out" },
    ],
    given: [
      { id: "c4d1".repeat(8), patient: id(2, 3), patient_name: data.PEOPLE[1]?.name ?? "", clinic_name: "Klinik Sentosa", terms, state: "active", granted_at: at(14 * 1440), revoked_at: null, delivered: true, n_releases: 3 },
      { id: "e5e2".repeat(8), patient: id(5, 3), patient_name: data.PEOPLE[4]?.name ?? "", clinic_name: "Klinik Bayu", terms: { ...terms, categories: ["encounters", "allergies", "prescriptions", "audio"], mode: "keep" }, state: "active", granted_at: at(40 * 1440), revoked_at: null, delivered: true, n_releases: 8 },
      { id: "aa07".repeat(8), patient: id(7, 3), patient_name: data.PEOPLE[6]?.name ?? "", clinic_name: "Klinik Sentosa", terms, state: "revoked", granted_at: at(90 * 1440), revoked_at: at(60), delivered: false, n_releases: 2 },
    ],
    received,
    clinics: [
      { tenant: TENANT_B, name: "Klinik Sentosa", verified: true },
      { tenant: "c3".repeat(32), name: "Klinik Bayu", verified: true },
      { tenant: "d4".repeat(32), name: "Klinik Cahaya", verified: false },
    ],
    audit: [
      { at: at(4), who: "Dr Aisyah binti Kamal", action: "visit.opened", permitted: true, reason: null, patient: id(1, 3), patient_name: data.PEOPLE[0]?.name ?? "", grant: null, request: null, from_relay: false },
      { at: at(61), who: "Klinik Sentosa", action: "release.read", permitted: false, reason: "revoked", patient: id(7, 3), patient_name: data.PEOPLE[6]?.name ?? "", grant: "aa07".repeat(8), request: "41f0", from_relay: true },
      { at: at(180), who: "Klinik Sentosa", action: "release.read", permitted: true, reason: null, patient: id(2, 3), patient_name: data.PEOPLE[1]?.name ?? "", grant: "c4d1".repeat(8), request: "33aa", from_relay: true },
      { at: at(14 * 1440), who: "Lim Mei Ling", action: "consent.granted", permitted: true, reason: null, patient: id(2, 3), patient_name: data.PEOPLE[1]?.name ?? "", grant: "c4d1".repeat(8), request: null, from_relay: false },
    ],
    status: {
      sync: { has_relay: true, connected: true, pending: 0, last_contact: at(0), quarantined: 0, error: null },
      power: { state: "mains", on_battery_since: null, load_percent: 23, paused: false },
      printer: { address: "tcp://192.168.1.60:9100", waiting: 0, unknown: 0, problem: null },
      scribe: { microphone: "ReSpeaker array", channels: 4, model: "micro-demo.bin", demo_model: true },
    },
    settings: { printer: "tcp://192.168.1.60:9100", label_size: "60x50", ups: "", microphone: "", model: "micro-demo.bin", label_language: "ms" },
    models: [
      { id: "micro-demo", title: "Demo consult", file: "micro-demo.bin", bytes: 1_400_000, languages: ["en", "ms"], demo: true, installed: true, in_use: true },
      { id: "small-q5_1", title: "Whisper small", file: "ggml-small-q5_1.bin", bytes: 190_085_487, languages: ["en", "ms", "zh", "ta"], demo: false, installed: false, in_use: false },
      { id: "base-q5_1", title: "Whisper base", file: "ggml-base-q5_1.bin", bytes: 59_707_625, languages: ["en", "ms", "zh", "ta"], demo: false, installed: false, in_use: false },
    ],
    pairing: "waiting",
    next: 500,
  };
}

state = begin();

const listeners: Record<string, Set<(e: { payload: never }) => void>> = { spoiled: new Set(), recordingProgress: new Set(), statusChanged: new Set() };
const tell = (event: string, payload: unknown) => {
  for (const cb of listeners[event] ?? []) cb({ payload: payload as never });
};
const spoil = (...tags: string[]) => tell("spoiled", { tags });

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

const visitOf = (visit: string) => {
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

const rightPin = (pin: string) => state.session !== null && state.pins[state.session.staff] === pin;
const wrongPin = () => {
  state.wrong += 1;
  return no("wrong_pin", { wait_ms: state.wrong > 2 ? "4000" : "0" });
};

const made = {
  appState: () => ok(state.app),
  joinClinic: (input: b.JoinClinic) => {
    if (!input.invitation.startsWith("MEDIECO1-")) return no("invitation_unreadable");
    state.app.clinics = [{ tenant: TENANT_A, name: input.clinic_name, needs_passphrase: input.protection.kind === "passphrase" }];
    state.app.unfinished_setup = "recovery_kit";
    return ok({ clinic_name: input.clinic_name, tenant: TENANT_A, words: data.WORDS });
  },
  joinByCode: () => {
    state.app.clinics = [{ tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: false }];
    state.app.unfinished_setup = "model";
    return ok(null);
  },
  recoveryKit: () => ok({ clinic_name: state.app.clinics[0]?.name ?? "", tenant: TENANT_A, words: data.WORDS }),
  saveRecoveryKit: (_path: string) => ok(null),
  confirmRecoveryKit: (wordIndex: number[], words: string[]) => {
    if (wordIndex.some((w, i) => data.WORDS[w] !== words[i])) return no("kit_wrong");
    state.app.unfinished_setup = "model";
    return ok(null);
  },
  unlockClinic: (tenant: string, passphrase: string | null) => {
    if (passphrase !== "correct horse battery") return no("wrong_passphrase");
    state.app.open = tenant;
    return ok(null);
  },
  openClinic: (tenant: string) => {
    state.app.open = tenant;
    state.session = null;
    return ok(null);
  },
  skipModel: () => {
    state.app.unfinished_setup = null;
    state.app.open = TENANT_A;
    return ok(null);
  },
  offerPairing: () => ok({ code: "7K3M-Q9TX", relay: "wss://relay.klinik.example:8443/sync", qr_svg: data.QR_SVG, expires_at: at(-10) }),
  pairingState: () => ok(state.pairing),
  staffFaces: () => ok(state.faces),
  signIn: (staff: string, pin: string) => {
    if (state.pins[staff] !== pin) return wrongPin();
    state.wrong = 0;
    fake.signInAs(state.faces.find((f) => f.id === staff)?.role ?? null, staff);
    return ok(state.session as b.SessionView);
  },
  setPin: (staff: string, pin: string) => {
    state.pins[staff] = pin;
    state.faces = state.faces.map((f) => (f.id === staff ? { ...f, has_pin_here: true } : f));
    fake.signInAs(null, staff);
    return ok(state.session as b.SessionView);
  },
  lock: () => {
    state.session = null;
    return ok(null);
  },
  session: () => ok(state.session),
  addStaff: (input: b.AddStaff) => {
    const staff = id(state.next++, 2);
    state.faces.push({ id: staff, name: input.name, role: input.role, has_pin_here: input.pin !== null, wait_ms: 0 });
    spoil("staff");
    return ok(staff);
  },
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
    fake.play(visit, recording);
    return ok(recording);
  },
  stopRecording: (recording: string) => {
    for (const view of Object.values(state.visits)) {
      const r = view.recordings.find((x) => x.id === recording);
      if (r) fake.finish(view.visit, recording);
    }
    return ok(null);
  },
  resumeTranscription: (recording: string) => {
    for (const view of Object.values(state.visits)) if (view.recordings.some((x) => x.id === recording)) fake.finish(view.visit, recording);
    return ok(null);
  },
  recordingAudio: (_recording: string, _start: number, _end: number) => ok("UklGRiQAAABXQVZFZm10IBAAAAABAAEAgD4AAAB9AAACABAAZGF0YQAAAAA="),
  proposeDraft: (_visit: string) => ok(DRAFT),
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
    if (view?.note.state === "draft") view.note = { state: "signed", note: view.note.note, signed_by: state.session?.name ?? "", signed_at: new Date().toISOString(), verified: true, addenda: [] };
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
  dispensingQueue: () =>
    ok(
      state.rows
        .filter((r) => r.state === "at_pharmacy")
        .map((r): b.DispenseRow => {
          const lines = dispenseLines(r.visit);
          return { entry: r.entry, visit: r.visit, token: r.token, name: r.name, doctor_name: r.doctor_name ?? "Dr Aisyah binti Kamal", n_lines: lines.length, n_overridden: lines.filter((l) => l.overrides.length > 0).length, signed_at: at(6) };
        }),
    ),
  openDispense: (visit: string) => {
    const view = visitOf(visit);
    if (!view) return no("not_found");
    return ok<b.DispenseView>({
      visit,
      token: view.token,
      banner: view.banner,
      doctor_name: "Dr Aisyah binti Kamal",
      lines: dispenseLines(visit).map((l, i) => ({
        checked: checked(l, view.banner),
        directions: data.DIRECTIONS[i % data.DIRECTIONS.length] ?? [],
        serial: state.dispensed[visit] ? `PB-${104 + i}` : null,
        job: state.jobs.find((j) => j.id === `${visit}/${l.id}`) ?? null,
        handed_over: state.dispensed[visit] ?? null,
      })),
      dispensed: state.dispensed[visit] ?? null,
      dispensed_twice: false,
    });
  },
  labelPreview: () => ok(LABEL_PNG),
  printLabels: (visit: string, lines: string[]) => {
    const jobs = lines.map((l): b.PrintJobView => ({ id: `${visit}/${l}`, state: "sent", title: dispenseLines(visit).find((x) => x.id === l)?.drug_name ?? "", reprint: 0, at: new Date().toISOString(), reason: null }));
    state.jobs.unshift(...jobs);
    spoil("print_jobs");
    return ok(jobs);
  },
  printJobs: () => ok(state.jobs),
  answerPrint: (job: string, cameOut: boolean) => {
    state.jobs = state.jobs.map((j) => (j.id === job ? { ...j, state: cameOut ? "confirmed" : "failed" } : j));
    spoil("print_jobs");
    return ok(null);
  },
  reprint: (job: string, _reason: string) => {
    const old = state.jobs.find((j) => j.id === job);
    if (old) state.jobs.unshift({ ...old, id: id(state.next++, 8), state: "queued", reprint: old.reprint + 1, at: new Date().toISOString() });
    spoil("print_jobs");
    return ok(null);
  },
  handOver: (input: b.HandOver) => {
    if (!rightPin(input.pin)) return wrongPin();
    state.dispensed[input.visit] = { by: state.session?.name ?? "", at: new Date().toISOString() };
    state.rows = state.rows.map((r) => (r.visit === input.visit ? { ...r, state: "done" } : r));
    spoil("queue", `visit:${input.visit}`);
    return ok(null);
  },
  network: () => ok({ given: state.given, received: state.received, clinics: state.clinics }),
  ownCard: () => ok({ text: "MECARD1-8K2MQ-9TX3R-7VPWD-40HNC-Z6B1E", qr_svg: data.QR_SVG, digits: "4821 0937 5560" }),
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
  status: () => ok(state.status),
  deviceSettings: () => ok(state.settings),
  saveDeviceSettings: (settings: b.DeviceSettings) => {
    state.settings = settings;
    spoil("settings");
    return ok(null);
  },
  microphones: () => ok([{ id: "hw:1", name: "ReSpeaker array (4 ch)" }, { id: "hw:0", name: "Built-in microphone" }]),
  models: () => ok(state.models),
  importModel: () => {
    const model = { ...(state.models[1] as b.ModelChoice), installed: true };
    state.models = state.models.map((m) => (m.id === model.id ? model : m));
    spoil("settings");
    return ok(model);
  },
  setLanguage: () => ok(null),
};

function dispenseLines(visit: string): b.PrescriptionLine[] {
  const view = visitOf(visit);
  if (view && view.lines.length > 0) return view.lines.map((l) => l.line);
  const n = Number(visit.slice(-3));
  const lines = [
    line(n * 10 + 1, PRODUCTS[0] as b.ProductChoice, { units_per_dose: 2, frequency: "every_six_hours", when_needed: true, quantity: 24, indication: "demam / fever" }),
    line(n * 10 + 2, PRODUCTS[4] as b.ProductChoice, { frequency: "once_daily", days: 5, quantity: 5, indication: "selsema / runny nose" }),
  ];
  if (n === 2)
    lines.push(
      line(n * 10 + 3, PRODUCTS[3] as b.ProductChoice, {
        frequency: "once_daily",
        quantity: 6,
        units_per_dose: 2,
        overrides: [{ finding_key: "interaction:azithromycin:loratadine", reason: "Short course; ECG normal in August.", by: id(1, 2), at: at(7) }],
      }),
    );
  return lines;
}

type Commands = typeof made;
/** Each call is noted, and may be told to fail once. */
export const commands = Object.fromEntries(
  Object.entries(made).map(([name, command]) => [
    name,
    (...args: unknown[]) => {
      calls.push({ name, args: structuredClone(args) });
      const failure = failing.get(name);
      if (failure) {
        failing.delete(name);
        return no(failure.code, failure.detail);
      }
      return (command as (...a: unknown[]) => unknown)(...args);
    },
  ]),
) as unknown as Commands;

let timers: ReturnType<typeof setTimeout>[] = [];

/** The levers of tests and of the dev entry. */
export const fake = {
  get state() {
    return state;
  },
  calls,
  callsOf: (name: string) => calls.filter((c) => c.name === name).map((c) => c.args),
  failNext: (name: string, code: b.ErrorCode, detail: Record<string, string> = {}) => failing.set(name, { code, detail }),
  tell,
  reset() {
    for (const timer of timers) clearTimeout(timer);
    timers = [];
    state = begin();
    calls.length = 0;
    failing.clear();
    for (const set of Object.values(listeners)) set.clear();
  },
  scene(name: string) {
    if (name === "first-start" || name === "no-keyring") {
      state.app = { ...state.app, clinics: [], open: null, demo: null, keyring: name === "no-keyring" ? "absent" : "ready" };
    } else if (name === "no-demo") {
      state.app = { ...state.app, demo: null };
    } else if (name === "kit") {
      state.app = { ...state.app, open: null, demo: null, unfinished_setup: "recovery_kit" };
    } else if (name === "model") {
      state.app = { ...state.app, open: null, demo: null, unfinished_setup: "model" };
    } else if (name === "locked-clinic") {
      state.app = { ...state.app, open: null, clinics: [{ tenant: TENANT_A, name: "Klinik Seri Mawar", needs_passphrase: true }] };
    } else if (name === "empty") {
      state.rows = [];
      state.patients = [];
      state.given = [];
      state.received = [];
      state.clinics = [];
      state.audit = [];
      state.jobs = [];
    } else if (name === "battery") {
      state.status = {
        sync: { has_relay: true, connected: false, pending: 3, last_contact: at(34), quarantined: 0, error: "relay_not_reached" },
        power: { state: "battery", on_battery_since: at(2), load_percent: 31, paused: true },
        printer: { address: "tcp://192.168.1.60:9100", waiting: 1, unknown: 1, problem: null },
        scribe: { microphone: null, channels: 0, model: null, demo_model: false },
      };
    } else if (name === "recorded" || name === "signed") {
      const view = visitOf(id(1, 4));
      if (!view) return;
      view.recordings = [{ id: id(1, 6), state: "done", length_ms: 85_840, turns: TURNS.map(turnOf), model: "micro-demo.bin", demo_model: true }];
      view.note = { state: "draft", note: DRAFT.note, saved_at: at(1) };
      view.vitals = { ...DRAFT.vitals, weight: 58, weight_on: data.TODAY };
      view.diagnoses = [{ text: "Upper respiratory tract infection", icd10: "J06.9" }];
      view.lines = [checked(line(1, PRODUCTS[0] as b.ProductChoice, { units_per_dose: 2, frequency: "every_six_hours", when_needed: true, quantity: 24, indication: "fever" }), view.banner)];
      state.banners[view.banner.id] = { ...view.banner, vitals: { ...DRAFT.vitals, weight: 58, weight_on: "2026-11-12" } };
      if (name === "signed") view.note = { state: "signed", note: DRAFT.note, signed_by: "Dr Aisyah binti Kamal", signed_at: at(1), verified: true, addenda: [] };
    }
  },
  signInAs(role: string | null, staff?: string) {
    const face = state.faces.find((f) => (staff ? f.id === staff : f.role === role));
    if (!face) return;
    const clinic = state.app.clinics.find((c) => c.tenant === state.app.open);
    state.session = { staff: face.id, name: face.name, role: face.role, clinic_name: clinic?.name ?? "", tenant: state.app.open ?? "", lock_after_minutes: 10 };
  },
  progress(visit: string, recording: string, change: Partial<b.RecordingProgress>) {
    const r = visitOf(visit)?.recordings.find((x) => x.id === recording);
    if (r) {
      if (change.turn) r.turns.push(change.turn);
      r.state = change.state ?? r.state;
      r.length_ms = change.length_ms ?? r.length_ms;
    }
    tell("recordingProgress", { visit, recording, state: "recording", length_ms: 0, levels: [0], turn: null, partial: null, error: null, ...change });
  },
  play(visit: string, recording: string) {
    TURNS.forEach((turn, i) => {
      timers.push(setTimeout(() => fake.progress(visit, recording, { length_ms: turn[1], levels: [40 + ((i * 13) % 50), 22], partial: turn[4].slice(0, 18), turn: null }), 300 + i * 700));
      timers.push(setTimeout(() => fake.progress(visit, recording, { length_ms: turn[1], levels: [12, 60], turn: turnOf(turn, i) }), 800 + i * 700));
    });
    timers.push(setTimeout(() => fake.finish(visit, recording), 1000 + TURNS.length * 700));
  },
  finish(visit: string, recording: string) {
    for (const timer of timers) clearTimeout(timer);
    const r = visitOf(visit)?.recordings.find((x) => x.id === recording);
    if (r) r.turns = TURNS.map(turnOf);
    fake.progress(visit, recording, { state: "done", length_ms: 85_840, levels: [] });
    spoil(`visit:${visit}`);
  },
};

function turnOf([start_ms, end_ms, speaker, language, text]: (typeof TURNS)[number], i: number): b.Turn {
  return { span: { start_ms, end_ms }, speaker, certainty: i === 5 ? "uncertain" : "certain", language, text };
}
