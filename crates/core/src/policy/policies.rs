//! The policies in force, and which of them apply to a workload.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use super::compose::Applying;
use super::exception::Exception;
use super::matching::{Applies, Match};
use super::memo::Memo;
use super::settings::{Profile, Settings};
use super::statement::Policy;
use crate::fnv::Fnv;
use crate::graph::{Labels, Lookup, Name};
use crate::rules::kit::{Action, Rule};

/// The policies in force, with the exceptions from them.
#[derive(Debug)]
pub struct Policies {
    /// By name.
    list: Vec<Policy>,
    /// Those of each namespace, by name.
    exceptions: BTreeMap<Name, Vec<Exception>>,
    /// What counts where no policy states anything.
    baseline: Settings,
    /// The strongest action that a policy adds which applies perhaps.
    doubtful: Action,
    memo: Memo,
    /// Asked for again and again, and the same as long as the set is.
    fingerprint: OnceLock<String>,
}

/// The bits that tell whether a policy applies.
const BITS: usize = 2;
/// The policies of which one word tells.
const PER_WORD: usize = u64::BITS as usize / BITS;
/// The words that need no allocation: enough for 256 policies.
const AT_HAND: usize = 8;

impl Policies {
    /// Policies over the rules for which they were parsed.
    #[must_use]
    pub fn new(mut list: Vec<Policy>, rules: &[&Rule]) -> Self {
        list.sort_by(|one, other| one.name.cmp(&other.name));
        Self::with(list, Settings::new(Profile::Baseline, rules))
    }

    /// One policy that applies everywhere and states all of `settings`.
    #[must_use]
    pub fn everywhere(settings: Settings) -> Self {
        let baseline = settings.clone();
        let policy = Policy {
            name: "everywhere".to_owned(),
            priority: 0,
            matching: Match::default(),
            statement: settings.into(),
        };
        Self::with(vec![policy], baseline)
    }

    fn with(list: Vec<Policy>, baseline: Settings) -> Self {
        Self {
            list,
            exceptions: BTreeMap::new(),
            baseline,
            doubtful: Action::Warn,
            memo: Memo::default(),
            fingerprint: OnceLock::new(),
        }
    }

    /// The same policies with these exceptions besides; one of the same name replaces another.
    #[must_use]
    pub fn with_exceptions(mut self, exceptions: impl IntoIterator<Item = Exception>) -> Self {
        self.fingerprint = OnceLock::new();
        for exception in exceptions {
            let here = self.exceptions.entry(exception.namespace.clone()).or_default();
            match here.binary_search_by(|known| known.name.cmp(&exception.name)) {
                Ok(known) => here[known] = exception,
                Err(place) => here.insert(place, exception),
            }
        }
        self
    }

    /// The exceptions of a namespace, by name.
    #[must_use]
    pub fn exceptions(&self, namespace: &str) -> &[Exception] {
        self.exceptions.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// The exceptions of all namespaces.
    pub fn all_exceptions(&self) -> impl Iterator<Item = &Exception> {
        self.exceptions.values().flatten()
    }

    /// Lets a policy that applies perhaps deny too: before anything is written, a doubt costs nobody a night, and what
    /// was held to less would be refused later.
    #[must_use]
    pub fn denying_in_doubt(self) -> Self {
        Self {
            doubtful: Action::Deny,
            ..self
        }
    }

    /// The names of the policies, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|policy| &*policy.name)
    }

    /// The policies that apply to a workload for certain, by name.
    pub fn in_effect(
        &self,
        namespace: &str,
        namespace_labels: Lookup<&Labels>,
        labels: &Labels,
    ) -> impl Iterator<Item = &str> {
        self.that(Applies::Yes, namespace, namespace_labels, labels)
    }

    /// The policies of which nobody can tell whether they apply, since they ask for labels of a Namespace that are not
    /// known; by name.
    pub fn in_doubt(
        &self,
        namespace: &str,
        namespace_labels: Lookup<&Labels>,
        labels: &Labels,
    ) -> impl Iterator<Item = &str> {
        self.that(Applies::Perhaps, namespace, namespace_labels, labels)
    }

    fn that(
        &self,
        wanted: Applies,
        namespace: &str,
        namespace_labels: Lookup<&Labels>,
        labels: &Labels,
    ) -> impl Iterator<Item = &str> {
        let applies = move |policy: &&Policy| policy.matching.applies(namespace, namespace_labels, labels) == wanted;
        self.list.iter().filter(applies).map(|policy| &*policy.name)
    }

    /// The same for equal sets: what replicas tell each other of the set that they serve. Another version of the program
    /// may have another one.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut hash = Fnv::default();
            // Writing into a hash cannot fail.
            let _ = write!(hash, "{:?} {:?}", self.list, self.exceptions);
            hash.digits()
        })
    }

    /// The names of those that apply to a workload with `labels` in `namespace`, certainly or perhaps; sorted.
    pub fn matching<'a>(
        &'a self,
        namespace: &'a str,
        namespace_labels: Lookup<&'a Labels>,
        labels: &'a Labels,
    ) -> impl Iterator<Item = &'a str> {
        let applies =
            move |policy: &&Policy| policy.matching.applies(namespace, namespace_labels, labels) != Applies::No;
        self.list.iter().filter(applies).map(|policy| &*policy.name)
    }

    /// The settings for a workload with `labels` in `namespace`, or `None` where no policy applies to it.
    #[must_use]
    pub fn resolve(
        &self,
        namespace: &str,
        namespace_labels: Lookup<&Labels>,
        labels: &Labels,
    ) -> Option<Cow<'_, Settings>> {
        let mut at_hand = [0; AT_HAND];
        let mut allocated = Vec::new();
        let words = self.list.len().div_ceil(PER_WORD);
        let set: &mut [u64] = match at_hand.get_mut(..words) {
            Some(set) => set,
            None => {
                allocated.resize(words, 0);
                &mut allocated
            }
        };
        for (index, policy) in self.list.iter().enumerate() {
            let applies = policy.matching.applies(namespace, namespace_labels, labels);
            set[index / PER_WORD] |= (applies as u64) << (index % PER_WORD * BITS);
        }
        let set = &*set;
        let any = set.iter().any(|word| *word != 0);
        any.then(|| {
            self.memo
                .settings(set, || self.applying(set).settings(&self.baseline, self.doubtful))
        })
    }

    /// The policies of a set.
    fn applying(&self, set: &[u64]) -> Applying<'_> {
        let applies = |index: usize| set[index / PER_WORD] >> (index % PER_WORD * BITS) & 0b11;
        let those = |wanted: Applies| {
            let policies = self.list.iter().enumerate();
            let policies = policies.filter(move |(index, _)| applies(*index) == wanted as u64);
            policies.map(|(_, policy)| policy).collect()
        };
        Applying {
            certainly: those(Applies::Yes),
            perhaps: those(Applies::Perhaps),
        }
    }
}
