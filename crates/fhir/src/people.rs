//! The patient, the clinic and the people of the clinic.

use domain::{Identifier, MyKad, Sex};
use serde_json::{Value, json};

use crate::json::{Entry, concept, identifier};
use crate::names::{CLINIC, DATA_ABSENT, IDENTIFIER_TYPE, MYKAD, OTHER_PAPER, PASSPORT, REGISTRATION};
use crate::reading::{Index, day, identifier_in, list, text, text_or_empty};
use crate::{Author, IdentityCard, SourceClinic};

pub(crate) fn write_patient(clinic: &SourceClinic, card: &IdentityCard) -> Entry {
    let absent = json!({ "extension": [{ "url": DATA_ABSENT, "valueCode": "unknown" }] });
    let body = json!({
        "identifier": [card_identifier(&card.identifier)],
        "name": [{ "use": "official", "text": card.name }],
        "gender": match card.sex {
            Sex::Female => "female",
            Sex::Male => "male",
            Sex::Unknown => "unknown",
        },
        "birthDate": card.birth_date.map(|day| day.to_string()),
        "_birthDate": card.birth_date.is_none().then_some(absent),
    });
    let number = match &card.identifier {
        Identifier::MyKad { number } => number.digits(),
        Identifier::Passport { number, .. } | Identifier::Other { number, .. } => number,
        Identifier::None => &card.name,
    };
    Entry::new("Patient", &[&clinic.id, number], body)
}

/// Her document as a FHIR identifier; null when she has none at hand.
pub(crate) fn card_identifier(document: &Identifier) -> Value {
    let with_type = |code: &str, system: &str, value: &str| {
        let mut it = identifier(system, value);
        it["use"] = json!("official");
        it["type"] = concept(
            IDENTIFIER_TYPE,
            code,
            if code == "PPN" {
                "Passport number"
            } else {
                "National unique individual identifier"
            },
        );
        it
    };
    match document {
        Identifier::MyKad { number } => with_type("NI", MYKAD, number.digits()),
        Identifier::Passport { country, number } => with_type("PPN", &format!("{PASSPORT}{country}"), number),
        Identifier::Other { paper, number } => {
            json!({ "type": { "text": paper }, "system": OTHER_PAPER, "value": number })
        }
        Identifier::None => Value::Null,
    }
}

pub(crate) fn read_patient(patient: &Value) -> Option<IdentityCard> {
    Some(IdentityCard {
        name: text(patient, "/name/0/text")?.to_owned(),
        identifier: list(patient, "/identifier")
            .iter()
            .find_map(read_identifier)
            .unwrap_or(Identifier::None),
        birth_date: day(patient, "/birthDate"),
        sex: match text(patient, "/gender") {
            Some("female") => Sex::Female,
            Some("male") => Sex::Male,
            _ => Sex::Unknown,
        },
    })
}

fn read_identifier(value: &Value) -> Option<Identifier> {
    let (system, number) = (text(value, "/system")?, text(value, "/value")?.to_owned());
    if system == MYKAD {
        return MyKad::parse(&number).ok().map(|number| Identifier::MyKad { number });
    }
    if let Some(country) = system.strip_prefix(PASSPORT) {
        return Some(Identifier::Passport {
            country: country.to_owned(),
            number,
        });
    }
    (system == OTHER_PAPER).then(|| Identifier::Other {
        paper: text_or_empty(value, "/type/text"),
        number,
    })
}

pub(crate) fn write_clinic(clinic: &SourceClinic) -> Entry {
    let body = json!({
        "identifier": [identifier(CLINIC, &clinic.id)],
        "name": clinic.name,
        "telecom": if clinic.phone.is_empty() { Value::Null } else { json!([{ "system": "phone", "value": clinic.phone }]) },
        "address": [{ "text": clinic.address }],
    });
    Entry::new("Organization", &[&clinic.id], body)
}

pub(crate) fn read_clinic(organization: &Value) -> Option<SourceClinic> {
    Some(SourceClinic {
        id: identifier_in(organization, CLINIC)?.to_owned(),
        name: text_or_empty(organization, "/name"),
        address: text_or_empty(organization, "/address/0/text"),
        phone: text_or_empty(organization, "/telecom/0/value"),
    })
}

pub(crate) fn write_author(clinic: &SourceClinic, author: &Author) -> Entry {
    let registered = (!author.registration.is_empty()).then(|| identifier(REGISTRATION, &author.registration));
    let body = json!({ "identifier": [registered], "name": [{ "text": author.name }] });
    Entry::new("Practitioner", &[&clinic.id, &author.registration, &author.name], body)
}

/// The person that the reference at a pointer leads to.
pub(crate) fn read_author(index: &Index, value: &Value, pointer: &str) -> Option<Author> {
    let practitioner = index.follow(value, pointer)?;
    Some(Author {
        name: text_or_empty(practitioner, "/name/0/text"),
        registration: identifier_in(practitioner, REGISTRATION).unwrap_or_default().to_owned(),
    })
}
