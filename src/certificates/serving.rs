//! When a replica signs a new leaf, and by whom. Pure: time is an argument.

use std::time::{Duration, Instant};

use super::authority::Validity;
use super::contents::Authorities;

/// An authority that comes unannounced has to be known for so long before we sign by it, while there is another leaf
/// that holds: somebody put another Secret in place, and the leader tells the API servers of it meanwhile.
pub(super) const UNANNOUNCED: Duration = Duration::from_secs(10);

/// The leaf that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The fingerprint of its authority.
    pub(super) issuer: String,
    pub(super) validity: Validity,
}

/// What a replica remembers for this.
#[derive(Debug, Default)]
pub(super) struct Serving {
    pub(super) leaf: Option<Leaf>,
    /// The authorities that the Secret named last, and since when.
    known: Vec<(String, Instant)>,
}

impl Serving {
    /// Whether to sign a new leaf by the present authority now.
    pub(super) fn is_due(&mut self, authorities: &Authorities, now: i64, at: Instant) -> bool {
        let known = std::mem::take(&mut self.known);
        let since = |fingerprint: &String| known.iter().find(|(known, _)| known == fingerprint).map(|(_, at)| *at);
        self.known = fingerprints(authorities)
            .map(|fingerprint| (fingerprint.clone(), since(fingerprint).unwrap_or(at)))
            .collect();
        let current = &authorities.current.trusted;
        if !current.validity.holds(now) {
            return false;
        }
        let Some(leaf) = &self.leaf else { return true };
        if !leaf.validity.holds(now) {
            return true;
        }
        if leaf.issuer == current.fingerprint {
            return leaf.validity.is_due(now) && leaf.validity.not_after < current.validity.not_after
                || leaf.validity.not_before > now;
        }
        let known = self.known.first().map_or(at, |(_, known)| *known);
        at.saturating_duration_since(known) >= UNANNOUNCED
    }

    /// The authorities that are known here.
    pub(super) fn known(&self) -> impl Iterator<Item = &String> {
        self.known.iter().map(|(fingerprint, _)| fingerprint)
    }
}

/// The fingerprints of those that sign or will, the present one first.
fn fingerprints(authorities: &Authorities) -> impl Iterator<Item = &String> {
    let both = std::iter::once(&authorities.current).chain(&authorities.next);
    both.map(|authority| &authority.trusted.fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use std::sync::Arc;

    const NOW: i64 = 1_800_000_000;

    fn authority() -> Arc<Authority> {
        Arc::new(Authority::make(Duration::from_secs(600), NOW).unwrap())
    }

    fn only(current: &Arc<Authority>) -> Authorities {
        Authorities {
            current: current.clone(),
            next: None,
            previous: Vec::new(),
        }
    }

    fn signed(serving: &mut Serving, by: &Authority, life: u64, now: i64) {
        let signed = by.sign(&["a.test".to_owned()], Duration::from_secs(life), now).unwrap();
        serving.leaf = Some(Leaf {
            issuer: by.trusted.fingerprint.clone(),
            validity: signed.validity,
        });
    }

    #[test]
    fn a_leaf_is_signed_at_once_and_renewed_at_two_thirds() {
        let (mut serving, at, one) = (Serving::default(), Instant::now(), authority());
        let held = only(&one);
        assert!(serving.is_due(&held, NOW, at));
        signed(&mut serving, &one, 90, NOW);
        assert!(!serving.is_due(&held, NOW + 59, at));
        assert!(serving.is_due(&held, NOW + 60, at));
        assert!(serving.is_due(&held, NOW + 90, at));
        assert!(serving.is_due(&held, NOW - 7_200, at) || !one.trusted.validity.holds(NOW - 7_200));
        // One that ends with its authority cannot be made longer.
        signed(&mut serving, &one, 600, NOW + 300);
        assert!(!serving.is_due(&held, NOW + 590, at));
        assert!(!serving.is_due(&held, NOW + 600, at), "the authority itself is over");
    }

    #[test]
    fn an_announced_authority_signs_as_soon_as_it_shall() {
        let (mut serving, start) = (Serving::default(), Instant::now());
        let (one, other) = (authority(), authority());
        signed(&mut serving, &one, 300, NOW);
        let announced = Authorities {
            next: Some(other.clone()),
            ..only(&one)
        };
        assert!(!serving.is_due(&announced, NOW, start));
        assert_eq!(
            serving.known().collect::<Vec<_>>(),
            [&one.trusted.fingerprint, &other.trusted.fingerprint]
        );
        let later = start + UNANNOUNCED;
        assert!(!serving.is_due(&announced, NOW + 10, later));
        assert!(serving.is_due(&only(&other), NOW + 10, later));
    }

    #[test]
    fn an_unannounced_one_has_to_wait_unless_there_is_nothing_to_serve() {
        let (mut serving, start) = (Serving::default(), Instant::now());
        let (one, other) = (authority(), authority());
        signed(&mut serving, &one, 300, NOW);
        assert!(!serving.is_due(&only(&one), NOW, start));
        assert!(!serving.is_due(&only(&other), NOW, start));
        assert!(!serving.is_due(&only(&other), NOW, start + UNANNOUNCED / 2));
        assert!(serving.is_due(&only(&other), NOW, start + UNANNOUNCED));
        let mut serving = Serving::default();
        signed(&mut serving, &one, 30, NOW);
        assert!(serving.is_due(&only(&other), NOW + 30, start), "ours is over");
    }
}
