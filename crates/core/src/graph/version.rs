//! The version of Kubernetes that serves the API.

use std::fmt;
use std::str::FromStr;

/// Major and minor: what decides how the API server and the kubelets of that time behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

impl Version {
    /// `Version::new(1, 37)`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads the two parts as `/version` has them: a minor of `37+` is one that its vendor changed.
    #[must_use]
    pub fn of_parts(major: &str, minor: &str) -> Option<Self> {
        Some(Self::new(
            major.parse().ok()?,
            minor.trim_end_matches('+').parse().ok()?,
        ))
    }
}

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    /// Reads `1.37`, and `v1.37.2-gke.100` as the same.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
        let (major, minor) = (parts.next(), parts.next());
        major
            .zip(minor)
            .and_then(|(major, minor)| Self::of_parts(major, minor))
            .ok_or(NoVersion)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor } = self;
        write!(f, "{major}.{minor}")
    }
}

impl fmt::Display for NoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a version of Kubernetes, such as 1.37")
    }
}

impl std::error::Error for NoVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_people_and_servers_write_them() {
        let version = Ok(Version::new(1, 37));
        for text in ["1.37", "v1.37", "1.37.2", "v1.37.2-gke.100", "1.37+"] {
            assert_eq!(text.parse(), version, "{text}");
        }
        for text in ["", "1", "v", "1.x", "one.37", "1.37-rc.1", "-1.37", "1.99999"] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion), "{text}");
        }
        assert_eq!(Version::of_parts("1", "37+"), version.ok());
        assert!(Version::new(1, 9) < Version::new(1, 37));
    }
}
