//! Patterns for names of namespaces.

/// The longest name that a namespace may have (RFC 1123 label).
const LONGEST: usize = 63;

/// A name in which `*` stands for any characters, also none, and `?` for exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    /// As a regular expression, for the schema.
    pub(super) const PATTERN: &str = "^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$";
    /// The most characters.
    pub(super) const LONGEST: usize = LONGEST;

    /// Parses a pattern; `None` where no namespace could have such a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let possible = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'*' | b'?');
        let valid = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(possible)
            && !text.starts_with('-')
            && !text.ends_with('-');
        valid.then(|| Self(text.into()))
    }

    /// Returns true where `name` fits.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where to go on if the last `*` has to stand for one character more.
        let mut retry = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    retry = Some((p + 1, n));
                    p += 1;
                }
                Some(c) if *c == b'?' || *c == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((after, from)) = retry else { return false };
                    retry = Some((after, from + 1));
                    p = after;
                    n = from + 1;
                }
            }
        }
        pattern[p..].iter().all(|c| *c == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn wildcards_stand_for_characters() {
        for (pattern, name) in [
            ("shop", "shop"),
            ("*", "shop"),
            ("legacy-*", "legacy-"),
            ("legacy-*", "legacy-a-b"),
            ("*-prod-*", "a-prod-prod-b"),
            ("team-?", "team-a"),
            ("a**b", "ab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("shop", "shops"),
            ("legacy-*", "legacy"),
            ("team-?", "team-"),
            ("team-?", "team-ab"),
            ("*-prod", "a-prod-b"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_no_namespace_is_called_is_no_pattern() {
        for text in ["", "-a", "a-", "Shop", "a.b", "a_b", "[a-z]", "!a", "{a,b}", "a b", "ä"] {
            assert_eq!(Glob::parse(text), None, "{text}");
        }
        assert!(Glob::parse(&"a".repeat(63)).is_some());
        assert_eq!(Glob::parse(&"a".repeat(64)), None);
    }
}
