//! The fields of a form or of a query.

/// Names and values, in their order.
#[derive(Debug, Default)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The field of this name; empty when there is none, or more than one.
    pub(crate) fn one(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => "",
        }
    }

    /// What was typed into the field of this name, or else what is known.
    pub(crate) fn typed<'a>(&'a self, name: &str, known: &'a str) -> &'a str {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        found.next().map_or(known, |(_, value)| value)
    }

    /// Whether there is a field of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// A line of text that people typed: trimmed, one to `most` characters, none of them a control character.
    pub(crate) fn line(&self, name: &str, most: usize) -> Option<&str> {
        let text = self.one(name).trim();
        let fits = !text.is_empty() && text.chars().count() <= most && !text.chars().any(hides);
        fits.then_some(text)
    }
}

/// Control characters, and those that turn the direction of what follows.
fn hides(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_there_twice_is_none_and_a_line_is_one_line() {
        let pairs = Pairs::read(b"a=1&b=2&a=3&c=+Klinik+Harapan+&d=x%0Dy&e=%E2%80%AEevil&f=");
        assert_eq!((pairs.one("a"), pairs.one("b"), pairs.one("z")), ("", "2", ""));
        assert_eq!(
            (pairs.typed("b", "x"), pairs.typed("f", "x"), pairs.typed("z", "x")),
            ("2", "", "x")
        );
        assert!(pairs.has("f") && !pairs.has("z"));
        assert_eq!(pairs.line("c", 14), Some("Klinik Harapan"));
        assert_eq!(pairs.line("c", 13), None);
        for bad in ["d", "e", "f", "z"] {
            assert_eq!(pairs.line(bad, 100), None, "{bad}");
        }
    }
}
