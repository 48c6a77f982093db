//! Workloads by the labels that selectors ask for: who selects the pods of whom.

use std::cmp::Ordering;
use std::sync::Arc;

use super::hashed::mixed;
use super::labels::Labels;
use super::names::ObjectRef;
use super::sorted::{Key, Sorted, Sought};
use super::workload::Workload;

/// So many sets of keys are told apart in a namespace, so that nobody fills memory by selectors of ever other keys. A
/// chart has one set, and all its releases the same.
const MOST: usize = 32;

/// The bit of who carries labels, and does not ask by their keys.
const CARRIES: u64 = 1;

/// The workloads of a namespace by what their pods carry under some keys: for each set of keys by which a selector asks.
///
/// A selector selects its own pods, so that two workloads whose pods carry the same under the keys of one of them meet
/// here, whichever it is: one look-up a set finds those who select the pods of a workload, and for its own keys also those
/// whom it selects. Those who only carry do not meet one another, however many there are: a selector may have the labels
/// of thousands of Jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Labelled {
    sets: Arc<Vec<KeySet>>,
    /// By the hash of what is carried, and with it who asks by these keys before who does not ([`CARRIES`]). Those of one hash
    /// are told apart by whoever looks.
    carriers: Sorted<(u64, ObjectRef), ()>,
}

/// The keys by which some selectors ask.
#[derive(Clone, Debug)]
struct KeySet {
    /// As labels store them, in their order.
    keys: Box<[Box<str>]>,
    /// How many selectors ask so.
    selectors: usize,
}

impl Labelled {
    /// Puts a workload in; `all` are those that are in already.
    pub(super) fn insert<'a>(&mut self, workload: &Workload, all: impl Iterator<Item = &'a Arc<Workload>>) {
        let asks = &workload.selector.match_labels;
        match self.asked_by(workload) {
            Some(known) => Arc::make_mut(&mut self.sets)[known].selectors += 1,
            None if asks.is_empty() || self.sets.len() == MOST => {}
            None => {
                let mut set = KeySet {
                    keys: asks.stored().map(|(key, _)| key.into()).collect(),
                    selectors: 1,
                };
                for other in all.filter(|other| other.id != workload.id) {
                    // One that asks so, and came when there was no room for its keys.
                    let asks = set.is_of(&other.selector.match_labels);
                    set.selectors += usize::from(asks);
                    if let Some(key) = set.key(other, asks) {
                        self.carriers.insert((key, other.id.clone()), ());
                    }
                }
                Arc::make_mut(&mut self.sets).push(set);
            }
        }
        let asked = self.asked_by(workload);
        for (position, set) in self.sets.iter().enumerate() {
            if let Some(key) = set.key(workload, asked == Some(position)) {
                self.carriers.insert((key, workload.id.clone()), ());
            }
        }
    }

    /// Takes a workload out; `all` are those that are in, with it.
    pub(super) fn remove<'a>(&mut self, workload: &Workload, all: impl Iterator<Item = &'a Arc<Workload>>) {
        for set in &*self.sets {
            cut(&mut self.carriers, set, workload);
        }
        let Some(known) = self.asked_by(workload) else {
            return;
        };
        let sets = Arc::make_mut(&mut self.sets);
        sets[known].selectors -= 1;
        if sets[known].selectors == 0 {
            let set = sets.remove(known);
            for one in all {
                cut(&mut self.carriers, &set, one);
            }
        }
    }

    /// The set of keys by which the selector of a workload asks.
    fn asked_by(&self, workload: &Workload) -> Option<usize> {
        let asks = &workload.selector.match_labels;
        self.sets.iter().position(|set| set.is_of(asks))
    }

    /// The workloads whose pods may be selected by the selector of `workload`, or whose selectors may select its pods;
    /// maybe twice, and itself. `None` where nobody can tell without a look at all of them: no selector asks like its own.
    pub(super) fn near(&self, workload: &Workload) -> Option<impl Iterator<Item = &ObjectRef>> {
        let asked = self.asked_by(workload);
        let is_known = asked.is_some() || self.sets.len() == MOST || workload.selector.match_labels.is_empty();
        is_known.then(|| {
            let sets = self.sets.iter().enumerate();
            let keys = sets.filter_map(move |(position, set)| set.key(workload, asked == Some(position)));
            keys.flat_map(|key| {
                // Whom it selects: all that carry the same; who selects it: those that ask.
                let first = key & !CARRIES;
                let last = if key == first { key | CARRIES } else { first };
                let carriers = self
                    .carriers
                    .equal(Sought::new(first, move |(own, _): &(u64, ObjectRef)| {
                        let from_first = own.cmp(&first);
                        if from_first.is_gt() {
                            own.cmp(&last).max(Ordering::Equal)
                        } else {
                            from_first
                        }
                    }));
                carriers.map(|((_, id), ())| id)
            })
        })
    }
}

impl Key for (u64, ObjectRef) {
    fn place(&self) -> u64 {
        self.0
    }
}

impl KeySet {
    fn is_of(&self, asks: &Labels) -> bool {
        asks.stored().map(|(key, _)| key).eq(self.keys.iter().map(|key| &**key))
    }

    /// The hash of what the pods of a workload have under the keys, the last bit of it for whether it only carries that,
    /// and does not ask so; `None` where one is missing.
    fn key(&self, workload: &Workload, asks: bool) -> Option<u64> {
        let mut pairs = workload.pods.labels.stored();
        // Both are in one order.
        let hash = self.keys.iter().try_fold(self.keys.len() as u64, |hash, key| {
            let (_, value) = pairs.find(|(own, _)| **own == **key)?;
            Some(mixed(mixed(hash, key), value))
        })?;
        Some(if asks { hash & !CARRIES } else { hash | CARRIES })
    }
}

fn cut(carriers: &mut Sorted<(u64, ObjectRef), ()>, set: &KeySet, workload: &Workload) {
    if let Some(key) = set.key(workload, set.is_of(&workload.selector.match_labels)) {
        let like = Sought::new(key, |(own, id): &(u64, ObjectRef)| {
            own.cmp(&key).then_with(|| id.cmp(&workload.id))
        });
        carriers.remove(like);
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::super::names::Name;
    use super::super::project::WorkloadSeed;
    use super::*;

    fn deployment(name: &str, selector: &str, labels: &str) -> Arc<Workload> {
        let json = format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"selector":{{"matchLabels":{{{selector}}}}},
                "template":{{"metadata":{{"labels":{{{labels}}}}}}}}}}}"#
        );
        let seed = WorkloadSeed::new(Kind::DEPLOYMENT, &Name::from("shop")).map(|seed| seed.read(&json));
        Arc::new(seed.unwrap().unwrap().workload)
    }

    /// The names of those near, each once.
    fn near(labelled: &Labelled, one: &Workload) -> Vec<String> {
        let mut names: Vec<String> = labelled.near(one).unwrap().map(|id| id.name.to_string()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn either_side_finds_the_other_whichever_came_first() {
        let wide = deployment("wide", r#""tier":"back""#, r#""tier":"back""#);
        let narrow = deployment("narrow", r#""app":"api","tier":"back""#, r#""app":"api","tier":"back""#);
        let apart = deployment(
            "apart",
            r#""app":"web","tier":"front""#,
            r#""app":"web","tier":"front""#,
        );
        for order in [
            [&wide, &narrow, &apart],
            [&apart, &narrow, &wide],
            [&narrow, &wide, &apart],
        ] {
            let mut labelled = Labelled::default();
            let mut there: Vec<Arc<Workload>> = Vec::new();
            for one in order {
                labelled.insert(one, there.iter());
                there.push(Arc::clone(one));
            }
            assert_eq!(near(&labelled, &wide), ["narrow", "wide"]);
            assert_eq!(near(&labelled, &narrow), ["narrow", "wide"]);
            assert_eq!(near(&labelled, &apart), ["apart"]);
            assert_eq!(labelled.near(&apart).unwrap().count(), 1, "itself, by its own keys");
            for (gone, one) in order.iter().enumerate() {
                labelled.remove(one, there[gone..].iter());
            }
            assert!(labelled.sets.is_empty() && labelled.carriers.is_empty(), "{labelled:?}");
        }
        let new = deployment("new", r#""zone":"a""#, r#""zone":"a""#);
        assert!(Labelled::default().near(&new).is_none(), "nobody asks by a zone");
    }

    #[test]
    fn those_who_only_carry_the_labels_of_a_selector_do_not_meet() {
        let web = deployment("web", r#""app":"web""#, r#""app":"web""#);
        let job = |number: usize| {
            let uid = format!(r#""uid":"{number}""#);
            deployment(&format!("job-{number}"), &uid, &format!(r#""app":"web",{uid}"#))
        };
        let jobs: Vec<Arc<Workload>> = (0..20).map(job).collect();
        let mut labelled = Labelled::default();
        let mut there = vec![Arc::clone(&web)];
        labelled.insert(&web, [].iter());
        for job in &jobs {
            labelled.insert(job, there.iter());
            there.push(Arc::clone(job));
        }
        assert_eq!(labelled.near(&web).unwrap().count(), 1 + jobs.len());
        for job in &jobs {
            assert_eq!(near(&labelled, job), [&*job.id.name, "web"]);
        }
    }

    #[test]
    fn a_selector_that_found_no_room_is_counted_once_there_is() {
        let keys: Vec<String> = (10..10 + MOST).map(|key| format!(r#""k{key}":"x""#)).collect();
        let first: Vec<Arc<Workload>> = keys.iter().map(|key| deployment(&key[1..4], key, key)).collect();
        let (late, later) = (
            deployment("late", r#""zone":"a""#, r#""zone":"a""#),
            deployment("later", r#""zone":"a""#, r#""zone":"a""#),
        );
        let mut labelled = Labelled::default();
        let mut there: Vec<Arc<Workload>> = Vec::new();
        for one in first.iter().chain([&late]) {
            labelled.insert(one, there.iter());
            there.push(Arc::clone(one));
        }
        labelled.remove(&first[0], there.iter());
        there.remove(0);
        labelled.insert(&later, there.iter());
        there.push(Arc::clone(&later));
        assert_eq!(near(&labelled, &late), ["late", "later"]);
        labelled.remove(&later, there.iter());
        assert_eq!(near(&labelled, &late), ["late"], "its keys are still asked for");
    }

    #[test]
    fn ever_other_keys_fill_no_memory() {
        let mut labelled = Labelled::default();
        let all: Vec<String> = (10..10 + 2 * MOST).map(|key| format!(r#""k{key}":"""#)).collect();
        for key in &all {
            labelled.insert(&deployment("some", key, &all.join(",")), [].iter());
        }
        assert_eq!(labelled.sets.len(), MOST);
        let last = deployment("last", r#""zone":"a""#, r#""zone":"a""#);
        assert_eq!(labelled.near(&last).unwrap().count(), 0, "nor is everything looked at");
    }
}
