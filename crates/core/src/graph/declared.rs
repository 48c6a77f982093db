//! What is said of a kind that was registered when the process started, beyond what the table says of every kind.

use super::kind::Kind;
use super::workload::Amount;

/// What a declaration says of a kind of workload.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    pub trust: Trust,
    /// How many pods it has where nothing says how many.
    pub replicas: u32,
    /// How a workload replaces its pods: the first that applies. Where none does, old pods end first.
    pub ways: &'static [Way],
    /// How to write that old pods end before new ones begin: `Use …`. `None` where the kind has no way to say so, or
    /// where nobody said which.
    pub ends_first: Option<&'static str>,
    /// The built-in kinds of which its controller makes objects: they were judged in its place.
    pub children: &'static [Kind],
}

/// How sure a declaration is of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A user's, or one of a kind whose controller may do otherwise: findings are warnings at most.
    Declared,
    /// Its pods run as those of built-in kinds do.
    Sure,
}

/// One way in which a workload may replace its pods, and when it does.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The value at a JSON pointer is there, and is this text, if one is named. `None` for always.
    pub when: Option<(&'static str, Option<&'static str>)>,
    pub replaces: Replaces,
}

/// How pods are replaced.
#[derive(Clone, Copy, Debug)]
pub enum Replaces {
    /// Old pods end before new ones begin.
    EndsFirst,
    /// All new pods run beside all old ones.
    Overlaps,
    /// Some at a time.
    Rolls { surge: Bound, unavailable: Bound },
}

/// How far a rolling update goes in one direction.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// JSON pointer to a number of pods, or a share of them.
    pub path: Option<&'static str>,
    /// Where nothing stands there.
    pub default: Amount,
}
