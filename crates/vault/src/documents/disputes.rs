//! Fields that a person must judge when they were written apart: which they are, and what each side wrote.
//!
//! Automerge picks one of two values on every device alike; for a severity or a dose that is no answer. Keys that say
//! one thing together (a paper's kind and its number) are one field and are chosen together.

use automerge::{ChangeHash, ScalarValue};
use domain::{AllergyVerification, Day, Field, Frequency, MyKad, Severity, Sex};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DocPath, Edit, View, from_code, removal, to_code};
use crate::VaultError;

const OF_ALLERGY: &[Field] = &[Field::Substance, Field::Reaction, Field::Severity, Field::Verification];
const OF_IDENTITY: &[Field] = &[Field::Name, Field::BirthDate, Field::Sex];
const OF_LINE: &[Field] = &[
    Field::Medicine,
    Field::UnitsPerDose,
    Field::Frequency,
    Field::WhenNeeded,
    Field::Days,
    Field::Quantity,
    Field::Indication,
    Field::Advice,
];
const OF_VITALS: &[Field] = &[Field::Temperature, Field::Systolic, Field::Diastolic, Field::Weight];

/// The places in a document that hold such fields: a map of maps, or one map; `""` is the document itself.
fn places(path: &DocPath) -> &'static [(&'static str, bool, &'static [Field])] {
    match path {
        DocPath::Allergies(_) => &[("entries", true, OF_ALLERGY)],
        DocPath::Identity(_) => &[("", false, OF_IDENTITY), ("identifier", false, &[Field::Identifier])],
        DocPath::Visit(..) => &[("lines", true, OF_LINE), ("vitals", false, OF_VITALS)],
        _ => &[],
    }
}

/// How a field stands in its document.
trait Stored: Copy {
    /// Its keys; those that say one thing together.
    fn keys(self) -> &'static [&'static str];
    /// The key that is shown.
    fn shown(self) -> &'static str;
    /// Its name in the path of a spot.
    fn word(self) -> String;
}

impl Stored for Field {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Substance => &["substance", "substance_key"],
            Self::Reaction => &["reaction"],
            Self::Severity => &["severity"],
            Self::Verification => &["verification"],
            Self::Name => &["name"],
            Self::Identifier => &["kind", "number", "country", "paper"],
            Self::BirthDate => &["birth_date"],
            Self::Sex => &["sex"],
            Self::Medicine => &["drug_key", "drug_name", "strength_mg", "unit", "route"],
            Self::UnitsPerDose => &["units_per_dose"],
            Self::Frequency => &["frequency"],
            Self::WhenNeeded => &["when_needed"],
            Self::Days => &["days"],
            Self::Quantity => &["quantity"],
            Self::Indication => &["indication"],
            Self::Advice => &["advice"],
            Self::Temperature => &["temperature_c"],
            Self::Systolic => &["systolic_mmhg"],
            Self::Diastolic => &["diastolic_mmhg"],
            Self::Weight => &["weight_kg", "weight_on"],
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Identifier => "number",
            Self::Medicine => "drug_name",
            other => other.keys()[0],
        }
    }

    fn word(self) -> String {
        to_code(&self).unwrap_or_default()
    }
}

/// Where a disputed field, or an entry that was removed and edited, stands in its document: `entries/<id>/severity`,
/// `lines/<id>`, `birth_date`.
pub(super) struct Spot {
    /// The maps on the way to it.
    pub within: Vec<String>,
    /// `None`: the whole entry.
    pub field: Option<Field>,
}

impl Spot {
    pub(super) fn parse(path: &DocPath, text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        for (container, of_entries, fields) in places(path) {
            let rest = match (*container, &parts[..]) {
                ("", rest) => rest,
                (name, [first, rest @ ..]) if *first == name => rest,
                _ => continue,
            };
            let within = |id: Option<&str>| {
                let names = [Some(*container).filter(|name| !name.is_empty()), id];
                names.into_iter().flatten().map(str::to_owned).collect()
            };
            let known = |word: &str| from_code::<Field>(word).filter(|field| fields.contains(field));
            match (of_entries, rest) {
                (true, [id]) => {
                    return Some(Self {
                        within: within(Some(id)),
                        field: None,
                    });
                }
                (true, [id, word]) => {
                    return Some(Self {
                        within: within(Some(id)),
                        field: Some(known(word)?),
                    });
                }
                (false, [word]) if known(word).is_some() => {
                    return Some(Self {
                        within: within(None),
                        field: known(word),
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// The map that it is in.
    pub(super) fn view<'d>(&self, root: View<'d>) -> Option<View<'d>> {
        self.within.iter().try_fold(root, |at, name| at.map(name))
    }
}

/// Everything in a document that a person must judge, as spots in words; a pure function of the document.
pub(super) fn spots(path: &DocPath, root: &View<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (container, of_entries, fields) in places(path) {
        let maps: Vec<(String, View<'_>)> = if *of_entries {
            let children = root.children(container).into_iter();
            children.map(|(id, map)| (format!("{container}/{id}"), map)).collect()
        } else if container.is_empty() {
            vec![(String::new(), root.clone())]
        } else {
            let map = root.map(container).into_iter();
            map.map(|map| ((*container).to_owned(), map)).collect()
        };
        for (place, map) in maps {
            if *of_entries && removal::is_removed(&map) {
                // Decided as a whole: put back, or left out.
                found.extend(removal::is_edited_apart(&map).then(|| place.clone()));
                continue;
            }
            for field in fields.iter().filter(|field| sides(&map, **field).len() > 1) {
                let word = field.word();
                found.push(if place.is_empty() {
                    word
                } else {
                    format!("{place}/{word}")
                });
            }
        }
    }
    found
}

/// The changes of the sides that differ in what the field says.
pub(super) fn sides(map: &View<'_>, field: Field) -> Vec<ChangeHash> {
    let mut seen = Vec::new();
    let mut sides = map.sides(field.keys());
    sides.retain(|side| {
        let says = values(&map.as_of(*side), field);
        let new = !seen.contains(&says);
        seen.push(says);
        new
    });
    sides
}

fn values(map: &View<'_>, field: Field) -> Vec<Option<ScalarValue>> {
    field.keys().iter().map(|key| map.scalar(key)).collect()
}

/// What a field says, as words for a screen: a code, a number, a day, or text.
pub(super) fn text(map: &View<'_>, field: Field) -> String {
    match map.scalar(field.shown()) {
        Some(ScalarValue::Str(text)) => text.to_string(),
        Some(ScalarValue::Int(number)) => number.to_string(),
        Some(ScalarValue::F64(number)) => number.to_string(),
        Some(ScalarValue::Boolean(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

/// What kind of paper an identity number is of; the strength of a medicine.
pub(super) fn beside(map: &View<'_>, field: Field) -> Option<String> {
    match field {
        Field::Identifier => map.text("kind"),
        Field::Medicine => map.float("strength_mg").map(|mg| mg.to_string()),
        _ => None,
    }
}

/// What was edited in an entry apart from its removal: the field, what a remover saw, what it says now.
pub(super) fn edited(path: &DocPath, entry: &View<'_>, removers: &[ChangeHash]) -> Vec<(Field, String, String)> {
    let fields = places(path).iter().filter(|(_, of_entries, _)| *of_entries);
    let fields = fields.flat_map(|(_, _, fields)| fields.iter().copied());
    let Some(seen) = removers.last().map(|remover| entry.as_of(*remover)) else {
        return Vec::new();
    };
    fields
        .map(|field| (field, text(&seen, field), text(entry, field)))
        .filter(|(_, before, now)| before != now)
        .collect()
}

/// Writes what one side wrote over all.
pub(super) fn choose(edit: &mut Edit<'_>, field: Field, side: ChangeHash) -> Result<(), VaultError> {
    let chosen = values(&edit.view().as_of(side), field);
    for (key, value) in field.keys().iter().zip(chosen) {
        edit.overrule(key, value)?;
    }
    Ok(())
}

/// Writes what a person typed over all; `None` when it is nothing that this field can say.
pub(super) fn typed(map: &View<'_>, field: Field, text: &str) -> Option<Vec<(&'static str, Option<ScalarValue>)>> {
    let text = text.trim();
    let first = |value: ScalarValue| Some(vec![(field.keys()[0], Some(value))]);
    match field {
        Field::Substance => (!text.is_empty()).then(|| vec![("substance", Some(text.into())), ("substance_key", None)]),
        Field::Name => (!text.is_empty()).then(|| first(text.into()))?,
        Field::Reaction | Field::Indication | Field::Advice => first(text.into()),
        Field::Severity => code::<Severity>(text).and_then(first),
        Field::Verification => code::<AllergyVerification>(text).and_then(first),
        Field::Sex => code::<Sex>(text).and_then(first),
        Field::Frequency => code::<Frequency>(text).and_then(first),
        Field::BirthDate => text.parse().ok().and_then(|day| first(Day(day).to_string().into())),
        Field::WhenNeeded => text.parse::<bool>().ok().and_then(|flag| first(flag.into())),
        Field::Days => whole(text, 1..=366).and_then(first),
        Field::Quantity => whole(text, 1..=10_000).and_then(first),
        Field::UnitsPerDose => number(text, 0.001, 1000.0).and_then(first),
        Field::Temperature => number(text, 25.0, 45.0).and_then(first),
        Field::Systolic => number(text, 40.0, 300.0).and_then(first),
        Field::Diastolic => number(text, 20.0, 200.0).and_then(first),
        Field::Weight => number(text, 0.3, 400.0).map(|kg| {
            let day = map.scalar("weight_on");
            vec![("weight_kg", Some(kg)), ("weight_on", day)]
        }),
        Field::Identifier => {
            let digits = match MyKad::parse(text) {
                Ok(number) if map.text("kind")? == "my_kad" => number.digits().to_owned(),
                _ if map.text("kind")? == "my_kad" => return None,
                _ => text.to_owned(),
            };
            let keys = ["kind", "country", "paper"].map(|key| (key, map.scalar(key)));
            let number = [("number", Some(digits.into()))];
            (!text.is_empty()).then(|| keys.into_iter().chain(number).collect())
        }
        // Chosen among those that the tables know, or written anew in the consult.
        Field::Medicine => None,
    }
}

fn code<T: DeserializeOwned + Serialize>(text: &str) -> Option<ScalarValue> {
    let known: T = from_code(text)?;
    Some(to_code(&known).ok()?.into())
}

fn whole(text: &str, within: std::ops::RangeInclusive<i64>) -> Option<ScalarValue> {
    let number: i64 = text.parse().ok()?;
    within.contains(&number).then(|| number.into())
}

fn number(text: &str, from: f64, to: f64) -> Option<ScalarValue> {
    let number: f64 = text.parse().ok()?;
    (from..=to).contains(&number).then(|| number.into())
}
