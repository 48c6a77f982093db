//! Whom the configurations shall trust. Pure: time is an argument.

use std::time::{Duration, Instant};

use super::bundle::{Carried, Trusted};
use super::rotation::Situation;
use crate::controller::Signing;

/// Whom a leader has seen trusted, and how long ago each was of use.
#[derive(Debug)]
pub(super) struct Trusting {
    settle: Duration,
    /// When each was last of use; `None` while nothing was looked at.
    used: Option<Vec<(Trusted, Option<Instant>)>>,
}

impl Trusting {
    pub(super) fn new(settle: Duration) -> Self {
        Self { settle, used: None }
    }

    /// Whom the configurations shall trust: what is said, and of those whom they trusted already whoever signed for a
    /// replica that has not followed yet, is known to one, or was of use a while ago. Files come late to some replicas,
    /// and somebody may put another Secret in the place of ours.
    pub(super) fn whom(&mut self, said: Vec<Trusted>, situation: &Situation<'_>, at: Instant) -> Vec<Trusted> {
        let mut all = said;
        let Some(configurations) = situation.configurations else {
            return all;
        };
        // What was there before we led was of use, as far as we know; what somebody adds later is not.
        let before = self.used.is_none().then_some(at);
        let mut used = self.used.take().unwrap_or_default();
        for trusted in configurations.iter().flat_map(Carried::trusted) {
            if !used.iter().any(|(known, _)| *known == trusted) {
                used.push((trusted, before));
            }
        }
        used.retain_mut(|(trusted, last)| {
            let Trusted {
                fingerprint, validity, ..
            } = &*trusted;
            let uses = |replica: &Signing| {
                // Who says nothing may be signed by any.
                replica.issuer.is_empty() || replica.issuer == *fingerprint || replica.known.contains(fingerprint)
            };
            if situation.replicas.is_empty() || situation.replicas.iter().any(uses) {
                *last = Some(at);
            }
            let lately = |last: Instant| last == at || at.saturating_duration_since(last) < self.settle;
            last.is_some_and(lately) && validity.holds(situation.now)
        });
        let others = used.iter().map(|(trusted, _)| trusted).filter(|it| !all.contains(it));
        let others: Vec<Trusted> = others.cloned().collect();
        all.extend(others);
        self.used = Some(used);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::Authority;
    use crate::certificates::bundle::{Entry, pem};
    use crate::certificates::rotation::Secret;

    const MADE: i64 = 1_800_000_000;
    const SETTLE: Duration = Duration::from_secs(10);

    fn authority() -> Trusted {
        Authority::make(Duration::from_secs(300), MADE).unwrap().trusted
    }

    fn carried(trusted: &[Trusted]) -> Vec<Carried> {
        let entries = vec![Entry {
            name: "a".to_owned(),
            bundle: pem(trusted).into_bytes(),
        }];
        let carried = Carried {
            entries,
            ..Carried::default()
        };
        vec![carried.clone(), carried]
    }

    fn signing(issuer: &Trusted, known: &[&Trusted]) -> Signing {
        Signing {
            issuer: issuer.fingerprint.clone(),
            known: known.iter().map(|known| known.fingerprint.clone()).collect(),
        }
    }

    /// The world as a leader finds it.
    struct Found {
        said: Trusted,
        configurations: Vec<Carried>,
        replicas: Vec<Signing>,
        now: i64,
    }

    impl Found {
        fn new() -> Self {
            let said = authority();
            Self {
                configurations: carried(std::slice::from_ref(&said)),
                replicas: vec![signing(&said, &[&said]); 2],
                said,
                now: MADE + 10,
            }
        }

        /// Whom the configurations shall trust beside what is said.
        fn others(&self, trusting: &mut Trusting, at: Instant) -> Vec<Trusted> {
            let situation = Situation {
                secret: Secret::Unknown,
                kept: None,
                configurations: Some(&self.configurations),
                replicas: &self.replicas,
                now: self.now,
            };
            let mut trusted = trusting.whom(vec![self.said.clone()], &situation, at);
            assert_eq!(trusted.remove(0), self.said);
            trusted
        }
    }

    #[test]
    fn whoever_is_of_use_to_a_replica_stays_trusted() {
        let (mut found, mut trusting, start) = (Found::new(), Trusting::new(SETTLE), Instant::now());
        let all = [(); 3].map(|()| authority());
        let [former, known, _] = &all;
        found.configurations = carried(&all);
        found.replicas[1] = signing(former, &[known]);
        assert_eq!(
            found.others(&mut trusting, start),
            all,
            "of use before, as far as we know"
        );
        assert_eq!(found.others(&mut trusting, start + SETTLE), all[..2]);
        found.configurations = carried(&[]);
        assert_eq!(
            found.others(&mut trusting, start + SETTLE),
            all[..2],
            "whatever others write"
        );
        // Until nobody has had a use for it for a while.
        found.replicas[1] = found.replicas[0].clone();
        assert_eq!(found.others(&mut trusting, start + SETTLE + SETTLE / 2), all[..2]);
        assert_eq!(found.others(&mut trusting, start + 2 * SETTLE), []);
        found.configurations = carried(&all);
        assert_eq!(
            found.others(&mut trusting, start + 2 * SETTLE),
            [],
            "it is added by others"
        );
    }

    #[test]
    fn nothing_is_taken_away_from_those_who_are_not_known() {
        let (mut found, mut trusting, start) = (Found::new(), Trusting::new(SETTLE), Instant::now());
        let other = [authority()];
        found.configurations = carried(&other);
        let replicas = std::mem::take(&mut found.replicas);
        for later in 0..3 {
            let at = start + later * SETTLE;
            assert_eq!(found.others(&mut trusting, at), other, "they were not listed");
        }
        found.replicas = vec![replicas[0].clone(), Signing::default()];
        for later in 3..6 {
            let at = start + later * SETTLE;
            assert_eq!(found.others(&mut trusting, at), other, "one says nothing");
        }
        found.now = MADE + 300;
        assert_eq!(
            found.others(&mut trusting, start + 6 * SETTLE),
            [],
            "what is over helps nobody"
        );
    }
}
