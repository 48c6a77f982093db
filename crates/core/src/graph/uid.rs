//! The identity that the API server gives an object, which no later one of the same name has.

use std::fmt;

/// `metadata.uid`, as the sixteen bytes that its 36 characters stand for: there is one in every workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid([u8; 16]);

/// Where the hyphens stand (RFC 9562 §4).
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl Uid {
    /// Reads `7e3c0c5a-0000-4000-8000-000000000001`; `None` where it is anything else, which no API server writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = 0;
        let mut value: u128 = 0;
        for (at, byte) in text.bytes().enumerate() {
            if HYPHENS.contains(&at) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            // Upper case would not be written back as it was.
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            value = value << 4 | u128::from(digit);
            digits += 1;
        }
        (digits == 32).then(|| Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(self.0));
        let mut from = 0;
        for to in [8, 12, 16, 20, 32] {
            if from > 0 {
                f.write_str("-")?;
            }
            f.write_str(&digits[from..to])?;
            from = to;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_and_nothing_else_is_read() {
        for text in [
            "7e3c0c5a-0000-4000-8000-000000000001",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert_eq!(Uid::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "u1",
            "7e3c0c5a0000400080000000000000001",
            "7e3c0c5a-0000-4000-8000-00000000001",
            "7e3c0c5a-0000-4000-8000-0000000000012",
            "7E3c0c5a-0000-4000-8000-000000000001",
            "7e3c0c5a-0000-4000-8000-00000000000g",
            "7e3c0c5a-000-04000-8000-000000000001",
        ] {
            assert_eq!(Uid::parse(text), None, "{text}");
        }
    }
}
