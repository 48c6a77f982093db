//! Names as DNS allows them.

/// The longest label, in characters (RFC 1035 §2.3.4).
pub const LONGEST: usize = 63;

/// A label as RFC 1123 has it, and Kubernetes for most names: `a-z`, `0-9` and `-`, a letter or digit at both ends
/// (`apimachinery/pkg/util/validation`, `IsDNS1123Label`).
#[must_use]
pub fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (1..=LONGEST).contains(&bytes.len())
        && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
        && bytes.first().copied().is_some_and(plain)
        && bytes.last().copied().is_some_and(plain)
}

/// A label that begins with a letter, which a Service's name must on clusters before `RelaxedServiceNameValidation`
/// (`docs/kubernetes-facts.md` §1.7; `IsDNS1035Label`).
#[must_use]
pub fn is_service_name(name: &str) -> bool {
    is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_kubernetes() {
        assert!(is_label("db") && is_label("1db") && is_label(&"x".repeat(63)));
        for wrong in ["", "-db", "db-", "Db", "d.b", "d_b", &"x".repeat(64)] {
            assert!(!is_label(wrong), "{wrong}");
        }
        assert!(is_service_name("db-1") && !is_service_name("1db"));
    }
}
