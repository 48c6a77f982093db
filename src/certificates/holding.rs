//! When a replica serves what its files hold, where whom to trust is ours to write: not before the configurations trust
//! it, since the files of the leader may lag behind ours. Pure: time is an argument.

use std::time::Instant;

use super::bundle::Trusted;
use super::serving::UNANNOUNCED;
use crate::controller::Signing;
use crate::server::certificate::Certificate;
use crate::server::chain::{Verdict, verdict};
use crate::server::reload::Issued;

/// What files hold.
#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) certificate: Certificate,
    /// Whom clients shall trust.
    pub(super) authorities: Vec<Trusted>,
}

impl From<Issued> for Offered {
    fn from(issued: Issued) -> Self {
        Self {
            certificate: issued.certificate,
            authorities: issued.authorities.iter().filter_map(Trusted::read).collect(),
        }
    }
}

impl Offered {
    /// Those who may have signed it.
    fn issuers(&self, now: i64) -> Vec<Trusted> {
        let signed = |trusted: &&Trusted| {
            let only = [trusted.der.clone()];
            verdict(self.certificate.chain(), &only, "localhost", now) != Verdict::Stranger
        };
        self.authorities.iter().filter(signed).cloned().collect()
    }
}

/// What a replica serves, and remembers of what waits.
#[derive(Debug)]
pub struct Holding {
    served: Certificate,
    /// Who may have signed it.
    issuers: Vec<Trusted>,
    /// What waits, and since when all configurations trust it.
    trusted: Option<(String, Instant)>,
}

/// Why something is served from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    /// What was served is over. The new one may not be trusted yet.
    Over,
    /// Every API server had the time to learn that it is trusted.
    Trusted,
}

impl Holding {
    /// Begins to serve what there is.
    pub(super) fn new(offered: &Offered, now: i64) -> Self {
        Self {
            served: offered.certificate.clone(),
            issuers: offered.issuers(now),
            trusted: None,
        }
    }

    /// Whether to serve what files hold now, which the configurations refuse for a reason.
    pub(super) fn take(&mut self, offered: &Offered, refused: Option<&str>, now: i64, at: Instant) -> Option<Due> {
        let leaf = offered.certificate.fingerprint();
        if leaf == self.served.fingerprint() {
            self.issuers = offered.issuers(now);
            self.trusted = None;
            return None;
        }
        let since = self.trusted.take().filter(|(known, _)| *known == leaf);
        let since = since.map_or(at, |(_, since)| since);
        let trusted = refused.is_none();
        let due = if trusted && at.saturating_duration_since(since) >= UNANNOUNCED {
            Due::Trusted
        } else if now >= self.end() {
            Due::Over
        } else {
            self.trusted = trusted.then_some((leaf, since));
            return None;
        };
        *self = Self::new(offered, now);
        Some(due)
    }

    /// From when on nobody accepts what is served: it is over, or all are who may have signed it.
    fn end(&self) -> i64 {
        let issuers = self.issuers.iter().map(|issuer| issuer.validity.not_after);
        let served = self.served.not_after();
        issuers.max().map_or(served, |end| served.min(end))
    }

    /// By whom this replica is signed, and whom it knows.
    pub(super) fn signing(&self, offered: &Offered) -> Signing {
        let others = |trusted: &&Trusted| !offered.authorities.contains(trusted);
        let known = offered.authorities.iter().chain(self.issuers.iter().filter(others));
        let issuer = self.issuers.first();
        Signing {
            issuer: issuer.map(|issuer| issuer.fingerprint.clone()).unwrap_or_default(),
            known: known.map(|known| known.fingerprint.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use std::time::Duration;

    const NOW: i64 = 1_800_000_000;
    const HOUR: Duration = Duration::from_hours(1);

    /// What files hold whose CA is the first of these.
    fn offered(authorities: &[&Authority], life: Duration) -> Offered {
        let signed = authorities[0].sign(&["a.test".to_owned()], life, NOW).unwrap();
        Offered {
            certificate: signed.certificate,
            authorities: authorities.iter().map(|authority| authority.trusted.clone()).collect(),
        }
    }

    fn authorities() -> [Authority; 2] {
        [(); 2].map(|()| Authority::make(24 * HOUR, NOW).unwrap())
    }

    #[test]
    fn what_is_new_waits_until_it_has_been_trusted_for_a_while() {
        let [old, new] = authorities();
        let (served, waiting) = (offered(&[&old], HOUR), offered(&[&new], HOUR));
        let (mut holding, start) = (Holding::new(&served, NOW), Instant::now());
        assert_eq!(holding.take(&served, None, NOW, start), None, "it is served already");
        let mut look = |refused, seconds| holding.take(&waiting, refused, NOW, start + Duration::from_secs(seconds));
        assert_eq!(look(Some("a stranger"), 100), None);
        assert_eq!(look(None, 101), None);
        assert_eq!(look(None, 110), None);
        assert_eq!(look(Some("a stranger"), 111), None, "it begins anew");
        assert_eq!(look(None, 112), None);
        assert_eq!(look(None, 122), Some(Due::Trusted));
        assert_eq!(look(None, 150), None, "it is served now");
    }

    #[test]
    fn another_one_that_waits_begins_anew() {
        let [old, new] = authorities();
        let [one, other] = [(); 2].map(|()| offered(&[&new], HOUR));
        let (mut holding, start) = (Holding::new(&offered(&[&old], HOUR), NOW), Instant::now());
        assert_eq!(holding.take(&one, None, NOW, start), None);
        assert_eq!(holding.take(&other, None, NOW, start + UNANNOUNCED), None);
        assert_eq!(
            holding.take(&other, None, NOW, start + 2 * UNANNOUNCED),
            Some(Due::Trusted)
        );
    }

    #[test]
    fn nothing_waits_longer_than_what_is_served_holds() {
        let [_, new] = authorities();
        let ends = Authority::make(2 * HOUR, NOW).unwrap();
        let waiting = offered(&[&new], 3 * HOUR);
        let take = |holding: &mut Holding, now| holding.take(&waiting, Some("a stranger"), now, Instant::now());
        let mut holding = Holding::new(&offered(&[&ends], HOUR), NOW);
        assert_eq!(take(&mut holding, NOW + 3_599), None);
        assert_eq!(take(&mut holding, NOW + 3_600), Some(Due::Over));
        // So it is when only its authority is over.
        let mut served = offered(&[&new], 3 * HOUR);
        served.authorities = vec![ends.trusted];
        let mut holding = Holding::new(&served, NOW);
        holding.issuers = served.authorities;
        assert_eq!(take(&mut holding, NOW + 7_199), None);
        assert_eq!(take(&mut holding, NOW + 7_200), Some(Due::Over));
    }

    #[test]
    fn a_replica_knows_what_its_files_say_and_who_signed_what_it_serves() {
        let [old, new] = authorities();
        let served = offered(&[&old, &new], HOUR);
        let mut holding = Holding::new(&served, NOW);
        let of = |issuer: &Authority, known: &[&Authority]| Signing {
            issuer: issuer.trusted.fingerprint.clone(),
            known: known.iter().map(|known| known.trusted.fingerprint.clone()).collect(),
        };
        assert_eq!(holding.signing(&served), of(&old, &[&old, &new]));
        let waiting = offered(&[&new], HOUR);
        holding.take(&waiting, Some("a stranger"), NOW, Instant::now());
        assert_eq!(holding.signing(&waiting), of(&old, &[&new, &old]));
        holding.take(&waiting, None, NOW + 3_600, Instant::now());
        assert_eq!(holding.signing(&waiting), of(&new, &[&new]));
    }
}
