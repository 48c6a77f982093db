//! Short lengths of time, as parameters write them.

use std::time::Duration;

/// As a regular expression, for the schema.
pub(crate) const PATTERN: &str = "^(0|[1-9][0-9]{0,4})[smh]$";

/// Parses a whole number of seconds, minutes or hours, of five digits at most: `60s`, `5m`, `1h`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let plain = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits
        .parse()
        .ok()
        .filter(|_| plain && (digits == "0" || !digits.starts_with('0')))?;
    Some(Duration::from_secs(number * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_minutes_and_hours() {
        for (text, seconds) in [("0s", 0), ("60s", 60), ("5m", 300), ("99999h", 359_996_400)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "s", "60", "060s", "-1s", "1.5m", "1d", "100000s", "1 s", "6é"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
