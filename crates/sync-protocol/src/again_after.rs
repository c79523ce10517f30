//! What a relay that stops says to each device: come again after so long. It is the reason of the WebSocket's close frame.
//!
//! Each device hears another time, or five thousand of them would come back in the same instant.

/// A device waits no longer than this, whatever it hears.
pub const LONGEST_MS: u32 = 30_000;

const PREFIX: &str = "again_ms=";

/// The words for it.
pub fn say(ms: u32) -> String {
    format!("{PREFIX}{}", ms.min(LONGEST_MS))
}

/// What they mean; `None` when they are other words.
pub fn hear(reason: &str) -> Option<u32> {
    let ms: u32 = reason.strip_prefix(PREFIX)?.parse().ok()?;
    Some(ms.min(LONGEST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_within_its_bound_and_nothing_else_is() {
        assert_eq!(hear(&say(0)), Some(0));
        assert_eq!(hear(&say(1_234)), Some(1_234));
        assert_eq!(hear(&say(u32::MAX)), Some(LONGEST_MS));
        assert_eq!(hear("again_ms=4000000000"), Some(LONGEST_MS));
        for other in [
            "",
            "busy",
            "again_ms=",
            "again_ms=-1",
            "again_ms=soon",
            "again_ms=99999999999",
        ] {
            assert_eq!(hear(other), None, "{other}");
        }
    }
}
