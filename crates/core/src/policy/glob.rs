//! Patterns for names.

/// A name in which `*` stands for any characters, also none, and `?` for exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

/// Whose names a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// An RFC 1123 label.
    Namespace,
    /// An RFC 1123 subdomain.
    Workload,
}

impl Of {
    /// As one says it.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Workload => "workload",
        }
    }

    /// The most characters of a name.
    pub(super) const fn longest(self) -> usize {
        match self {
            Self::Namespace => 63,
            Self::Workload => 253,
        }
    }

    /// What a name is made of beside letters and digits.
    pub(super) const fn further(self) -> &'static str {
        match self {
            Self::Namespace => "-",
            Self::Workload => "-.",
        }
    }

    /// A pattern as a regular expression, for the schema.
    pub(super) fn pattern(self) -> String {
        let further = self.further();
        format!("^[a-z0-9*?]([{further}a-z0-9*?]*[a-z0-9*?])?$")
    }
}

impl Glob {
    /// Parses a pattern; `None` where nothing of that sort could have such a name.
    #[must_use]
    pub fn parse(text: &str, of: Of) -> Option<Self> {
        let further = |c: char| of.further().contains(c);
        let possible = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '*' | '?') || further(c);
        let valid = (1..=of.longest()).contains(&text.len())
            && text.chars().all(possible)
            && !text.starts_with(further)
            && !text.ends_with(further);
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
        Glob::parse(pattern, Of::Namespace).unwrap().matches(name)
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
    fn what_nothing_is_called_is_no_pattern() {
        for of in [Of::Namespace, Of::Workload] {
            for text in ["", "-a", "a-", "a.", "Shop", "a_b", "[a-z]", "!a", "{a,b}", "a b", "ä"] {
                assert_eq!(Glob::parse(text, of), None, "{text}");
            }
            let longest = of.longest();
            assert!(Glob::parse(&"a".repeat(longest), of).is_some());
            assert_eq!(Glob::parse(&"a".repeat(longest + 1), of), None);
        }
        assert_eq!(Glob::parse("a.b", Of::Namespace), None);
        assert!(Glob::parse("web-?.v*", Of::Workload).is_some());
    }
}
