//! What the leader does about the authority, decided from what there is. Pure: time is an argument.
//!
//! ```text
//!           two thirds of its life are over        everybody trusts and knows it      nobody is signed by it
//!  current ---------------------------------> + next ------------------------> + previous ---------------> current
//! ```
//!
//! The state is in the Secret alone, so that another leader goes on wherever one stopped. Each step waits for what it
//! rests on: that both configurations carry what is trusted, and what every replica says of itself. How long that has
//! been so is counted by our own clock from when we saw it; a new leader counts anew.

use std::time::{Duration, Instant};

use super::authority::{Authority, AuthorityError};
use super::bundle::Carried;
use super::contents::Authorities;
use crate::controller::Signing;

/// What is known of the Secret.
#[derive(Clone, Copy, Debug)]
pub(super) enum Secret<'a> {
    /// It was not listed yet.
    Unknown,
    Absent,
    /// It holds no authority that could sign.
    Unusable,
    /// `whole`: and nothing else.
    Held {
        authorities: &'a Authorities,
        whole: bool,
    },
}

/// All that the leader looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    pub(super) secret: Secret<'a>,
    /// What the Secret last said when it was good.
    pub(super) kept: Option<&'a Authorities>,
    /// Those configurations that there are; `None` while they are not known.
    pub(super) configurations: Option<&'a [Carried]>,
    /// What the replicas that live say of themselves; empty while that is not known.
    pub(super) replicas: &'a [Signing],
    /// By the clock on the wall.
    pub(super) now: i64,
}

/// What to write into the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A next authority beside the present one.
    Announce,
    /// A new authority in place of everything.
    Begin,
    /// What it says already, in order.
    Mend,
    /// What it last said.
    Restore,
    /// The previous authorities go.
    Retire,
    /// The next authority signs from now on.
    Switch,
    /// The next authority goes: it would be over before it was used.
    Withdraw,
}

impl Change {
    /// What the Secret shall say after it, which says `held` now; `None` where there is nothing that it could change.
    pub(super) fn apply(
        self,
        held: Option<&Authorities>,
        kept: Option<&Authorities>,
        make: impl FnOnce() -> Result<Authority, AuthorityError>,
    ) -> Result<Option<Authorities>, AuthorityError> {
        Ok(match (self, held.cloned()) {
            (Self::Begin, _) => Some(Authorities::of(make()?)),
            (Self::Restore, _) => kept.cloned(),
            (_, None) => None,
            (Self::Announce, Some(held)) => Some(held.announcing(make()?)),
            (Self::Mend, Some(held)) => Some(held),
            (Self::Retire, Some(held)) => Some(held.retired()),
            (Self::Switch, Some(held)) => Some(held.switched()),
            (Self::Withdraw, Some(held)) => Some(held.withdrawn()),
        })
    }
}

/// What has to hold for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    /// Everybody knows and trusts this one.
    Known(String),
    /// Everybody is signed by this one.
    Signs(String),
}

/// How long what a rotation waits for has been so.
#[derive(Debug)]
pub(super) struct Rotation {
    settle: Duration,
    since: Option<(Condition, Instant)>,
}

impl Rotation {
    pub(super) fn new(settle: Duration) -> Self {
        Self { settle, since: None }
    }

    /// Decides what to write next; mostly nothing.
    pub(super) fn decide(&mut self, situation: &Situation<'_>, at: Instant) -> Option<Change> {
        let Situation { now, replicas, .. } = *situation;
        let (authorities, whole) = match situation.secret {
            Secret::Unknown => return None,
            Secret::Absent | Secret::Unusable => {
                let kept = situation.kept.filter(|kept| kept.current.trusted.validity.holds(now));
                return Some(kept.map_or(Change::Begin, |_| Change::Restore));
            }
            Secret::Held { authorities, whole } => (authorities, whole),
        };
        if !whole {
            let same = situation.kept.is_some_and(|kept| kept.current == authorities.current);
            return Some(if same { Change::Restore } else { Change::Mend });
        }
        let current = &authorities.current.trusted;
        let next = authorities.next.as_ref().map(|next| &next.trusted);
        if now >= current.validity.not_after {
            // Nobody accepts it any more, so that there is nothing to wait for.
            let usable = next.is_some_and(|next| next.validity.holds(now));
            return Some(if usable { Change::Switch } else { Change::Begin });
        }
        if !authorities.previous.is_empty() {
            let signs = everybody(replicas, |replica| replica.issuer == current.fingerprint);
            return self
                .settled(Condition::Signs(current.fingerprint.clone()), signs, at)
                .then_some(Change::Retire);
        }
        let Some(next) = next else {
            self.since = None;
            return current.validity.is_due(now).then_some(Change::Announce);
        };
        if next.validity.is_due(now) {
            return Some(Change::Withdraw);
        }
        let known = everybody(replicas, |replica| replica.known.contains(&next.fingerprint));
        let trusted = situation
            .configurations
            .is_some_and(|all| all.iter().all(|carried| carried.trusts(&next.fingerprint)));
        // A replica that does not know it goes on with what it has, which stays trusted; better than that all run out.
        let known = known || current.validity.is_late(now);
        self.settled(Condition::Known(next.fingerprint.clone()), known && trusted, at)
            .then_some(Change::Switch)
    }

    /// Whether something has been so for long enough.
    fn settled(&mut self, condition: Condition, holds: bool, at: Instant) -> bool {
        match &self.since {
            _ if !holds => {
                self.since = None;
                false
            }
            Some((known, since)) if *known == condition => at.saturating_duration_since(*since) >= self.settle,
            _ => {
                self.since = Some((condition, at));
                self.settle.is_zero()
            }
        }
    }
}

fn everybody(replicas: &[Signing], holds: impl Fn(&Signing) -> bool) -> bool {
    !replicas.is_empty() && replicas.iter().all(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::bundle::{Entry, Trusted, pem};
    use std::sync::Arc;

    const MADE: i64 = 1_800_000_000;
    const LIFE: Duration = Duration::from_secs(300);
    const SETTLE: Duration = Duration::from_secs(10);

    fn authority(made: i64) -> Arc<Authority> {
        Arc::new(Authority::make(LIFE, made).unwrap())
    }

    /// The world as a leader finds it, in order unless a test changes it.
    struct Found {
        authorities: Authorities,
        kept: Option<Authorities>,
        configurations: Option<Vec<Carried>>,
        replicas: Vec<Signing>,
        now: i64,
    }

    fn carried(trusted: &[Trusted]) -> Vec<Carried> {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bundle: pem(trusted).into_bytes(),
        };
        let carried = Carried {
            version: "1".to_owned(),
            entries: vec![entry("a"), entry("b")],
            others: None,
        };
        vec![carried.clone(), carried]
    }

    fn signing(issuer: &Authority, known: &[&Authority]) -> Signing {
        Signing {
            issuer: issuer.trusted.fingerprint.clone(),
            known: known.iter().map(|known| known.trusted.fingerprint.clone()).collect(),
        }
    }

    impl Found {
        fn new(authorities: Authorities, now: i64) -> Self {
            let known: Vec<&Authority> = std::iter::once(&authorities.current)
                .chain(&authorities.next)
                .map(|known| &**known)
                .collect();
            let replica = signing(&authorities.current, &known);
            Self {
                kept: None,
                configurations: Some(carried(&authorities.trusted())),
                replicas: vec![replica.clone(), replica],
                now,
                authorities,
            }
        }

        fn situation<'a>(&'a self, secret: Secret<'a>) -> Situation<'a> {
            Situation {
                secret,
                kept: self.kept.as_ref(),
                configurations: self.configurations.as_deref(),
                replicas: &self.replicas,
                now: self.now,
            }
        }

        fn decide(&self, rotation: &mut Rotation, at: Instant) -> Option<Change> {
            let secret = Secret::Held {
                authorities: &self.authorities,
                whole: true,
            };
            rotation.decide(&self.situation(secret), at)
        }

        fn once(&self) -> Option<Change> {
            self.decide(&mut Rotation::new(SETTLE), Instant::now())
        }

        /// What a leader decides that sees this for as long as it takes.
        fn after_a_while(&self) -> Option<Change> {
            let (mut rotation, start) = (Rotation::new(SETTLE), Instant::now());
            assert_eq!(self.decide(&mut rotation, start), None);
            assert_eq!(self.decide(&mut rotation, start + SETTLE / 2), None);
            self.decide(&mut rotation, start + SETTLE)
        }
    }

    fn steady(now: i64) -> Found {
        Found::new(
            Authorities {
                current: authority(MADE),
                next: None,
                previous: Vec::new(),
            },
            now,
        )
    }

    fn announced(now: i64) -> Found {
        Found::new(
            Authorities {
                current: authority(MADE),
                next: Some(authority(MADE + 200)),
                previous: Vec::new(),
            },
            now,
        )
    }

    fn retiring(now: i64) -> Found {
        Found::new(
            Authorities {
                current: authority(MADE + 200),
                next: None,
                previous: vec![authority(MADE).trusted.clone()],
            },
            now,
        )
    }

    #[test]
    fn nothing_is_done_before_the_secret_was_seen() {
        let found = steady(MADE + 250);
        let situation = found.situation(Secret::Unknown);
        assert_eq!(Rotation::new(SETTLE).decide(&situation, Instant::now()), None);
    }

    #[test]
    fn what_is_missing_is_made_or_put_back() {
        let mut found = steady(MADE + 10);
        for secret in [Secret::Absent, Secret::Unusable] {
            let decide = |found: &Found| Rotation::new(SETTLE).decide(&found.situation(secret), Instant::now());
            found.kept = None;
            assert_eq!(decide(&found), Some(Change::Begin));
            found.kept = Some(found.authorities.clone());
            assert_eq!(decide(&found), Some(Change::Restore));
            found.now = MADE + 300;
            assert_eq!(decide(&found), Some(Change::Begin), "what is over is not put back");
            found.now = MADE + 10;
        }
    }

    #[test]
    fn what_was_meddled_with_is_put_in_order() {
        let mut found = steady(MADE + 10);
        let decide = |found: &Found| {
            let secret = Secret::Held {
                authorities: &found.authorities,
                whole: false,
            };
            Rotation::new(SETTLE).decide(&found.situation(secret), Instant::now())
        };
        assert_eq!(decide(&found), Some(Change::Mend));
        found.kept = Some(announced(MADE).authorities);
        assert_eq!(decide(&found), Some(Change::Mend), "another authority is there now");
        found.kept = Some(found.authorities.clone());
        assert_eq!(decide(&found), Some(Change::Restore));
    }

    #[test]
    fn the_next_is_announced_when_two_thirds_are_over() {
        assert_eq!(steady(MADE + 199).once(), None);
        assert_eq!(steady(MADE + 200).once(), Some(Change::Announce));
    }

    #[test]
    fn the_next_signs_once_everybody_knows_and_trusts_it_for_a_while() {
        assert_eq!(announced(MADE + 210).after_a_while(), Some(Change::Switch));
        let mut stuck = announced(MADE + 210);
        stuck.replicas[1].known.pop();
        assert_eq!(stuck.after_a_while(), None, "a replica that does not know it");
        let mut stuck = announced(MADE + 210);
        stuck.replicas.clear();
        assert_eq!(stuck.after_a_while(), None, "nothing is known of the replicas");
        let mut stuck = announced(MADE + 210);
        stuck.configurations = None;
        assert_eq!(stuck.after_a_while(), None, "nothing is known of the configurations");
        let mut stuck = announced(MADE + 210);
        stuck.configurations.as_mut().unwrap()[1].entries[1].bundle.clear();
        assert_eq!(stuck.after_a_while(), None, "an entry that was cleared");
    }

    #[test]
    fn what_ceases_in_between_is_waited_for_anew() {
        let mut found = announced(MADE + 210);
        let (mut rotation, start) = (Rotation::new(SETTLE), Instant::now());
        assert_eq!(found.decide(&mut rotation, start), None);
        let newcomer = signing(&found.authorities.current, &[&found.authorities.current]);
        found.replicas.push(newcomer);
        assert_eq!(found.decide(&mut rotation, start + SETTLE / 2), None);
        found.replicas.pop();
        assert_eq!(found.decide(&mut rotation, start + SETTLE), None);
        assert_eq!(found.decide(&mut rotation, start + SETTLE * 2), Some(Change::Switch));
    }

    #[test]
    fn another_leader_goes_on_and_counts_anew() {
        let found = announced(MADE + 210);
        let (mut first, start) = (Rotation::new(SETTLE), Instant::now());
        found.decide(&mut first, start);
        let mut second = Rotation::new(SETTLE);
        assert_eq!(found.decide(&mut second, start + SETTLE), None);
        assert_eq!(found.decide(&mut second, start + SETTLE * 2), Some(Change::Switch));
    }

    #[test]
    fn the_previous_goes_once_nobody_is_signed_by_it_for_a_while() {
        assert_eq!(retiring(MADE + 230).after_a_while(), Some(Change::Retire));
        let mut stuck = retiring(MADE + 230);
        stuck.replicas[0].issuer = stuck.authorities.previous[0].fingerprint.clone();
        assert_eq!(stuck.after_a_while(), None);
        // Whatever else is due waits for it.
        assert_eq!(retiring(MADE + 450).once(), None);
    }

    #[test]
    fn what_is_over_is_waited_for_no_longer() {
        let mut found = announced(MADE + 250);
        found.replicas.clear();
        assert_eq!(found.after_a_while(), Some(Change::Switch), "it is late");
        let mut found = announced(MADE + 300);
        found.replicas.clear();
        assert_eq!(found.once(), Some(Change::Switch));
        assert_eq!(steady(MADE + 300).once(), Some(Change::Begin));
        assert_eq!(announced(MADE + 500).once(), Some(Change::Begin), "both are over");
        let mut found = announced(MADE + 290);
        found.authorities.next = Some(authority(MADE));
        assert_eq!(found.once(), Some(Change::Withdraw));
    }
}
