//! Codes and directions, as they cross to the screens.

use super::*;

#[test]
fn every_title_code_is_on_the_list_for_the_locales() {
    let codes = title_codes(tables());
    assert!(codes.contains("interaction_bleeding"));
    for allergies in [
        AllergyStatus::NotAsked,
        allergic_to(&["penicillin", "aspirin", "prawns", "sulfa", "cefalexin"]),
    ] {
        for age in [
            None,
            Some(Age { years: 3, months: 0 }),
            Some(Age { years: 40, months: 0 }),
        ] {
            let about = Circumstances {
                age,
                weight: None,
                ..adult(&allergies)
            };
            let lines: Vec<_> = (0u8..)
                .zip(tables().products())
                .map(|(id, it)| line(id, &it.key, 9.0, Frequency::EverySixHours))
                .collect();
            for finding in check_all(&lines, &about, tables()) {
                assert!(codes.contains(&finding.title_code), "{}", finding.title_code);
            }
        }
    }
}

#[test]
fn directions_are_written_in_both_languages() {
    fn check(line: &PrescriptionLine, malay: &str, english: &str) {
        assert_eq!(directions(line, ConsentLanguage::Malay), malay);
        assert_eq!(directions(line, ConsentLanguage::English), english);
    }
    use Frequency::*;
    let mut paracetamol = line(1, "paracetamol-500mg-tablet", 2.0, EverySixHours);
    paracetamol.when_needed = true;
    check(
        &paracetamol,
        "Makan 2 biji, setiap 6 jam, bila perlu",
        "Take 2 tablets every 6 hours when needed",
    );
    check(
        &line(1, "simvastatin-20mg-tablet", 0.5, AtNight),
        "Makan ½ biji, sekali sehari waktu malam",
        "Take ½ tablet once a day at night",
    );
    check(
        &line(1, "prednisolone-5mg-tablet", 1.5, OnceDaily),
        "Makan 1½ biji, sekali sehari",
        "Take 1½ tablets once a day",
    );
    check(
        &line(1, "amoxicillin-500mg-capsule", 1.0, ThreeTimesDaily),
        "Makan 1 biji, 3 kali sehari",
        "Take 1 capsule 3 times a day",
    );
    check(
        &line(1, "paracetamol-120mg-5ml-syrup", 7.5, FourTimesDaily),
        "Minum 7.5 ml, 4 kali sehari",
        "Take 7.5 ml 4 times a day",
    );
    check(
        &line(1, "salbutamol-100mcg-inhaler", 2.0, EveryEightHours),
        "Sedut 2 sedutan, setiap 8 jam",
        "Inhale 2 puffs every 8 hours",
    );
    check(
        &line(1, "oral-rehydration-salts-sachet", 1.0, TwiceDaily),
        "Minum 1 uncang, 2 kali sehari",
        "Take 1 sachet twice a day",
    );
    let mut cream = line(1, "paracetamol-500mg-tablet", 1.0, TwiceDaily);
    (cream.route, cream.unit) = (Route::Topical, "application".to_owned());
    check(&cream, "Sapu, 2 kali sehari", "Apply twice a day");
    (cream.route, cream.unit) = (Route::Oral, "lozenge".to_owned());
    check(&cream, "Makan 1 lozenge, 2 kali sehari", "Take 1 lozenge twice a day");
}

#[test]
fn a_finding_crosses_to_the_screens_in_words_that_last() {
    let allergies = allergic_to(&["penicillin"]);
    let json = serde_json::to_value(check(&one("amoxicillin-500mg-capsule"), &adult(&allergies), tables())).unwrap();
    assert_eq!(json[0]["kind"], "allergy");
    assert_eq!(json[0]["level"], "serious");
    assert_eq!(json[0]["needs_reason"], true);
}

#[test]
fn what_is_handed_over_is_counted_as_people_count() {
    let mut paracetamol = line(1, "paracetamol-500mg-tablet", 2.0, Frequency::EverySixHours);
    paracetamol.quantity = 24;
    assert_eq!(quantity(&paracetamol, ConsentLanguage::Malay), "24 biji");
    assert_eq!(quantity(&paracetamol, ConsentLanguage::English), "24 tablets");
    paracetamol.quantity = 1;
    assert_eq!(quantity(&paracetamol, ConsentLanguage::English), "1 tablet");
}
