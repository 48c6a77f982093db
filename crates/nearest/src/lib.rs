//! The name a user probably meant, for "did you mean" in messages.

/// Longer names are no typing slips, and comparing them would cost time.
const LONGEST: usize = 64;

/// Returns the candidate nearest to `name`, if one is near enough to be meant; the first of equals.
///
/// Near enough is: the same but for case, or at most one edit (insertion, deletion, replacement, swap of neighbours)
/// for every three letters.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = lowered(name)?;
    let length = wanted.chars().count();
    let allowed = (length / 3).max(1);
    let distance = |candidate: &'c str| {
        let letters = lowered(candidate)?;
        let distance = strsim::osa_distance(&wanted, &letters);
        // One edit turns any name of one letter into any other: that is no likeness.
        let near = distance <= allowed && distance < length.max(letters.chars().count());
        near.then_some((distance, candidate))
    };
    let near = candidates.into_iter().filter_map(distance);
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn lowered(name: &str) -> Option<String> {
    (name.len() <= LONGEST).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [&str; 4] = ["rwo-replicas", "rwo-surge", "service-missing", "zero-grace"];

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest("rwo-replica", RULES), Some("rwo-replicas"));
        assert_eq!(nearest("rwo-sruge", RULES), Some("rwo-surge"));
        assert_eq!(nearest("RWO-Surge", RULES), Some("rwo-surge"));
        assert_eq!(nearest("actoins", ["action", "actions"]), Some("actions"));
    }

    #[test]
    fn other_names_are_not() {
        assert_eq!(nearest("host-namespaces", RULES), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("", RULES), None);
        assert_eq!(nearest(&"x".repeat(100_000), RULES), None);
    }
}
