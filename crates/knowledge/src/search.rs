//! Finding a product that somebody types, and the substance that a patient names. Forgives spelling, never invents.

use domain::search_key;

use crate::{Product, Substance, Tables};

/// Best first: whole words before beginnings before slips of the finger; then the order of the table.
pub(crate) fn products<'t>(tables: &'t Tables, query: &str, limit: usize) -> Vec<&'t Product> {
    let wanted = split(query);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(u32, &Product)> = tables
        .products
        .iter()
        .filter_map(|product| Some((cost(&words(tables, product), &wanted)?, product)))
        .collect();
    found.sort_by_key(|(cost, _)| *cost);
    found.into_iter().take(limit).map(|(_, product)| product).collect()
}

/// The substance whose name stands in the text: word for word, else with one slip of the finger in a long word.
pub(crate) fn substance<'t>(tables: &'t Tables, text: &str) -> Option<&'t Substance> {
    let text = search_key(text);
    let within = format!(" {text} ");
    let names = || {
        tables
            .substances
            .iter()
            .flat_map(|it| it.names().map(move |name| (search_key(name), it)))
    };
    let named = names().filter(|(name, _)| within.contains(&format!(" {name} ")));
    if let Some((_, substance)) = named.max_by_key(|(name, _)| name.len()) {
        return Some(substance);
    }
    let slipped = |name: &str| name.chars().count() >= 6 && text.split(' ').any(|word| distance(word, name) <= 1);
    names().find(|(name, _)| slipped(name)).map(|(_, substance)| substance)
}

/// Every word that a product can be found by, with what it costs to be found by it: its own names come before those of
/// its ingredients.
fn words(tables: &Tables, product: &Product) -> Vec<(String, u32)> {
    let own = [&product.name, &product.name_ms]
        .into_iter()
        .chain(&product.brands)
        .map(|name| (name.as_str(), 0));
    let ingredients = product
        .strengths
        .iter()
        .filter_map(|strength| tables.substance(&strength.ingredient));
    let names = own.chain(ingredients.flat_map(Substance::names).map(|name| (name, 1)));
    names
        .flat_map(|(name, extra)| split(name).into_iter().map(move |word| (word, extra)))
        .collect()
}

fn split(text: &str) -> Vec<String> {
    search_key(text).split_whitespace().map(str::to_owned).collect()
}

/// The sum over all wanted words, each by its best fit; `None` when one of them fits nowhere.
fn cost(words: &[(String, u32)], wanted: &[String]) -> Option<u32> {
    let best = |wanted: &String| {
        words
            .iter()
            .filter_map(|(word, extra)| Some(2 * fit(word, wanted)? + extra))
            .min()
    };
    wanted.iter().map(best).sum()
}

/// 0 for the word itself, 1 for its beginning, more for slips of the finger; numbers must be right.
fn fit(word: &str, wanted: &str) -> Option<u32> {
    if word == wanted {
        return Some(0);
    }
    if word.starts_with(wanted) {
        return Some(1);
    }
    let length = wanted.chars().count();
    let slips_allowed = match length {
        _ if wanted.chars().any(|c| c.is_ascii_digit()) => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    // What was typed so far against as much of the word, give or take one letter.
    let beginnings = (length.saturating_sub(1)..=length + 1).map(|n| word.chars().take(n).collect::<String>());
    let slips = beginnings.map(|beginning| distance(&beginning, wanted)).min()?;
    (slips <= slips_allowed).then(|| 2 + u32::try_from(slips).unwrap_or(u32::MAX - 2))
}

/// How many letters must be changed, added, left out or swapped with their neighbour to turn one into the other.
fn distance(one: &str, other: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let simple = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped {
                        simple.min(rows[i - 2][j - 2] + 1)
                    } else {
                        simple
                    }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}
