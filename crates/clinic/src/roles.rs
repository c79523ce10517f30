//! Who may do what: role × verb, in one table. What is not in it is refused.
//!
//! Roles bind the verbs, not the cryptography (DESIGN, "Honest limits"): every full device can read all of its clinic.

use domain::{Role, Staff};

/// Everything that somebody has to be signed in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the verb of the same name")]
pub enum Verb {
    OfferPairing,
    SeeDevices,
    ChangeDevices,
    AddStaff,
    SearchPatients,
    RegisterPatient,
    QueuePatient,
    SeeToday,
    SetQueueState,
    SeeBanner,
    OpenVisit,
    RecordAllergy,
    SaveVitals,
    WriteNote,
    Record,
    ListenAgain,
    SeeRecordings,
    Prescribe,
    SignNote,
    SearchProducts,
    SeeDispensing,
    PrintLabels,
    HandOver,
    SeeSharing,
    SeeDirectory,
    EditDirectory,
    ReadLetters,
    WriteLetter,
    AskForRecord,
    SeeRequests,
    AnswerRequest,
    VerifyClinic,
    GrantConsent,
    RevokeConsent,
    OpenShared,
    ExportShared,
    SeeAudit,
    ChangeDevice,
    SeeDevice,
    ChangeClinic,
    EraseRecording,
    ErasePatient,
    SeeConflicts,
    DecideClinical,
    DecideIdentity,
    ReverseDispensing,
}

impl Verb {
    /// All of them, for the table's test.
    pub const ALL: &[Verb] = &[
        Verb::OfferPairing,
        Verb::SeeDevices,
        Verb::ChangeDevices,
        Verb::AddStaff,
        Verb::SearchPatients,
        Verb::RegisterPatient,
        Verb::QueuePatient,
        Verb::SeeToday,
        Verb::SetQueueState,
        Verb::SeeBanner,
        Verb::OpenVisit,
        Verb::RecordAllergy,
        Verb::SaveVitals,
        Verb::WriteNote,
        Verb::Record,
        Verb::ListenAgain,
        Verb::SeeRecordings,
        Verb::Prescribe,
        Verb::SignNote,
        Verb::SearchProducts,
        Verb::SeeDispensing,
        Verb::PrintLabels,
        Verb::HandOver,
        Verb::SeeSharing,
        Verb::SeeDirectory,
        Verb::EditDirectory,
        Verb::ReadLetters,
        Verb::WriteLetter,
        Verb::AskForRecord,
        Verb::SeeRequests,
        Verb::AnswerRequest,
        Verb::VerifyClinic,
        Verb::GrantConsent,
        Verb::RevokeConsent,
        Verb::OpenShared,
        Verb::ExportShared,
        Verb::SeeAudit,
        Verb::ChangeDevice,
        Verb::SeeDevice,
        Verb::ChangeClinic,
        Verb::EraseRecording,
        Verb::ErasePatient,
        Verb::SeeConflicts,
        Verb::DecideClinical,
        Verb::DecideIdentity,
        Verb::ReverseDispensing,
    ];
}

/// Whether `staff` may do `verb`.
///
/// An owner may what an admin may; who practises may what a doctor may.
pub fn may(staff: &Staff, verb: Verb) -> bool {
    !staff.left && (role_may(staff.role, verb) || (practises(staff) && role_may(Role::Doctor, verb)))
}

/// Whether `staff` may what a doctor may: a doctor does, and an owner with a registration number.
pub fn practises(staff: &Staff) -> bool {
    let registered_owner = staff.role == Role::Owner && !staff.registration.trim().is_empty();
    !staff.left && (staff.role == Role::Doctor || registered_owner)
}

fn role_may(role: Role, verb: Verb) -> bool {
    use Role::{Admin, Doctor, Owner, Pharmacist, Receptionist};
    let allowed: &[Role] = match verb {
        Verb::OfferPairing | Verb::SeeDevices | Verb::ChangeDevices => &[Owner, Admin],
        Verb::AddStaff | Verb::ChangeDevice => &[Owner, Admin],
        Verb::ChangeClinic | Verb::ErasePatient => &[Owner, Admin],
        Verb::SeeRecordings | Verb::EraseRecording => &[Owner, Admin, Doctor],
        Verb::SeeDevice | Verb::SeeToday => &[Owner, Admin, Doctor, Pharmacist, Receptionist],
        Verb::SearchPatients | Verb::SeeBanner => &[Owner, Admin, Doctor, Pharmacist, Receptionist],
        Verb::RegisterPatient | Verb::QueuePatient => &[Owner, Admin, Doctor, Receptionist],
        Verb::SetQueueState => &[Doctor, Pharmacist, Receptionist],
        Verb::OpenVisit | Verb::WriteNote | Verb::Record | Verb::ListenAgain => &[Doctor],
        Verb::Prescribe | Verb::SignNote => &[Doctor],
        Verb::RecordAllergy | Verb::SaveVitals | Verb::SearchProducts => &[Doctor, Pharmacist],
        Verb::SeeDispensing | Verb::PrintLabels | Verb::HandOver => &[Doctor, Pharmacist],
        Verb::SeeConflicts => &[Owner, Admin, Doctor, Pharmacist, Receptionist],
        Verb::DecideClinical => &[Doctor],
        Verb::DecideIdentity => &[Owner, Admin, Doctor, Receptionist],
        Verb::ReverseDispensing => &[Doctor, Pharmacist],
        Verb::GrantConsent => &[Doctor, Receptionist],
        Verb::SeeDirectory => &[Owner, Admin, Doctor, Pharmacist, Receptionist],
        Verb::EditDirectory => &[Owner, Admin],
        Verb::ReadLetters | Verb::WriteLetter => &[Doctor],
        Verb::AskForRecord | Verb::SeeRequests | Verb::AnswerRequest => &[Doctor],
        Verb::RevokeConsent | Verb::SeeSharing => &[Owner, Admin, Doctor, Receptionist],
        Verb::VerifyClinic | Verb::SeeAudit => &[Owner, Admin, Doctor],
        Verb::OpenShared | Verb::ExportShared => &[Doctor],
    };
    allowed.contains(&role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::StaffId;

    fn one(role: Role, registration: &str) -> Staff {
        let id = StaffId::from_bytes([1; 16]);
        Staff {
            id,
            name: String::new(),
            role,
            registration: registration.to_owned(),
            left: false,
        }
    }

    #[test]
    fn only_those_who_practise_sign_and_prescribe() {
        for verb in [
            Verb::SignNote,
            Verb::Prescribe,
            Verb::WriteNote,
            Verb::Record,
            Verb::OpenShared,
            Verb::DecideClinical,
            Verb::ReadLetters,
            Verb::WriteLetter,
            Verb::AskForRecord,
            Verb::AnswerRequest,
        ] {
            assert!(may(&one(Role::Doctor, "MMC 1"), verb));
            assert!(may(&one(Role::Owner, "MMC 1"), verb));
            for role in [Role::Owner, Role::Admin, Role::Pharmacist, Role::Receptionist] {
                assert!(!may(&one(role, ""), verb), "{role:?} {verb:?}");
            }
            assert!(!may(&one(Role::Admin, "MMC 1"), verb), "a number alone makes no doctor");
        }
    }

    #[test]
    fn who_practises_is_exactly_who_may_sign() {
        for role in [
            Role::Owner,
            Role::Admin,
            Role::Doctor,
            Role::Pharmacist,
            Role::Receptionist,
        ] {
            for registration in ["", " ", "MMC 1"] {
                let staff = one(role, registration);
                assert_eq!(
                    practises(&staff),
                    may(&staff, Verb::SignNote),
                    "{role:?} {registration:?}"
                );
            }
        }
    }

    #[test]
    fn the_counter_reads_no_note_and_hands_nothing_over() {
        for verb in [
            Verb::OpenVisit,
            Verb::HandOver,
            Verb::PrintLabels,
            Verb::SeeAudit,
            Verb::AddStaff,
            Verb::DecideClinical,
            Verb::ReverseDispensing,
        ] {
            assert!(!may(&one(Role::Receptionist, ""), verb), "{verb:?}");
        }
    }

    #[test]
    fn who_has_left_may_nothing() {
        for role in [
            Role::Owner,
            Role::Admin,
            Role::Doctor,
            Role::Pharmacist,
            Role::Receptionist,
        ] {
            let gone = Staff {
                left: true,
                ..one(role, "MMC 1")
            };
            assert!(Verb::ALL.iter().all(|verb| !may(&gone, *verb)));
        }
    }

    #[test]
    fn every_verb_is_open_to_somebody() {
        let everybody = [
            Role::Owner,
            Role::Admin,
            Role::Doctor,
            Role::Pharmacist,
            Role::Receptionist,
        ];
        for verb in Verb::ALL {
            assert!(everybody.iter().any(|role| may(&one(*role, ""), *verb)), "{verb:?}");
        }
    }
}
