//! A hash that is the same on every machine and in every version: FNV-1a with 64 bits.

use std::fmt;

/// Takes texts, and is a number in the end. Good against accidents, not against anybody.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Fnv {
    /// Adds a text with its end, so that two texts are not one.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.bytes(text.as_bytes());
        self.bytes(&[0xff]);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn with(mut self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes());
        self
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The number as 16 digits.
    #[must_use]
    pub fn digits(self) -> String {
        format!("{:016x}", self.0)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_numbers_are_those_of_everybody_else() {
        // From the authors' list of test vectors.
        for (text, digits) in [
            ("", "cbf29ce484222325"),
            ("a", "af63dc4c8601ec8c"),
            ("foobar", "85944171f73967e8"),
        ] {
            let mut hash = Fnv::default();
            write!(hash, "{text}").unwrap();
            assert_eq!(hash.digits(), digits);
        }
        let two = |one, other| Fnv::default().text(one).text(other).digits();
        assert_ne!(two("ab", "c"), two("a", "bc"));
    }
}
