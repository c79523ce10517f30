//! Amounts of money and sizes, as people write and read them.

/// An amount as people read it: `RM 1,234.50`.
pub fn ringgit(sen: i64) -> String {
    let (whole, rest) = (sen.unsigned_abs() / 100, sen.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let minus = if sen < 0 { "-" } else { "" };
    format!("{minus}RM {grouped}.{rest:02}")
}

/// `300`, `300.5` or `300.50` as sen.
///
/// # Errors
/// What was expected instead.
pub fn read_ringgit(text: &str) -> Result<i64, String> {
    let wrong = || "expected an amount like 300 or 300.50".to_owned();
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 2 {
        return Err(wrong());
    }
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let rest: i64 = format!("{rest:0<2}").parse().map_err(|_| wrong())?;
    whole
        .checked_mul(100)
        .and_then(|sen| sen.checked_add(rest))
        .ok_or_else(wrong)
}

/// `5000000`, `500 MB`, `20GB` as bytes.
///
/// # Errors
/// What was expected instead.
pub fn read_size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a size like 500MB or 20GB".to_owned();
    let text = text.trim().to_ascii_uppercase();
    let units = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let unit = units.into_iter().find(|(name, _)| text.ends_with(name));
    let (number, unit) = unit.map_or((text.as_str(), 1), |(name, unit)| (text.trim_end_matches(name), unit));
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

/// A size as it is typed: exact, in the largest unit that fits.
pub fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    let unit = units
        .into_iter()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_sizes_are_read_as_people_type_them() {
        for (text, sen) in [("300", 30_000), ("0", 0), ("300.5", 30_050), ("300.05", 30_005)] {
            assert_eq!(read_ringgit(text), Ok(sen), "{text}");
        }
        for (text, bytes) in [
            ("5", 5),
            ("20GB", 20_000_000_000),
            ("500 mb", 500_000_000),
            ("1kb", 1_000),
        ] {
            assert_eq!(read_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "1.234", "1,5", "RM 3", "99999999999999999999", "1.", ".5"] {
            assert!(read_ringgit(text).is_err(), "{text}");
            assert!(read_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_as_people_read_them() {
        for (sen, words) in [
            (0, "RM 0.00"),
            (5, "RM 0.05"),
            (12_345, "RM 123.45"),
            (123_456_789, "RM 1,234,567.89"),
            (-100_000, "-RM 1,000.00"),
        ] {
            assert_eq!(ringgit(sen), words);
        }
    }

    #[test]
    fn a_size_is_written_as_it_is_read() {
        for (bytes, text) in [
            (0, "0"),
            (20_000_000_000, "20GB"),
            (500_000_000, "500MB"),
            (1_000, "1KB"),
            (1_001, "1001"),
        ] {
            assert_eq!(size(bytes), text);
            assert_eq!(read_size(text), Ok(bytes));
        }
    }
}
