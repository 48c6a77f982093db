//! Whether what is known now is as much as was known before: while it is less, what was found stays as it is.

use std::time::{Duration, Instant};

use crate::graph::{Facts, Kind, Knowledge};

/// For so long a loss of knowledge counts as passing: a watch that broke, an API server that restarts, a role that is
/// replaced. Afterwards it is how things are.
const PATIENCE: Duration = Duration::from_mins(10);

/// What was known of each kind when it was last good enough to judge by. Pure: time is an argument.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    accepted: Vec<(Kind, Knowledge)>,
    worse_since: Option<Instant>,
}

impl Steadiness {
    /// Whether to judge by these facts. Less than before makes violations vanish that are still there, and unknown what
    /// was known.
    pub(super) fn judges(&mut self, facts: &Facts, now: Instant) -> bool {
        let known: Vec<(Kind, Knowledge)> = facts.kinds.iter().map(|kind| (kind, facts.knowledge(kind))).collect();
        let worse = self
            .accepted
            .iter()
            .zip(&known)
            .any(|((_, before), (_, now))| rank(*now) < rank(*before));
        if worse {
            let since = *self.worse_since.get_or_insert(now);
            if now.saturating_duration_since(since) < PATIENCE {
                return false;
            }
        }
        self.worse_since = None;
        self.accepted = known;
        true
    }
}

fn rank(knowledge: Knowledge) -> u8 {
    match knowledge {
        Knowledge::Unavailable => 0,
        Knowledge::Partial => 1,
        Knowledge::Complete => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    #[test]
    fn a_loss_is_waited_out_and_then_believed() {
        let (mut steadiness, start) = (Steadiness::default(), Instant::now());
        let mut facts = Facts::new(Knowledge::Complete);
        assert!(steadiness.judges(&facts, start));
        facts.set_knowledge(Kind::CLAIM, Knowledge::Unavailable);
        assert!(!steadiness.judges(&facts, start));
        assert!(!steadiness.judges(&facts, start + PATIENCE - Duration::from_secs(1)));
        facts.set_knowledge(Kind::CLAIM, Knowledge::Complete);
        assert!(steadiness.judges(&facts, start + PATIENCE - Duration::from_secs(1)));

        // The next loss begins anew.
        let start = start + PATIENCE;
        facts.set_knowledge(Kind::CLAIM, Knowledge::Partial);
        assert!(!steadiness.judges(&facts, start));
        assert!(steadiness.judges(&facts, start + PATIENCE));
        assert!(steadiness.judges(&facts, start + PATIENCE), "it is how things are");
    }
}
