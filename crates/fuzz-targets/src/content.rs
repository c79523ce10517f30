//! What stands inside of what was opened: a document that a member may have written anything into, and what another clinic
//! sealed into its grant.

use minicbor::Encoder;
use serde_json::{Value, json};

use crate::world::NOW_MS;

const ID: &str = "0193a5f0-0000-7000-8000-00000000abcd";
const OTHER: &str = "0193a5f0-0000-7000-8000-00000000abce";

pub(crate) fn document(bytes: &[u8]) {
    vault::decoders::document(bytes).expect("rows of the document, readable, whatever stood there before");
}

/// One of each kind, with what another device wrote apart; and what no build of ours writes.
pub(crate) fn documents() -> Vec<Vec<u8>> {
    let address = json!({"lines": "1 Jalan Mawar", "postcode": "50000", "town": "Ipoh", "state": "Perak"});
    let device = format!("device/{}", "0d".repeat(32));
    let clinic = json!({
        "profile": {"name": "Klinik", "phone": "03", "zone": "Asia/Kuala_Lumpur", "relay_url": "wss://r", "address": address},
        "staff": {ID: {"name": "Dr", "role": "doctor", "registration": "1", "left": false}},
        device: "Counter", "delete_audio_at_sign_off": true,
    });
    let day = json!({"queue": {ID: {
        "token": "A01", "patient": ID, "visit": ID, "reason": "cough", "doctor": ID, "state": "waiting", "arrived_at": NOW_MS,
    }}});
    let identity = json!({
        "name": "Nur", "identifier": {"kind": "my_kad", "number": "980317145002"}, "birth_date": "1998-03-17",
        "sex": "female", "phone": "+60 12", "address": address,
    });
    let allergies = json!({
        "entries": {ID: {
            "substance": "Penicillin", "substance_key": "penicillin", "reaction": "rash", "severity": "mild",
            "verification": "patient_reported", "recorded_at": NOW_MS, "recorded_by": ID,
        }},
        "none_known_on": "2026-11-21",
    });
    let sentence = json!([{"text": "Cough", "start_ms": 0, "end_ms": 900, "recording": ID}]);
    let line = json!({
        "drug_key": "paracetamol", "drug_name": "Paracetamol", "strength_mg": 500.5, "unit": "tablet", "units_per_dose": 1.5,
        "route": "oral", "frequency": "three_times_a_day", "when_needed": true, "days": 5, "quantity": 15, "indication": "",
        "advice": "", "overrides": {"dose": {"reason": "x", "by": ID, "at": NOW_MS}},
    });
    let visit = json!({
        "day": "2026-11-21", "opened_at": NOW_MS, "doctor": ID,
        "vitals": {"temperature_c": 37.5, "systolic_mmhg": 120.5, "weight_kg": 60.5, "weight_on": "2026-11-21"},
        "note": {"subjective": sentence, "plan": sentence}, "diagnoses": [{"text": "URTI", "icd10": "J06.9"}],
        "lines": {ID: line}, "sensitivity": {"mental_health": true},
    });
    let recording = json!({
        "visit": ID, "attachment": ID, "key": [1, 2], "started_at": NOW_MS, "ended_at": NOW_MS, "sample_rate": 16_000,
        "channels": 1, "chunks": [{"file": "f", "millis": 1000}],
        "turns": [{"start_ms": 0, "end_ms": 900, "speaker": "doctor", "certainty": "certain", "language": "en", "text": "x"}],
    });
    let apart = [
        json!({"staff": {ID: {"role": "owner"}, ID.to_uppercase(): {"name": "again"}}, "profile": {"name": 7}}),
        json!({"queue": {ID: {"arrived_at": 9_223_372_036_854_775_807_i64}, OTHER: {"token": "A9223372036854775807"}}}),
        json!({"name": {}, "identifier": {"kind": "passport", "number": "B1"}, "birth_date": "-009999-01-01"}),
        json!({"entries": {
            ID: {"severity": "severe", "substance": "Amoxicillin", "removed": "00"},
            format!("{ID}/severity"): {"removed": "00", "substance": "y"},
        }}),
        json!({"vitals": {"weight_kg": 1e308}, "lines": {ID: {"units_per_dose": 2.5, "removed": "00"}}, "opened_at": "no"}),
        json!({"sample_rate": 0, "attachment": [], "channels": 65_535, "chunks": [{"millis": 4_294_967_295_u32}]}),
    ];
    let all = [clinic, day, identity, allergies, visit, recording];
    let kinds = all.iter().zip(&apart).enumerate();
    kinds
        .flat_map(|(kind, (one, other))| [scribbled(kind, &[one, other, other]), scribbled(kind, &[one, one, one])])
        .collect()
}

/// A byte for the kind, then maps as CBOR. The field `key` of a recording, and `file` of its chunks, are bytes.
fn scribbled(kind: usize, maps: &[&Value]) -> Vec<u8> {
    let mut e = Encoder::new(vec![kind as u8]);
    for map in maps {
        put(&mut e, "", map);
    }
    e.into_writer()
}

fn put(e: &mut Encoder<Vec<u8>>, name: &str, value: &Value) {
    let put_all = |e: &mut Encoder<Vec<u8>>| match value {
        _ if name == "key" || name == "file" => e.bytes(&[7; 32]).map(drop),
        Value::Null => e.null().map(drop),
        Value::Bool(flag) => e.bool(*flag).map(drop),
        Value::Number(number) => match number.as_i64() {
            Some(number) => e.i64(number).map(drop),
            None => e.f64(number.as_f64().unwrap_or(0.0)).map(drop),
        },
        Value::String(text) => e.str(text).map(drop),
        Value::Array(items) => {
            let begun = e.array(items.len() as u64).map(drop);
            items.iter().for_each(|item| put(e, "", item));
            begun
        }
        Value::Object(fields) => {
            let begun = e.map(fields.len() as u64).map(drop);
            for (key, field) in fields {
                e.str(key).expect("memory");
                put(e, key, field);
            }
            begun
        }
    };
    put_all(e).expect("memory");
}

pub(crate) fn terms(bytes: &[u8]) {
    clinic::decoders::terms(bytes);
}

pub(crate) fn some_terms() -> Vec<Vec<u8>> {
    let terms = json!({
        "card": {"name": "Nur", "identifier": {"kind": "my_kad", "number": "980317145002"}, "birth_date": "1998-03-17", "sex": "female"},
        "source": {"id": "aa".repeat(32), "name": "Klinik Sentosa", "address": "1 Jalan Mawar", "phone": "03"},
        "terms": {
            "categories": ["encounters", "allergies"], "data_from": "2020-01-01", "data_to": null, "sensitive": ["mental_health"],
            "mode": "view", "purpose": "treatment", "until": "2027-11-21", "erase_at": "2027-12-21", "onward": false,
        },
        "evidence": {
            "form_version": "1", "language": "ms", "signature_svg": "<svg/>", "witness": "Siti", "guardian": null,
            "signed_at": "2026-11-21T01:00:00Z",
        },
    });
    let text = terms.to_string();
    assert!(clinic::decoders::terms(text.as_bytes()), "an example that is taken");
    let far = text
        .replace("2027-11-21", "9999-12-31")
        .replace("2020-01-01", "-009999-01-01");
    vec![text.into_bytes(), far.into_bytes()]
}

pub(crate) fn record_mail(bytes: &[u8]) {
    clinic::decoders::record_mail(bytes);
}

pub(crate) fn record_mails() -> Vec<Vec<u8>> {
    let request = json!({
        "author": "Dr Tan", "clinic": "Klinik Sentosa", "name": "Nur", "birth_date": "1998-03-17",
        "identifier": {"kind": "my_kad", "number": "980317145002"}, "purpose": "treatment", "reason": "Chest pain.",
    });
    let newer = json!({
        "author": "", "clinic": "", "name": "Nur", "birth_date": null, "added_later": [1, 2],
        "identifier": {"kind": "passport", "country": "IDN", "number": "A 123"}, "purpose": "emergency", "reason": "x",
    });
    let answer = json!({"request": "aa".repeat(16), "grant": "bb".repeat(16)});
    let texts = [request, newer, answer].map(|it| it.to_string().into_bytes());
    for text in &texts {
        assert!(clinic::decoders::record_mail(text), "an example that is taken");
    }
    texts.into()
}

pub(crate) fn letter(bytes: &[u8]) {
    clinic::decoders::letter(bytes);
}

pub(crate) fn letter_texts() -> Vec<Vec<u8>> {
    let plain = json!({
        "author": "Dr Tan", "clinic": "Klinik Sentosa", "text": "Please see her.\n\tAsthma since 2019. Thank you.",
    });
    let newer = json!({"author": "", "clinic": "诊所 \u{202e}", "text": "Terima kasih \u{1f64f}", "added_later": {"a": [null]}});
    let texts = [plain, newer].map(|it| it.to_string().into_bytes());
    for text in &texts {
        assert!(clinic::decoders::letter(text), "an example that is taken");
    }
    texts.into()
}
