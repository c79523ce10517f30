//! A medicine beside the others: interactions, and the same thing twice.

use knowledge::{Level, Tables};

use crate::medicine::Medicine;
use crate::{Finding, FindingKind};

/// Another medicine, on this prescription or taken regularly.
struct Beside<'a> {
    ingredient: &'a str,
    regular: bool,
}

/// Against the other lines and against what is taken anyway (`regular`, ingredient keys).
pub(crate) fn check(medicine: &Medicine, others: &[Medicine], regular: &[String], tables: &Tables) -> Vec<Finding> {
    let prescribed = others.iter().flat_map(Medicine::keys).map(|ingredient| Beside {
        ingredient,
        regular: false,
    });
    let taken = regular.iter().map(|ingredient| Beside {
        ingredient,
        regular: true,
    });
    let beside: Vec<Beside> = prescribed.chain(taken).collect();
    let pairs = medicine
        .keys()
        .flat_map(|own| beside.iter().map(move |other| (own, other)));
    pairs
        .flat_map(|(own, other)| {
            if own == other.ingredient {
                vec![same(own, other.regular, tables)]
            } else {
                let kin = same_class(medicine, own, other.ingredient, tables);
                interaction(own, other.ingredient, tables)
                    .into_iter()
                    .chain(kin)
                    .collect()
            }
        })
        .collect()
}

fn interaction(own: &str, other: &str, tables: &Tables) -> Option<Finding> {
    let rule = tables.interaction(own, other)?;
    let (one, two) = if own < other { (own, other) } else { (other, own) };
    let code = format!("interaction_{}", rule.effect);
    let finding = Finding::new(
        FindingKind::Interaction,
        rule.level,
        &code,
        format!("interaction:{one}:{two}"),
    );
    Some(
        finding
            .with_substance("one", one, tables)
            .with_substance("other", two, tables)
            .backed_by(&rule.source),
    )
}

/// A refill of what is taken regularly is worth a note; the same thing twice on one prescription is to be weighed.
fn same(ingredient: &str, regular: bool, tables: &Tables) -> Finding {
    let (level, code) = if regular {
        (Level::Note, "duplicate_regular")
    } else {
        (Level::Caution, "duplicate")
    };
    Finding::new(FindingKind::Duplicate, level, code, format!("{code}:{ingredient}")).with_substance(
        "ingredient",
        ingredient,
        tables,
    )
}

/// Two of one kind, where the tables say that this matters and the medicine doesn't hold the very same ingredient.
fn same_class(medicine: &Medicine, own: &str, other: &str, tables: &Tables) -> Option<Finding> {
    if medicine.keys().any(|ingredient| ingredient == other) {
        return None;
    }
    let others = tables.classes_of(other);
    let shared = tables
        .classes_of(own)
        .into_iter()
        .filter(|class| others.contains(class));
    let (level, class) = shared
        .filter_map(|class| Some((tables.substance(class)?.duplicate_level?, class)))
        .min()?;
    let (one, two) = if own < other { (own, other) } else { (other, own) };
    Some(
        Finding::new(
            FindingKind::Duplicate,
            level,
            "duplicate_class",
            format!("duplicate_class:{class}:{one}:{two}"),
        )
        .with_substance("class", class, tables)
        .with_substance("one", one, tables)
        .with_substance("other", two, tables),
    )
}
