//! XHTML that can be read without any FHIR software.

use serde_json::{Value, json};

/// A FHIR narrative with one paragraph for each line.
pub(crate) fn narrative<'a>(lines: impl IntoIterator<Item = &'a str>) -> Value {
    let paragraphs: String = lines
        .into_iter()
        .map(|line| format!("<p>{}</p>", escaped(line)))
        .collect();
    json!({ "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{paragraphs}</div>") })
}

/// Text as XHTML shows it; what XML can't hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br/>"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
