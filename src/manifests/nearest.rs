//! The name a user probably meant, for "did you mean" in messages.

/// Longer names are no typing slips, and comparing them would cost time.
const LONGEST: usize = 64;

/// Returns the candidate nearest to `name`, if one is near enough to be meant; the first of equals.
///
/// Near enough is: the same but for case, or at most one edit for every three letters.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted: Vec<char> = lowered(name)?;
    let allowed = (wanted.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(letters) = lowered(candidate) else { continue };
        if letters.len().abs_diff(wanted.len()) > allowed {
            continue;
        }
        let distance = edits(&wanted, &letters);
        // One edit turns any name of one letter into any other: that is no likeness.
        let near = distance <= allowed && distance < wanted.len().max(letters.len());
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn lowered(name: &str) -> Option<Vec<char>> {
    (name.len() <= LONGEST).then(|| name.chars().flat_map(char::to_lowercase).collect())
}

/// Counts the insertions, deletions, replacements and swaps of neighbours between two names.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    last[b.len()]
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
