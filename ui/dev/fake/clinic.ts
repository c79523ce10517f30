/** The made-up clinic as it stands when a test begins. */
import type * as b from "../../src/api/bindings.gen";
import * as data from "../people";
import { at, id, TENANT_A, TENANT_B } from "./answer";
import { ALLERGIES } from "./clinical";
import { directory, letters } from "./letters";
import { requests } from "./requests";

export interface State {
  app: b.AppState;
  session: b.SessionView | null;
  /** The owner has a registration number. */
  practises: boolean;
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
  /** There is more of what is given and received than is shown. */
  more: boolean;
  clinics: b.KnownClinic[];
  directory: b.DirectoryView;
  letters: b.LettersView;
  requests: b.RequestsView;
  audit: b.AuditRow[];
  status: b.StatusView;
  settings: b.DeviceSettings;
  models: b.ModelChoice[];
  pairing: b.PairingState;
  devices: b.DeviceView[];
  aside: b.QuarantinedView[];
  matters: b.MatterView[];
  reversed: Record<string, b.ReversedDispensing[]>;
  contacts: b.DeviceContact[];
  plan: b.PlanView;
  choices: b.ClinicChoices;
  erasure: b.ErasurePreview;
  /** Where the sound of a recording is, when it is not here. */
  sounds: Record<string, b.SoundPlace>;
  backup: b.BackupView;
  next: number;
}

export function begin(): State {
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
      undecided: 0,
      undecided_allergies: [],
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
      making_ready: null,
      unfinished_setup: null,
      demo: { pins: data.STAFF.map(([name], i) => ({ tenant: TENANT_A, name, pin: data.PINS[i] ?? "135790" })), consult_wav: "/demo/consult.wav" },
      keyring: "ready",
      crash_report: null,
    },
    session: null,
    practises: true,
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
    more: false,
    directory: directory(),
    letters: letters(),
    requests: requests(),
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
      sync: { has_relay: true, connected: true, pending: 0, sound_pending: 0, last_contact: at(0), quarantined: 0, error: null, lan: { state: "listening", port: 47_800 }, peers: [{ device: "B", found: "announced", connected: true, equal: true, last_contact: at(0) }], conflicts: 0, missing: [], claimed_twice: 0, apart_since: null, apart_warns_minutes: 3, relay_lie: null, to_be_read: 0, n_changes: 4210, arriving: null },
      power: { state: "mains", on_battery_since: null, load_percent: 23, paused: false },
      printer: { address: "tcp://192.168.1.60:9100", waiting: 0, unknown: 0, problem: null },
      scribe: { microphone: "ReSpeaker array", channels: 4, model: "micro-demo.bin", demo_model: true },
      disk_full: false, last_backup: at(600), backup_problem: null, removed: false, is_a_copy: false, damaged: false,
    },
    settings: { printer: "tcp://192.168.1.60:9100", label_size: "60x50", ups: "", microphone: "", model: "micro-demo.bin", label_language: "ms", lan_enabled: true, lan_addresses: [] },
    models: [
      { id: "micro-demo", title: "Demo consult", file: "micro-demo.bin", bytes: 1_400_000, languages: ["en", "ms"], demo: true, installed: true, in_use: true },
      { id: "small-q5_1", title: "Whisper small", file: "ggml-small-q5_1.bin", bytes: 190_085_487, languages: ["en", "ms", "zh", "ta"], demo: false, installed: false, in_use: false },
      { id: "base-q5_1", title: "Whisper base", file: "ggml-base-q5_1.bin", bytes: 59_707_625, languages: ["en", "ms", "zh", "ta"], demo: false, installed: false, in_use: false },
    ],
    pairing: "waiting",
    devices: [
      { id: "0a".repeat(32), letter: "A", name: "Counter", this: true, admin: true, added_at: at(300 * 1440), last_seen: at(0), removed: false },
      { id: "0b".repeat(32), letter: "B", name: "Dr Aisyah's tablet", this: false, admin: false, added_at: at(120 * 1440), last_seen: at(3), removed: false },
      { id: "0c".repeat(32), letter: "C", name: null, this: false, admin: true, added_at: at(90 * 1440), last_seen: at(2 * 1440), removed: false },
      { id: "0d".repeat(32), letter: "D", name: "Old tablet", this: false, admin: false, added_at: at(200 * 1440), last_seen: at(30 * 1440), removed: true },
    ],
    aside: [],
    matters: [],
    choices: { delete_audio_at_sign_off: false },
    sounds: {},
    erasure: { goes: { documents: 1, visits: 0, recordings: 1, facts: 0 }, stays: { documents: 5, visits: 3, recordings: 0, facts: 7 }, kept_until: "2033-11-22", retention_is_over: false, consents_to_end: 0, queue_lines: 1 },
    reversed: {},
    contacts: [
      { letter: "B", name: "Dr Aisyah's tablet", connected: true, met_at: at(0), wrote_at: at(3) },
      { letter: "C", name: null, connected: false, met_at: at(7 * 60), wrote_at: at(2 * 1440) },
    ],
    plan: {
      relay: "relay.rangkaian.example",
      suspended: false,
      without_a_place: false,
      devices: 3,
      usage: {
        as_of: at(4),
        plan: "Klinik kecil",
        trial_until: null,
        trial_over: false,
        limits: [
          { of: "devices", used: 3, limit: 10, level: "fine" },
          { of: "staff", used: 6, limit: 20, level: "fine" },
          { of: "bytes", used: 1_420_000_000, limit: 10_000_000_000, level: "fine" },
          { of: "requests", used: 84_210, limit: null, level: "fine" },
        ],
        refuses_devices: false,
        refuses_attachments: false,
      },
    },
    backup: {
      folder: "/media/usb/backups",
      with_sound: false,
      last: { at: at(600), folder: "/media/usb/backups", file: "medieco-1a2b3c4d-20261121T020000Z.backup", bytes: 42_000_000, sound_missing: 0 },
      problem: null,
      running: false,
    },
    next: 500,
  };
}
