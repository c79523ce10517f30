//! The lines of a visit's prescription, in the visit's document.

use domain::{LineId, Milligrams, Override, PrescriptionLine};

use super::{Edit, View, id_of, removal};
use crate::VaultError;

pub(super) fn write_line(root: &mut Edit<'_>, line: &PrescriptionLine) -> Result<(), VaultError> {
    let mut lines = root.map("lines")?;
    let mut fields = lines.map(&line.id.to_string())?;
    removal::put_back(&mut fields)?;
    fields.put("drug_key", line.drug_key.as_str())?;
    fields.put("drug_name", line.drug_name.as_str())?;
    fields.put("strength_mg", line.strength.0)?;
    fields.put("unit", line.unit.as_str())?;
    fields.put("units_per_dose", line.units_per_dose)?;
    fields.put_code("route", &line.route)?;
    fields.put_code("frequency", &line.frequency)?;
    fields.put("when_needed", line.when_needed)?;
    fields.put("days", i64::from(line.days))?;
    fields.put("quantity", i64::from(line.quantity))?;
    fields.put("indication", line.indication.as_str())?;
    fields.put("advice", line.advice.as_str())?;
    write_overrides(&mut fields, &line.overrides)
}

/// Overrides are kept by the finding that they are about, so that two people who override two findings apart both do.
fn write_overrides(line: &mut Edit<'_>, overrides: &[Override]) -> Result<(), VaultError> {
    let mut fields = line.map("overrides")?;
    let gone: Vec<String> = fields
        .view()
        .keys()
        .into_iter()
        .filter(|key| overrides.iter().all(|it| it.finding_key != *key))
        // What this build cannot read nobody has taken away.
        .filter(|key| {
            fields
                .view()
                .map(key)
                .is_some_and(|it| read_override(key, &it).is_some())
        })
        .collect();
    for key in gone {
        fields.remove(&key)?;
    }
    for it in overrides {
        let mut one = fields.map(&it.finding_key)?;
        one.put("reason", it.reason.as_str())?;
        one.put("by", it.by.to_string())?;
        one.put_instant("at", it.at)?;
    }
    Ok(())
}

/// The lines in the order in which they were made, and how many more there are that this build can't read.
///
/// A line is never guessed: a route or a frequency of a newer build leaves the whole line to that build.
pub(super) fn read_lines(root: &View<'_>) -> (Vec<PrescriptionLine>, u32) {
    let mut n_unreadable = 0;
    let lines = root.children("lines");
    let standing = lines.iter().filter(|(_, fields)| !removal::is_removed(fields));
    let readable = standing.filter_map(|(name, fields)| {
        let line = id_of(name).and_then(|id| read_line(id, fields));
        n_unreadable += u32::from(line.is_none());
        line
    });
    (readable.collect(), n_unreadable)
}

pub(super) fn read_line(id: LineId, fields: &View<'_>) -> Option<PrescriptionLine> {
    Some(PrescriptionLine {
        id,
        drug_key: fields.text("drug_key")?,
        drug_name: fields.text("drug_name")?,
        strength: Milligrams(fields.float("strength_mg")?),
        unit: fields.text("unit")?,
        units_per_dose: fields.float("units_per_dose")?,
        route: fields.code("route")?,
        frequency: fields.code("frequency")?,
        when_needed: fields.flag("when_needed"),
        days: fields.number("days")?,
        quantity: fields.number("quantity")?,
        indication: fields.words("indication"),
        advice: fields.words("advice"),
        overrides: fields
            .children("overrides")
            .iter()
            .filter_map(|(key, it)| read_override(key, it))
            .collect(),
    })
}

fn read_override(finding_key: &str, fields: &View<'_>) -> Option<Override> {
    Some(Override {
        finding_key: finding_key.to_owned(),
        reason: fields.words("reason"),
        by: fields.parsed("by")?,
        at: fields.instant("at")?,
    })
}
