use clinic::{
    Desk, ErrorCode,
    views::{
        consult::{OverrideReason, PrescribeLine, RecordAllergy},
        pharmacy::{HandOver, PrintState},
        reception::Queued,
        status::DeviceSettings,
    },
};
use domain::{LineId, QueueState, Severity};
use testkit::{PrinterMode, VirtualPrinter};

use crate::support::{Net, PATIENCE, PIN, Place, line, product, refused};

fn settings(printer: &str) -> DeviceSettings {
    DeviceSettings {
        printer: printer.to_owned(),
        label_size: "60x50".to_owned(),
        ups: String::new(),
        microphone: String::new(),
        model: String::new(),
        label_language: "ms".to_owned(),
        lan_enabled: true,
        lan_addresses: Vec::new(),
    }
}

/// A signed prescription of one medicine.
fn prescribed(net: &Net, printer: &str) -> (Place, Queued, LineId) {
    let place = Place::founded(net, 1, "Klinik Seri Mawar");
    place.desk.save_device_settings(settings(printer)).unwrap();
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    place.desk.no_known_allergies(queued.patient).unwrap();
    let line = line(&product(&place.desk, "paracetamol"), 1);
    let id = line.id;
    place.signed_visit(&queued, Some(line));
    (place, queued, id)
}

fn hand_over(desk: &Desk, queued: &Queued, line: LineId) -> Result<(), clinic::Error> {
    hand_over_with(desk, queued, vec![line], Vec::new())
}

fn hand_over_with(
    desk: &Desk,
    queued: &Queued,
    lines: Vec<LineId>,
    reasons: Vec<OverrideReason>,
) -> Result<(), clinic::Error> {
    desk.hand_over(HandOver {
        visit: queued.visit,
        lines,
        reasons,
        pin: PIN.to_owned(),
    })
}

fn state_of(desk: &Desk) -> PrintState {
    desk.print_jobs().unwrap()[0].state
}

#[test]
fn a_label_is_printed_and_the_medicine_handed_over() {
    let net = Net::start();
    let folder = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::start(folder.path(), PrinterMode::Normal).unwrap();
    let (place, queued, line) = prescribed(&net, &printer.url());
    assert_eq!(place.desk.dispensing_queue().unwrap()[0].visit, queued.visit);
    assert!(place.desk.label_preview(queued.visit, line).unwrap().len() > 1000);
    assert_eq!(
        refused(hand_over(&place.desk, &queued, line), ErrorCode::NotNow).detail["why"],
        "label"
    );

    let jobs = place.desk.print_labels(queued.visit, vec![line]).unwrap();
    assert!(jobs[0].title.to_lowercase().contains("paracetamol"));
    assert_eq!(printer.wait_for_labels(1, PATIENCE).len(), 1);
    place.wait_until("the printer confirmed it", |desk| {
        state_of(desk) == PrintState::Confirmed
    });
    place.desk.print_labels(queued.visit, vec![line]).unwrap();

    hand_over(&place.desk, &queued, line).unwrap();
    let view = place.desk.open_dispense(queued.visit).unwrap();
    assert!(view.dispensed.is_some() && !view.dispensed_twice);
    assert!(view.lines[0].serial.is_some() && view.lines[0].handed_over.is_some());
    assert_eq!(place.desk.today().unwrap().rows[0].state, QueueState::Done);
    assert!(place.desk.dispensing_queue().unwrap().is_empty());
    refused(hand_over(&place.desk, &queued, line), ErrorCode::AlreadyDispensed);
    assert_eq!(printer.labels().len(), 1, "asked twice, printed once");
}

#[test]
fn a_printer_that_is_switched_off_loses_nothing_and_holds_nobody_up() {
    let net = Net::start();
    let folder = tempfile::tempdir().unwrap();
    let off = VirtualPrinter::start(folder.path(), PrinterMode::Refuses).unwrap();
    let (place, queued, line) = prescribed(&net, &off.url());
    place.desk.print_labels(queued.visit, vec![line]).unwrap();
    place.wait_until("the job has failed", |desk| state_of(desk) == PrintState::Failed);
    assert_eq!(place.desk.print_jobs().unwrap()[0].reason.as_deref(), Some("not_there"));
    assert_eq!(
        place.desk.status().unwrap().printer.problem.as_deref(),
        Some("not_there")
    );

    // Another printer takes its place: the label that waited comes out there, at once.
    let printer = VirtualPrinter::start(folder.path(), PrinterMode::Normal).unwrap();
    place.desk.save_device_settings(settings(&printer.url())).unwrap();
    place.wait_until("it was printed", |desk| state_of(desk) == PrintState::Confirmed);
    assert_eq!(printer.labels().len(), 1);
}

#[test]
fn nobody_knows_whether_it_came_out_until_a_person_says_so() {
    let net = Net::start();
    let folder = tempfile::tempdir().unwrap();
    let printer = VirtualPrinter::start(folder.path(), PrinterMode::DropsAfter(2000)).unwrap();
    let (place, queued, line) = prescribed(&net, &printer.url());
    let job = place.desk.print_labels(queued.visit, vec![line]).unwrap()[0].id;
    place.wait_until("nobody knows", |desk| state_of(desk) == PrintState::Unknown);
    assert_eq!(place.desk.status().unwrap().printer.unknown, 1);

    printer.set_mode(PrinterMode::Normal);
    place.clock.step_ms(60_000);
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    assert_eq!(
        state_of(&place.desk),
        PrintState::Unknown,
        "nothing prints twice unasked"
    );

    place.desk.answer_print(job, false).unwrap();
    refused(place.desk.answer_print(job, true), ErrorCode::NotNow);
    assert_eq!(
        refused(hand_over(&place.desk, &queued, line), ErrorCode::NotNow).detail["why"],
        "label"
    );
    assert_eq!(
        refused(place.desk.reprint(job, " ".to_owned()), ErrorCode::Invalid).detail["field"],
        "reason"
    );
    place.desk.reprint(job, "torn".to_owned()).unwrap();
    place.wait_until("the reprint came out", |desk| state_of(desk) == PrintState::Confirmed);
    assert_eq!(place.desk.print_jobs().unwrap()[0].reprint, 1);
    hand_over(&place.desk, &queued, line).unwrap();
    let audit = place.desk.audit(Some(queued.patient)).unwrap();
    assert!(
        audit
            .iter()
            .any(|row| row.action == "label.reprinted" && row.reason.as_deref() == Some("torn"))
    );
}

/// Two medicines are signed for; then the pharmacist, who is signed in, hears of an allergy to the first.
fn allergy_after_signing(net: &Net) -> (Place, Queued, [LineId; 2]) {
    let place = Place::founded(net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah", "850101135029");
    place.desk.no_known_allergies(queued.patient).unwrap();
    let [penicillin, harmless] =
        [("amoxicillin", 1), ("paracetamol", 2)].map(|(typed, number)| line(&product(&place.desk, typed), number));
    let ids = [penicillin.id, harmless.id];
    let also = PrescribeLine {
        visit: queued.visit,
        line: harmless,
        reasons: Vec::new(),
    };
    place.desk.prescribe(also).unwrap();
    place.signed_visit(&queued, Some(penicillin));
    let pharmacist = place.colleague(domain::Role::Pharmacist);
    place.sign_in(pharmacist);
    let input = RecordAllergy {
        patient: queued.patient,
        substance: "penicillin".to_owned(),
        reaction: String::new(),
        severity: Severity::Severe,
    };
    place.desk.record_allergy(input).unwrap();
    (place, queued, ids)
}

#[test]
fn what_came_up_since_the_signature_is_not_handed_over_without_a_reason() {
    let net = Net::start();
    let (place, queued, [penicillin, harmless]) = allergy_after_signing(&net);
    let open = place.desk.open_dispense(queued.visit).unwrap().lines[0]
        .checked
        .open
        .clone();
    let error = refused(hand_over(&place.desk, &queued, penicillin), ErrorCode::ReasonNeeded);
    assert_eq!(error.detail["keys"], open.join(","));
    let with = |key: &str, reason: &str| {
        let reason = OverrideReason {
            finding_key: key.to_owned(),
            reason: reason.to_owned(),
        };
        hand_over_with(&place.desk, &queued, vec![penicillin], vec![reason])
    };
    refused(with(&open[0], "  "), ErrorCode::ReasonNeeded);
    refused(with("another_alert", "tolerated before"), ErrorCode::ReasonNeeded);
    assert!(
        place.desk.open_dispense(queued.visit).unwrap().lines[0]
            .handed_over
            .is_none()
    );
    hand_over(&place.desk, &queued, harmless).unwrap();
}

#[test]
fn a_reason_given_at_the_counter_is_audited_shown_and_signed_by_who_gave_it() {
    let net = Net::start();
    let (place, queued, [penicillin, harmless]) = allergy_after_signing(&net);
    let view = place.desk.open_dispense(queued.visit).unwrap();
    let keys = view.lines.iter().flat_map(|line| line.checked.open.clone());
    let mut reasons: Vec<OverrideReason> = keys
        .map(|finding_key| OverrideReason {
            finding_key,
            reason: " Had it in May without any harm; the doctor agrees. ".to_owned(),
        })
        .collect();
    let asked = reasons.len();
    reasons.push(OverrideReason {
        finding_key: "nobody_asked".to_owned(),
        reason: "x".to_owned(),
    });
    assert!(asked > 0);
    hand_over_with(&place.desk, &queued, vec![penicillin, harmless], reasons).unwrap();

    let view = place.desk.open_dispense(queued.visit).unwrap();
    assert!(view.dispensed.is_some());
    let checked = &view.lines[0].checked;
    assert!(checked.open.is_empty() && !checked.findings.is_empty());
    assert_eq!(checked.line.overrides.len(), asked);
    assert_eq!(
        checked.line.overrides[0].reason,
        "Had it in May without any harm; the doctor agrees."
    );
    let pharmacist = place.desk.session().unwrap().unwrap();
    assert_eq!(checked.line.overrides[0].by, pharmacist.staff);

    place.sign_in(place.owner());
    let audit = place.desk.audit(Some(queued.patient)).unwrap();
    let overridden: Vec<_> = audit.iter().filter(|row| row.action == "alert.overridden").collect();
    assert_eq!(overridden.len(), asked);
    assert_eq!(overridden[0].who, pharmacist.name);
    assert!(overridden[0].reason.as_deref().unwrap().contains("May"));
}

#[test]
fn an_unsigned_prescription_is_nobodys_to_dispense() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah", "850101135029");
    refused(place.desk.open_dispense(queued.visit), ErrorCode::NotSignedYet);
    refused(
        hand_over(&place.desk, &queued, line("x", 1).id),
        ErrorCode::NotSignedYet,
    );
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let field =
        |settings| refused(place.desk.save_device_settings(settings), ErrorCode::Invalid).detail["field"].clone();
    assert_eq!(field(settings("gopher://x")), "printer");
    assert_eq!(
        field(DeviceSettings {
            label_size: "A4".to_owned(),
            ..settings("")
        }),
        "label_size"
    );
    assert_eq!(
        field(DeviceSettings {
            label_language: "xx".to_owned(),
            ..settings("")
        }),
        "label_language"
    );
    let queued = place.queued("Nur Aisyah", "850101135029");
    refused(place.desk.print_labels(queued.visit, Vec::new()), ErrorCode::NoPrinter);
}

#[test]
fn who_was_seen_before_midnight_still_gets_her_medicines_after_it() {
    let net = Net::start();
    let (place, queued, _) = prescribed(&net, "");
    place.clock.step_ms(24 * 60 * 60 * 1000);
    assert!(place.desk.today().unwrap().rows.is_empty());
    assert_eq!(place.desk.dispensing_queue().unwrap()[0].visit, queued.visit);
}
