// The one list of verbs that a window may call, with their signatures. It feeds the commands, the handler and the
// TypeScript bindings (commands.rs), the app's manifest (build.rs), the headless device of the journeys (tests/) and,
// by a test, the capabilities: what is not named here can't be called from a window.
macro_rules! with_verbs {
    ($then:ident) => {
        $then! {
            app_state() -> AppState;
            join_clinic(input: JoinClinic) -> RecoveryKitView;
            join_by_code(input: JoinByCode) -> ();
            recovery_kit() -> RecoveryKitView;
            save_recovery_kit(path: String) -> ();
            restore_clinic(input: RestoreClinic) -> ();
            confirm_recovery_kit(word_index: Vec<u8>, words: Vec<String>) -> ();
            unlock_clinic(tenant: String, passphrase: Option<String>) -> ();
            open_clinic(tenant: String) -> ();
            skip_model() -> ();
            offer_pairing() -> PairingOffer;
            pairing_state() -> PairingState;
            devices() -> Vec<DeviceView>;
            rename_device(device: String, name: String) -> ();
            make_admin(input: MakeAdmin) -> ();
            remove_device(input: RemoveDevice) -> ();
            quarantined() -> Vec<QuarantinedView>;
            review_removed(input: ReviewRemoved) -> ();
            save_unsent(path: String) -> u32;
            take_in_unsent(path: String) -> u32;
            begin_anew(path: String, pin: String) -> u32;
            leave_clinic(unsent: Option<String>, pin: String) -> u32;

            staff_faces() -> Vec<StaffFace>;
            sign_in(staff: StaffId, pin: String) -> SessionView;
            set_pin(staff: StaffId, pin: String) -> SessionView;
            lock() -> ();
            session() -> Option<SessionView>;
            add_staff(input: AddStaff) -> StaffId;

            search_patients(query: String) -> Vec<PatientRow>;
            read_mykad(text: String) -> MyKadReading;
            register_patient(input: CreatePatient) -> PatientId;
            queue_patient(input: QueuePatient) -> Queued;
            register_and_queue(patient: CreatePatient, reason: String, doctor: Option<StaffId>) -> Queued;
            today() -> TodayView;
            set_queue_state(entry: QueueEntryId, state: QueueState) -> ();
            patient_banner(patient: PatientId) -> consult::PatientBanner;

            patient_history(patient: PatientId) -> Vec<consult::PastVisit>;
            open_visit(visit: VisitId) -> VisitView;
            record_allergy(input: RecordAllergy) -> ();
            no_known_allergies(patient: PatientId) -> ();
            save_vitals(visit: VisitId, vitals: Vitals) -> ();
            save_note(visit: VisitId, note: SoapNote) -> Instant;
            save_diagnoses(visit: VisitId, diagnoses: Vec<Diagnosis>) -> ();
            set_sensitivity(visit: VisitId, sensitivity: Vec<Sensitivity>) -> ();
            start_recording(visit: VisitId, source: SoundSource) -> RecordingId;
            stop_recording(recording: RecordingId) -> ();
            resume_transcription(recording: RecordingId) -> ();
            recording_audio(recording: RecordingId, start_ms: u32, end_ms: u32) -> String;
            recordings_of(patient: PatientId) -> Vec<SoundView>;
            fetch_recording(recording: RecordingId) -> ();
            stop_fetching_recording(recording: RecordingId) -> ();
            propose_draft(visit: VisitId) -> DraftProposal;
            search_products(query: String) -> Vec<ProductChoice>;
            check_line(visit: VisitId, line: PrescriptionLine) -> Vec<clinic::Finding>;
            prescribe(input: PrescribeLine) -> clinic::CheckedLine;
            remove_line(visit: VisitId, line: LineId) -> ();
            sign_note(visit: VisitId, pin: String) -> ();
            erase_recording(input: EraseRecording) -> ();
            erasure_preview(patient: PatientId) -> ErasurePreview;
            erase_patient(input: ErasePatient) -> ErasureCount;
            clinic_choices() -> ClinicChoices;
            save_clinic_choices(choices: ClinicChoices) -> ();
            add_addendum(visit: VisitId, text: String, pin: String) -> ();

            conflicts(patient: Option<PatientId>) -> ConflictsView;
            decide_conflict(input: DecideConflict) -> ();
            decide_removed(input: DecideRemoved) -> ();
            take_late_edit(input: TakeLateEdit) -> ();
            leave_late_edit(visit: VisitId, reason: String) -> ();
            reverse_signature(input: Reverse) -> ();
            reverse_dispensing(input: Reverse) -> ();

            dispensing_queue() -> Vec<DispenseRow>;
            open_dispense(visit: VisitId) -> DispenseView;
            label_preview(visit: VisitId, line: LineId) -> String;
            print_labels(visit: VisitId, lines: Vec<LineId>) -> Vec<PrintJobView>;
            print_jobs() -> Vec<PrintJobView>;
            answer_print(job: PrintJobId, came_out: bool) -> ();
            reprint(job: PrintJobId, reason: String) -> ();
            hand_over(input: HandOver) -> ();

            network() -> NetworkView;
            own_card() -> ClinicCardView;
            verify_clinic(card_text: String) -> KnownClinic;
            verify_by_digits(tenant: String, digits: String) -> KnownClinic;
            directory() -> DirectoryView;
            publish_entry(input: EntryView) -> ();
            withdraw_entry() -> ();
            letters() -> LettersView;
            send_letter(input: SendLetter) -> String;
            open_letter(from: String, id: String) -> LetterView;
            record_requests() -> RequestsView;
            ask_for_record(input: AskForRecord) -> String;
            open_answer(request: String) -> String;
            open_request(from: String, id: String) -> RequestView;
            answer_request(input: AnswerRequest) -> String;
            decline_request(from: String, id: String) -> ();
            grant_consent(input: GrantConsent) -> GrantView;
            revoke_consent(grant: String, reason: String) -> ();
            grants_of(patient: PatientId) -> Vec<GrantView>;
            open_shared(grant: String) -> SharedRecordView;
            export_fhir(grant: String) -> String;
            save_fhir(grant: String, path: String) -> ();
            audit(patient: Option<PatientId>) -> Vec<AuditRow>;

            status() -> StatusView;
            device_contacts() -> Vec<DeviceContact>;
            plan() -> PlanView;
            device_settings() -> DeviceSettings;
            save_device_settings(settings: DeviceSettings) -> ();
            microphones() -> Vec<MicrophoneChoice>;
            models() -> Vec<ModelChoice>;
            import_model(path: String) -> ModelChoice;
            cancel_model_import() -> ();
            backup_state() -> BackupView;
            set_backup_folder(folder: String, with_sound: bool) -> ();
            backup_now() -> BackupView;
            set_language(language: String) -> ();
        }
    };
}
