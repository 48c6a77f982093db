//! Exceptions: what is denied or warned about, and let pass until a day, because somebody answers for it.

pub mod description;
mod parse;

pub use parse::parse;

use super::glob::Glob;
use crate::graph::{Kind, Name, Selector, Workload};
use crate::time::{Span, Time};

/// One `WorkloadPolicyException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The one in which alone it counts.
    pub namespace: Name,
    pub name: String,
    /// `metadata.creationTimestamp`; `None` in a file.
    pub created: Option<Time>,
    /// Ids, at least one.
    pub rules: Vec<&'static str>,
    /// What it is meant for: all that is given must hold, and none is everything.
    pub names: Vec<Glob>,
    /// As it names them: built-in kinds as Kubernetes does, others by their definitions.
    pub kinds: Vec<Name>,
    pub labels: Selector,
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// It counts until then.
    pub expires: Time,
}

/// Which exceptions policies let count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exceptions {
    Allowed {
        /// From the creation to the end.
        longest: Option<Span>,
        /// Patterns of namespaces, of each list of which one must fit.
        namespaces: Vec<Vec<Glob>>,
    },
    #[default]
    Forbidden,
}

/// Why an exception counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    Expired,
    /// Policies allow none there.
    Forbidden,
    /// It may last until then.
    TooLong(Time),
}

impl Exception {
    /// `shop/legacy`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns true where it is meant for what a rule finds in a workload of its namespace.
    #[must_use]
    pub fn is_meant_for(&self, rule: &str, workload: &Workload) -> bool {
        self.rules.contains(&rule) && self.selects(workload)
    }

    /// Returns true where it is meant for a workload of its namespace.
    #[must_use]
    pub fn selects(&self, workload: &Workload) -> bool {
        let id = &workload.id;
        (self.kinds.is_empty() || self.kinds.iter().any(|name| is_named(id.kind, name)))
            && (self.names.is_empty() || self.names.iter().any(|glob| glob.matches(&id.name)))
            && self.labels.matches(&workload.labels)
    }

    /// Why it counts for nothing where policies let `allowed` count; `None` where it counts.
    #[must_use]
    pub fn void(&self, allowed: &Exceptions, now: Time) -> Option<Void> {
        let Exceptions::Allowed { longest, namespaces } = allowed else {
            return Some(Void::Forbidden);
        };
        let fits = |globs: &Vec<Glob>| globs.iter().any(|glob| glob.matches(&self.namespace));
        if !namespaces.iter().all(fits) {
            return Some(Void::Forbidden);
        }
        if self.expires <= now {
            return Some(Void::Expired);
        }
        let latest = longest.map(|longest| self.created.unwrap_or(now).plus(longest));
        latest.filter(|latest| self.expires > *latest).map(Void::TooLong)
    }

    /// The sentence that says that it counts for nothing, and why.
    #[must_use]
    pub fn told(&self, void: Void) -> String {
        let title = self.title();
        match void {
            Void::Expired => format!("exception {title} expired on {}", self.expires.in_words()),
            Void::Forbidden => format!("exception {title} does not count: the policies in force allow none here"),
            Void::TooLong(latest) => {
                format!("exception {title} does not count: expiresAt may be {latest} at the latest")
            }
        }
    }
}

impl Exceptions {
    /// Only what both let count.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (
                Self::Allowed {
                    longest,
                    mut namespaces,
                },
                Self::Allowed {
                    longest: others,
                    namespaces: more,
                },
            ) => {
                namespaces.extend(more);
                Self::Allowed {
                    longest: longest.into_iter().chain(others).min(),
                    namespaces,
                }
            }
            _ => Self::Forbidden,
        }
    }
}

/// Returns true where this is the name by which an exception calls a kind.
fn is_named(kind: Kind, name: &str) -> bool {
    if kind.is_builtin() {
        return name == kind.as_str();
    }
    let group = name
        .strip_prefix(kind.resource())
        .and_then(|rest| rest.strip_prefix('.'));
    group == Some(kind.group())
}
