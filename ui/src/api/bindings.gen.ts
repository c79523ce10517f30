// Written by hand in the form of tauri-specta 2.0.0-rc.26 until src-tauri generates it.
import { invoke as TAURI_INVOKE } from "@tauri-apps/api/core";
import * as TAURI_API_EVENT from "@tauri-apps/api/event";

/** user-defined commands **/

export const commands = {
  // set-up
  async appState(): Promise<Result<AppState, Error>> { return run("app_state"); },
  async joinClinic(input: JoinClinic): Promise<Result<RecoveryKitView, Error>> { return run("join_clinic", { input }); },
  async joinByCode(input: JoinByCode): Promise<Result<null, Error>> { return run("join_by_code", { input }); },
  async recoveryKit(): Promise<Result<RecoveryKitView, Error>> { return run("recovery_kit"); },
  async saveRecoveryKit(path: string): Promise<Result<null, Error>> { return run("save_recovery_kit", { path }); },
  async confirmRecoveryKit(wordIndex: number[], words: string[]): Promise<Result<null, Error>> { return run("confirm_recovery_kit", { wordIndex, words }); },
  async unlockClinic(tenant: string, passphrase: string | null): Promise<Result<null, Error>> { return run("unlock_clinic", { tenant, passphrase }); },
  async openClinic(tenant: string): Promise<Result<null, Error>> { return run("open_clinic", { tenant }); },
  async skipModel(): Promise<Result<null, Error>> { return run("skip_model"); },
  async offerPairing(): Promise<Result<PairingOffer, Error>> { return run("offer_pairing"); },
  async pairingState(): Promise<Result<PairingState, Error>> { return run("pairing_state"); },
  // sign-in
  async staffFaces(): Promise<Result<StaffFace[], Error>> { return run("staff_faces"); },
  async signIn(staff: StaffId, pin: string): Promise<Result<SessionView, Error>> { return run("sign_in", { staff, pin }); },
  async setPin(staff: StaffId, pin: string): Promise<Result<SessionView, Error>> { return run("set_pin", { staff, pin }); },
  async lock(): Promise<Result<null, Error>> { return run("lock"); },
  async session(): Promise<Result<SessionView | null, Error>> { return run("session"); },
  async addStaff(input: AddStaff): Promise<Result<StaffId, Error>> { return run("add_staff", { input }); },
  // reception
  async searchPatients(query: string): Promise<Result<PatientRow[], Error>> { return run("search_patients", { query }); },
  async readMykad(text: string): Promise<Result<MyKadReading, Error>> { return run("read_mykad", { text }); },
  async registerPatient(input: CreatePatient): Promise<Result<PatientId, Error>> { return run("register_patient", { input }); },
  async queuePatient(input: QueuePatient): Promise<Result<Queued, Error>> { return run("queue_patient", { input }); },
  async registerAndQueue(patient: CreatePatient, reason: string, doctor: StaffId | null): Promise<Result<Queued, Error>> { return run("register_and_queue", { patient, reason, doctor }); },
  async today(): Promise<Result<TodayView, Error>> { return run("today"); },
  async setQueueState(entry: QueueEntryId, state: QueueState): Promise<Result<null, Error>> { return run("set_queue_state", { entry, state }); },
  async patientBanner(patient: PatientId): Promise<Result<PatientBanner, Error>> { return run("patient_banner", { patient }); },
  // consult
  async openVisit(visit: VisitId): Promise<Result<VisitView, Error>> { return run("open_visit", { visit }); },
  async recordAllergy(input: RecordAllergy): Promise<Result<null, Error>> { return run("record_allergy", { input }); },
  async noKnownAllergies(patient: PatientId): Promise<Result<null, Error>> { return run("no_known_allergies", { patient }); },
  async saveVitals(visit: VisitId, vitals: Vitals): Promise<Result<null, Error>> { return run("save_vitals", { visit, vitals }); },
  async saveNote(visit: VisitId, note: SoapNote): Promise<Result<Instant, Error>> { return run("save_note", { visit, note }); },
  async saveDiagnoses(visit: VisitId, diagnoses: Diagnosis[]): Promise<Result<null, Error>> { return run("save_diagnoses", { visit, diagnoses }); },
  async setSensitivity(visit: VisitId, sensitivity: Sensitivity[]): Promise<Result<null, Error>> { return run("set_sensitivity", { visit, sensitivity }); },
  async startRecording(visit: VisitId, source: SoundSource): Promise<Result<RecordingId, Error>> { return run("start_recording", { visit, source }); },
  async stopRecording(recording: RecordingId): Promise<Result<null, Error>> { return run("stop_recording", { recording }); },
  async resumeTranscription(recording: RecordingId): Promise<Result<null, Error>> { return run("resume_transcription", { recording }); },
  async recordingAudio(recording: RecordingId, startMs: number, endMs: number): Promise<Result<string, Error>> { return run("recording_audio", { recording, startMs, endMs }); },
  async proposeDraft(visit: VisitId): Promise<Result<DraftProposal, Error>> { return run("propose_draft", { visit }); },
  async searchProducts(query: string): Promise<Result<ProductChoice[], Error>> { return run("search_products", { query }); },
  async checkLine(visit: VisitId, line: PrescriptionLine): Promise<Result<Finding[], Error>> { return run("check_line", { visit, line }); },
  async prescribe(input: PrescribeLine): Promise<Result<CheckedLine, Error>> { return run("prescribe", { input }); },
  async removeLine(visit: VisitId, line: LineId): Promise<Result<null, Error>> { return run("remove_line", { visit, line }); },
  async signNote(visit: VisitId, pin: string): Promise<Result<null, Error>> { return run("sign_note", { visit, pin }); },
  async addAddendum(visit: VisitId, text: string, pin: string): Promise<Result<null, Error>> { return run("add_addendum", { visit, text, pin }); },
  // pharmacy
  async dispensingQueue(): Promise<Result<DispenseRow[], Error>> { return run("dispensing_queue"); },
  async openDispense(visit: VisitId): Promise<Result<DispenseView, Error>> { return run("open_dispense", { visit }); },
  async labelPreview(visit: VisitId, line: LineId): Promise<Result<string, Error>> { return run("label_preview", { visit, line }); },
  async printLabels(visit: VisitId, lines: LineId[]): Promise<Result<PrintJobView[], Error>> { return run("print_labels", { visit, lines }); },
  async printJobs(): Promise<Result<PrintJobView[], Error>> { return run("print_jobs"); },
  async answerPrint(job: PrintJobId, cameOut: boolean): Promise<Result<null, Error>> { return run("answer_print", { job, cameOut }); },
  async reprint(job: PrintJobId, reason: string): Promise<Result<null, Error>> { return run("reprint", { job, reason }); },
  async handOver(input: HandOver): Promise<Result<null, Error>> { return run("hand_over", { input }); },
  // sharing
  async network(): Promise<Result<NetworkView, Error>> { return run("network"); },
  async ownCard(): Promise<Result<ClinicCardView, Error>> { return run("own_card"); },
  async verifyClinic(cardText: string): Promise<Result<KnownClinic, Error>> { return run("verify_clinic", { cardText }); },
  async grantConsent(input: GrantConsent): Promise<Result<GrantView, Error>> { return run("grant_consent", { input }); },
  async revokeConsent(grant: string, reason: string): Promise<Result<null, Error>> { return run("revoke_consent", { grant, reason }); },
  async grantsOf(patient: PatientId): Promise<Result<GrantView[], Error>> { return run("grants_of", { patient }); },
  async openShared(grant: string): Promise<Result<SharedRecordView, Error>> { return run("open_shared", { grant }); },
  async exportFhir(grant: string): Promise<Result<string, Error>> { return run("export_fhir", { grant }); },
  async saveFhir(grant: string, path: string): Promise<Result<null, Error>> { return run("save_fhir", { grant, path }); },
  async audit(patient: PatientId | null): Promise<Result<AuditRow[], Error>> { return run("audit", { patient }); },
  // status
  async status(): Promise<Result<StatusView, Error>> { return run("status"); },
  async deviceSettings(): Promise<Result<DeviceSettings, Error>> { return run("device_settings"); },
  async saveDeviceSettings(settings: DeviceSettings): Promise<Result<null, Error>> { return run("save_device_settings", { settings }); },
  async microphones(): Promise<Result<MicrophoneChoice[], Error>> { return run("microphones"); },
  async models(): Promise<Result<ModelChoice[], Error>> { return run("models"); },
  async importModel(path: string): Promise<Result<ModelChoice, Error>> { return run("import_model", { path }); },
  async setLanguage(language: string): Promise<Result<null, Error>> { return run("set_language", { language }); },
};

/** user-defined events **/

export const events = __makeEvents__<{
  spoiled: Spoiled;
  recordingProgress: RecordingProgress;
  statusChanged: StatusView;
}>({
  spoiled: "spoiled",
  recordingProgress: "recording-progress",
  statusChanged: "status-changed",
});

/** user-defined types **/

export type Error = { code: ErrorCode; detail: { [key in string]: string } };
export type ErrorCode = string;
export type PatientId = string;
export type VisitId = string;
export type AllergyId = string;
export type LineId = string;
export type StaffId = string;
export type RecordingId = string;
export type QueueEntryId = string;
export type PrintJobId = string;
export type Instant = string;
export type Day = string;
export type MyKad = string;
export type Token = string;
export type Milligrams = number;
export type Kilograms = number;
export type Celsius = number;
export type MillimetresOfMercury = number;

export type Sex = "female" | "male" | "unknown";
export type Role = "owner" | "admin" | "doctor" | "pharmacist" | "receptionist";
export type Severity = "unknown" | "mild" | "moderate" | "severe" | "anaphylaxis";
export type AllergyVerification = "patient_reported" | "verified";
export type MyKadWarning = "no_such_date" | "date_in_future" | "unassigned_birthplace" | "unusual_check_digit";
export type QueueState = "waiting" | "called" | "in_consult" | "at_pharmacy" | "done" | "left";
export type Sensitivity = "mental_health" | "sexual_health" | "reproductive";
export type NoteSection = "subjective" | "objective" | "assessment" | "plan";
export type Route = "oral" | "topical" | "inhaled" | "eye" | "injection";
export type Frequency = "once_daily" | "at_night" | "twice_daily" | "three_times_daily" | "four_times_daily" | "every_six_hours" | "every_eight_hours";
export type Category = "encounters" | "allergies" | "prescriptions" | "audio";
export type AccessMode = "view" | "keep";
export type Purpose = "treatment";
export type ConsentLanguage = "en" | "ms";
export type Speaker = "doctor" | "patient" | "unknown";
export type Certainty = "certain" | "uncertain";
export type MatchReason = "name" | "identifier" | "phone";
export type KeyringState = "ready" | "locked" | "absent";
export type SetupStep = "recovery_kit" | "model";
export type RecordingState = "recording" | "transcribing" | "postponed" | "done" | "interrupted" | "failed";
export type PrintState = "queued" | "sending" | "sent" | "confirmed" | "failed" | "unknown";
export type GrantState = "active" | "not_yet" | "expired" | "revoked";
export type PowerCode = "not_set" | "mains" | "battery" | "low" | "degraded" | "unknown" | "battery_fault";
export type PairingState = "waiting" | "done" | "failed";
export type Level = "serious" | "caution" | "note";
export type FindingKind = "allergy" | "allergy_not_asked" | "interaction" | "duplicate" | "dose" | "halal" | "not_checked";

export type Address = { lines: string; postcode: string; town: string; state: string };
export type Identifier =
  | { kind: "my_kad"; number: MyKad }
  | { kind: "passport"; country: string; number: string }
  | { kind: "other"; paper: string; number: string }
  | { kind: "none" };
export type Allergy = { id: AllergyId; substance: string; substance_key: string | null; reaction: string; severity: Severity; verification: AllergyVerification; recorded_at: Instant; recorded_by: StaffId };
export type AllergyStatus = { status: "not_asked" } | { status: "none_known"; asked_on: Day } | { status: "known"; allergies: Allergy[] };
export type Span = { start_ms: number; end_ms: number };
export type NoteSentence = { text: string; source: Span | null };
export type SoapNote = { subjective: NoteSentence[]; objective: NoteSentence[]; assessment: NoteSentence[]; plan: NoteSentence[] };
export type Diagnosis = { text: string; icd10: string | null };
export type Vitals = { temperature: Celsius | null; systolic: MillimetresOfMercury | null; diastolic: MillimetresOfMercury | null; weight: Kilograms | null; weight_on: Day | null };
export type Override = { finding_key: string; reason: string; by: StaffId; at: Instant };
export type PrescriptionLine = { id: LineId; drug_key: string; drug_name: string; strength: Milligrams; unit: string; units_per_dose: number; route: Route; frequency: Frequency; when_needed: boolean; days: number; quantity: number; indication: string; advice: string; overrides: Override[] };
export type Turn = { span: Span; speaker: Speaker; certainty: Certainty; language: string | null; text: string };
export type ConsentEvidence = { form_version: string; language: ConsentLanguage; signature_svg: string; witness: string; guardian: string | null; signed_at: Instant };
export type ShareTerms = { categories: Category[]; data_from: Day | null; data_to: Day | null; sensitive: Sensitivity[]; mode: AccessMode; purpose: Purpose; until: Day; erase_at: Day; onward: boolean };

export type AppState = { version: string; clinics: ClinicOnDevice[]; open: string | null; unfinished_setup: SetupStep | null; demo: Demo | null; keyring: KeyringState; crash_report: string | null };
export type ClinicOnDevice = { tenant: string; name: string; needs_passphrase: boolean };
export type Demo = { pins: DemoPin[]; consult_wav: string };
export type DemoPin = { tenant: string; name: string; pin: string };
export type Protection = { kind: "keyring" } | { kind: "passphrase"; passphrase: string };
export type JoinClinic = { invitation: string; clinic_name: string; address: Address; phone: string; owner_name: string; owner_registration: string; pin: string; protection: Protection };
export type JoinByCode = { relay: string; code: string; protection: Protection };
export type PairingOffer = { code: string; relay: string; qr_svg: string; expires_at: Instant };
export type RecoveryKitView = { clinic_name: string; tenant: string; words: string[] };
export type StaffFace = { id: StaffId; name: string; role: Role; has_pin_here: boolean; wait_ms: number };
export type SessionView = { staff: StaffId; name: string; role: Role; clinic_name: string; tenant: string; lock_after_minutes: number };
export type AddStaff = { name: string; role: Role; registration: string; pin: string | null };

export type PatientRow = { id: PatientId; name: string; identifier_tail: string; age_years: number | null; sex: Sex; matched: MatchReason };
export type MyKadReading = { formatted: string; birth_date: Day | null; sex: Sex; warnings: MyKadWarning[]; existing: PatientRow | null };
export type CreatePatient = { name: string; identifier: Identifier; birth_date: Day | null; sex: Sex; phone: string; address: Address };
export type QueuePatient = { patient: PatientId; reason: string; doctor: StaffId | null };
export type Queued = { entry: QueueEntryId; patient: PatientId; visit: VisitId; token: Token };
export type QueueRow = { entry: QueueEntryId; token: Token; visit: VisitId; patient: PatientId; name: string; age_years: number | null; sex: Sex; reason: string; doctor: StaffId | null; doctor_name: string | null; state: QueueState; arrived_at: Instant };
export type TodayView = { day: Day; rows: QueueRow[]; doctors: DoctorChoice[] };
export type DoctorChoice = { id: StaffId; name: string };

export type PatientBanner = { id: PatientId; name: string; identifier: string; birth_date: Day | null; age_years: number | null; age_months: number | null; sex: Sex; allergies: AllergyStatus; vitals: Vitals };
export type NoteState =
  | { state: "draft"; note: SoapNote; saved_at: Instant | null }
  | { state: "signed"; note: SoapNote; signed_by: string; signed_at: Instant; verified: boolean; addenda: Addendum[] };
export type Addendum = { text: string; by: string; at: Instant };
export type VisitView = { visit: VisitId; token: Token; day: Day; reason: string; state: QueueState; banner: PatientBanner; past_visits: PastVisit[]; note: NoteState; diagnoses: Diagnosis[]; sensitivity: Sensitivity[]; lines: CheckedLine[]; vitals: Vitals; recordings: RecordingView[]; shared: SharedSummary[] };
export type PastVisit = { visit: VisitId; day: Day; summary: string; medicines: string[] };
export type RecordingView = { id: RecordingId; state: RecordingState; length_ms: number; turns: Turn[]; model: string | null; demo_model: boolean };
export type SoundSource = { kind: "microphone"; device: string | null } | { kind: "wav"; path: string; fast: boolean };
export type RecordingProgress = { visit: VisitId; recording: RecordingId; state: RecordingState; length_ms: number; levels: number[]; turn: Turn | null; partial: string | null; error: string | null };
export type DraftProposal = { note: SoapNote; vitals: Vitals; allergies: MentionedAllergy[] };
export type MentionedAllergy = { substance: string; reaction: string; span: Span };
export type RecordAllergy = { patient: PatientId; substance: string; reaction: string; severity: Severity };
export type PrescribeLine = { visit: VisitId; line: PrescriptionLine; reasons: OverrideReason[] };
export type OverrideReason = { finding_key: string; reason: string };
export type Finding = { key: string; kind: FindingKind; level: Level; title_code: string; params: { [key in string]: string }; needs_reason: boolean; source: string; edition: string };
export type CheckedLine = { line: PrescriptionLine; findings: Finding[]; open: string[] };

export type DispenseRow = { entry: QueueEntryId; visit: VisitId; token: Token; name: string; doctor_name: string; n_lines: number; n_overridden: number; signed_at: Instant };
export type DispenseView = { visit: VisitId; token: Token; banner: PatientBanner; doctor_name: string; lines: DispenseLine[]; dispensed: Dispensed | null; dispensed_twice: boolean };
export type DispenseLine = { checked: CheckedLine; directions: string[]; serial: string | null; job: PrintJobView | null };
export type Dispensed = { by: string; at: Instant };
export type PrintJobView = { id: PrintJobId; state: PrintState; title: string; reprint: number; at: Instant; reason: string | null };
export type HandOver = { visit: VisitId; lines: LineId[]; pin: string };
export type ProductChoice = { key: string; name: string; strength_mg: number; unit: string; route: Route; halal: string; poison_group: string };

export type KnownClinic = { tenant: string; name: string; verified: boolean };
export type ClinicCardView = { text: string; qr_svg: string; digits: string };
export type GrantConsent = { patient: PatientId; clinic: string; terms: ShareTerms; evidence: ConsentEvidence };
export type GrantView = { id: string; patient: PatientId; patient_name: string; clinic_name: string; terms: ShareTerms; state: GrantState; granted_at: Instant; revoked_at: Instant | null; delivered: boolean; n_releases: number };
export type SharedSummary = { grant: string; clinic_name: string; patient_name: string; identifier: string; categories: Category[]; withheld: Category[]; as_of: Instant; n_entries: number; matched_patient: PatientId | null };
export type SharedRecordView = { summary: SharedSummary; record: SharedRecord };
export type NetworkView = { given: GrantView[]; received: SharedSummary[]; clinics: KnownClinic[] };
export type AuditRow = { at: Instant; who: string; action: string; permitted: boolean; reason: string | null; patient: PatientId | null; patient_name: string | null; grant: string | null; request: string | null; from_relay: boolean };

export type Shared<T> = { state: "given"; value: T } | { state: "withheld" } | { state: "unavailable" };
export type IdentityCard = { name: string; identifier: Identifier; birth_date: Day | null; sex: Sex };
export type SourceClinic = { id: string; name: string; address: string; phone: string };
export type Author = { name: string; registration: string };
export type SharedNote = { subjective: string[]; objective: string[]; assessment: string[]; plan: string[] };
export type SharedVisit = { id: string; started_at: Instant; signed_at: Instant; author: Author; note: SharedNote; diagnoses: Diagnosis[]; vitals: Vitals; sensitivity: Sensitivity[] };
export type SharedDispensing = { id: string; at: Instant; by: Author; quantity: number };
export type SharedMedicine = { id: string; visit: string; line: PrescriptionLine; directions: string; prescribed_at: Instant; prescriber: Author; dispensed: SharedDispensing[]; sensitivity: Sensitivity[] };
export type SharedRecording = { id: string; visit: string; recorded_at: Instant; duration_ms: number; transcript: Turn[]; sensitivity: Sensitivity[] };
export type SharedRecord = { card: IdentityCard; as_of: Instant; source: SourceClinic; onward: boolean; encounters: Shared<SharedVisit[]>; allergies: Shared<AllergyStatus>; prescriptions: Shared<SharedMedicine[]>; recordings: Shared<SharedRecording[]> };

export type StatusView = { sync: SyncHealth; power: PowerView; printer: PrinterView; scribe: ScribeView };
export type SyncHealth = { has_relay: boolean; connected: boolean; pending: number; last_contact: Instant | null; quarantined: number; error: string | null };
export type PowerView = { state: PowerCode; on_battery_since: Instant | null; load_percent: number | null; paused: boolean };
export type PrinterView = { address: string | null; waiting: number; unknown: number; problem: string | null };
export type ScribeView = { microphone: string | null; channels: number; model: string | null; demo_model: boolean };
export type DeviceSettings = { printer: string; label_size: string; ups: string; microphone: string; model: string; label_language: string };
export type MicrophoneChoice = { id: string; name: string };
export type ModelChoice = { id: string; title: string; file: string; bytes: number; languages: string[]; demo: boolean; installed: boolean; in_use: boolean };
export type Spoiled = { tags: string[] };

/** tauri-specta globals **/

export type Result<T, E> = { status: "ok"; data: T } | { status: "error"; error: E };

async function run<T>(command: string, args?: Record<string, unknown>): Promise<Result<T, Error>> {
  try {
    return { status: "ok", data: await TAURI_INVOKE<T>(command, args) };
  } catch (e) {
    if (e instanceof globalThis.Error) throw e;
    return { status: "error", error: e as Error };
  }
}

type __EventObj__<T> = {
  listen: (cb: TAURI_API_EVENT.EventCallback<T>) => ReturnType<typeof TAURI_API_EVENT.listen<T>>;
};

function __makeEvents__<T extends Record<string, unknown>>(mappings: Record<keyof T, string>) {
  const made = {} as { [K in keyof T]: __EventObj__<T[K]> };
  for (const key of Object.keys(mappings) as (keyof T)[]) {
    made[key] = { listen: (cb) => TAURI_API_EVENT.listen(mappings[key], cb) } as __EventObj__<T[typeof key]>;
  }
  return made;
}
