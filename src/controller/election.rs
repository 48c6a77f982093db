//! Who leads, decided from what a Lease said and when we saw it change. Pure: time is an argument.
//!
//! As client-go does it: clocks of different machines are never compared. How old somebody's Lease is, is the time by
//! our own clock, which nobody sets, since we saw its record change; and of two who write at once, the API server
//! refuses one by the `resourceVersion`.

use std::time::{Duration, Instant};

/// Nobody takes a Lease from a holder that it saw alive so lately. With [`RETRY`] before and after, a follower takes
/// over within 14 s.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// A leader that could not renew for so long is none any more: sooner than anybody may take the Lease from it.
pub(super) const RENEW: Duration = Duration::from_secs(7);
/// How often the Lease is looked at, and renewed.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// What a Lease says of its holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Empty where it was released.
    pub(super) holder: String,
    /// As it is written: a renewal changes it, and nothing else is concluded from it.
    pub(super) renewed: String,
}

/// What to do about the Lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// There is none.
    Create,
    Renew,
    /// It was released, or its holder shows no sign of life.
    Take,
    Wait,
}

/// One replica that would lead.
#[derive(Debug)]
pub(super) struct Candidate {
    identity: String,
    /// What the Lease said last, and when that was new.
    seen: Option<(Record, Instant)>,
    /// When the request began that made us leader, or kept us so.
    held: Option<Instant>,
}

impl Candidate {
    pub(super) fn new(identity: String) -> Self {
        Self {
            identity,
            seen: None,
            held: None,
        }
    }

    /// Decides by what the Lease says now. Who finds another holder leads no longer.
    pub(super) fn decide(&mut self, lease: Option<&Record>, now: Instant) -> Move {
        let Some(record) = lease else {
            self.held = None;
            return Move::Create;
        };
        let since = match &self.seen {
            Some((seen, since)) if seen == record => *since,
            _ => {
                self.seen = Some((record.clone(), now));
                now
            }
        };
        if record.holder == self.identity {
            return Move::Renew;
        }
        self.held = None;
        if record.holder.is_empty() || now.saturating_duration_since(since) >= LEASE {
            Move::Take
        } else {
            Move::Wait
        }
    }

    /// The Lease is ours by a request that began then.
    pub(super) fn held(&mut self, began: Instant) {
        self.held = Some(began);
    }

    /// Somebody else was quicker.
    pub(super) fn lost(&mut self) {
        self.held = None;
    }

    /// Until when this one leads, if nothing else happens.
    pub(super) fn leads_until(&self) -> Option<Instant> {
        self.held.map(|began| began + RENEW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, renewed: u32) -> Record {
        Record {
            holder: holder.to_owned(),
            renewed: renewed.to_string(),
        }
    }

    #[test]
    fn a_lease_that_is_missing_or_released_is_taken_at_once() {
        let (mut a, now) = (Candidate::new("a".to_owned()), Instant::now());
        assert_eq!(a.decide(None, now), Move::Create);
        assert_eq!(a.decide(Some(&record("", 1)), now), Move::Take);
        assert_eq!(a.leads_until(), None, "before the API server has agreed");
        a.held(now);
        assert_eq!(a.leads_until(), Some(now + RENEW));
        assert_eq!(a.decide(Some(&record("a", 2)), now), Move::Renew);
    }

    #[test]
    fn a_holder_keeps_it_for_as_long_as_its_record_changes() {
        let (mut b, start) = (Candidate::new("b".to_owned()), Instant::now());
        for round in 0..10 {
            let now = start + RETRY * round;
            assert_eq!(b.decide(Some(&record("a", round)), now), Move::Wait);
        }
        let last = start + RETRY * 9;
        let nearly = last + LEASE - Duration::from_millis(1);
        assert_eq!(b.decide(Some(&record("a", 9)), nearly), Move::Wait);
        assert_eq!(b.decide(Some(&record("a", 9)), last + LEASE), Move::Take);
        // Whoever was quicker is as new as the sight of it.
        assert_eq!(b.decide(Some(&record("c", 9)), last + LEASE), Move::Wait);
    }

    #[test]
    fn what_a_holder_says_of_the_time_means_nothing() {
        let (mut b, now) = (Candidate::new("b".to_owned()), Instant::now());
        let ancient = Record {
            holder: "a".to_owned(),
            renewed: "1970-01-01T00:00:00Z".to_owned(),
        };
        assert_eq!(b.decide(Some(&ancient), now), Move::Wait);
        assert_eq!(b.decide(Some(&ancient), now + LEASE), Move::Take);
    }

    #[test]
    fn who_finds_another_holder_leads_no_longer() {
        let (mut a, now) = (Candidate::new("a".to_owned()), Instant::now());
        a.held(now);
        assert_eq!(a.decide(Some(&record("b", 1)), now), Move::Wait);
        assert_eq!(a.leads_until(), None);
        a.held(now);
        assert_eq!(a.decide(None, now), Move::Create);
        assert_eq!(a.leads_until(), None, "somebody has removed it");
    }

    #[test]
    fn a_leader_is_none_before_anybody_may_take_its_place() {
        // It renews, dies at once, and another saw the renewal without delay.
        let start = Instant::now();
        let (mut a, mut b) = (Candidate::new("a".to_owned()), Candidate::new("b".to_owned()));
        a.held(start);
        b.decide(Some(&record("a", 1)), start);
        let taken = start + LEASE;
        assert_eq!(b.decide(Some(&record("a", 1)), taken), Move::Take);
        assert!(a.leads_until().unwrap() < taken);
        // And 15 s after its death at the latest another leads.
        assert!(RETRY + LEASE + RETRY < Duration::from_secs(15));
    }
}
