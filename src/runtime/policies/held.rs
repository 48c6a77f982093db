//! The policies or exceptions of a cluster as they come and go: which of them are in force, and what has to be told.
//!
//! An object that is gone is gone on purpose if the definition that it was of is still there. Where that was deleted,
//! or replaced by another of its name, nobody meant the objects: they stay.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;

use serde_json::Value;

use super::own::{Own, title};
use crate::cluster::policies::Definition;
use crate::metrics::Refusal;
use crate::status::Standing;

/// What was seen of the objects of one kind.
#[derive(Debug)]
pub(super) struct Held<T> {
    /// By title.
    objects: BTreeMap<String, Object<T>>,
    /// What the list under way has named so far.
    named: Option<BTreeSet<String>>,
    /// No longer there; the definition tells whether on purpose.
    gone: BTreeSet<String>,
    /// The uid of the definition as it was last told.
    definition: Option<String>,
    /// A list came after the definition was last asked for.
    unsettled: bool,
    /// A list was complete once.
    listed: bool,
    /// The code of the API server's refusal to list or watch.
    refused: Option<u16>,
}

/// One object.
#[derive(Debug)]
struct Object<T> {
    /// Its last valid version.
    valid: Option<T>,
    /// What is wrong with its last version; empty where that is in force.
    mistakes: Vec<String>,
    /// The uid of the definition that it is of; told after the list that named it.
    definition: Option<String>,
    /// It is gone, and stays in force.
    kept: Option<Kept>,
    /// `metadata.generation` of its last version.
    generation: i64,
    /// `.status` of its last version.
    status: Value,
}

/// Why an object that is gone stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Its definition went too.
    DefinitionGone,
    /// The definition may not be read, so that nobody can tell.
    DefinitionHidden,
}

/// Something that somebody should look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) text: String,
    /// Why the cluster's objects are not in force as they are there; `None` where they are.
    pub(super) reason: Option<Refusal>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            named: None,
            gone: BTreeSet::new(),
            definition: None,
            unsettled: false,
            listed: false,
            refused: None,
        }
    }
}

impl<T: Own> Held<T> {
    pub(super) fn begin_list(&mut self) {
        self.named = Some(BTreeSet::new());
    }

    /// Takes an object; returns what is new and wrong in it.
    pub(super) fn take(&mut self, json: &str) -> Option<&[String]> {
        let written: Value = serde_json::from_str(json).unwrap_or_default();
        let title = title(&written)?;
        if let Some(named) = &mut self.named {
            named.insert(title.clone());
        }
        self.gone.remove(&title);
        let is_told = self.named.is_none() && !self.unsettled;
        let definition = self.definition.clone().filter(|_| is_told);
        let object = self.objects.entry(title).or_default();
        object.kept = None;
        object.definition = definition;
        object.generation = written["metadata"]["generation"].as_i64().unwrap_or_default();
        object.status = written["status"].clone();
        match T::parse(&written) {
            Ok(valid) => {
                object.valid = Some(valid);
                object.mistakes.clear();
                None
            }
            Err(mistakes) => {
                let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                let is_new = mistakes != object.mistakes;
                object.mistakes = mistakes;
                is_new.then_some(&*object.mistakes)
            }
        }
    }

    pub(super) fn delete(&mut self, json: &str) {
        let written: Value = serde_json::from_str(json).unwrap_or_default();
        self.gone.extend(title(&written));
    }

    pub(super) fn end_list(&mut self) {
        let named = self.named.take().unwrap_or_default();
        let there = self.objects.iter().filter(|(_, object)| object.kept.is_none());
        let vanished = there.map(|(name, _)| name).filter(|name| !named.contains(*name));
        self.gone.extend(vanished.cloned());
        self.unsettled = true;
        self.listed = true;
        self.refused = None;
    }

    /// There is no permission to list or watch (403), or no such kind (404).
    pub(super) fn refused(&mut self, code: u16) {
        self.refused = Some(code);
    }

    /// Whether only the definition tells what has become of them.
    pub(super) fn asks_for_definition(&self) -> bool {
        self.unsettled || !self.gone.is_empty()
    }

    /// Decides on what is gone. Without an answer it waits for the next.
    pub(super) fn settle(&mut self, definition: Definition) {
        match &definition {
            Definition::Unanswered => return,
            Definition::Served { uid } => self.definition = Some(uid.clone()),
            Definition::Going | Definition::Hidden => {}
        }
        self.unsettled = false;
        for name in take(&mut self.gone) {
            let object = self.objects.get_mut(&name);
            let kept = object.as_ref().and_then(|object| object.kept_under(&definition));
            match object {
                // Without a valid version there is nothing to keep.
                Some(object) if kept.is_some() && object.valid.is_some() => object.kept = kept,
                _ => {
                    self.objects.remove(&name);
                }
            }
        }
        for object in self.objects.values_mut().filter(|object| object.kept.is_none()) {
            object.definition = object.definition.take().or_else(|| self.definition.clone());
        }
    }

    /// Whether all of them were seen once.
    pub(super) const fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether they may not be listed, or there is no such kind.
    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Those that count, by title.
    pub(super) fn valid(&self) -> Vec<T> {
        let objects = self.objects.values();
        objects.filter_map(|object| object.valid.clone()).collect()
    }

    /// Whether any counts.
    pub(super) fn has_any(&self) -> bool {
        self.objects.values().any(|object| object.valid.is_some())
    }

    /// What becomes of each of them that is there, by title.
    pub(super) fn standings(&self) -> Vec<Standing<T>> {
        let there = self.objects.iter().filter(|(_, object)| object.kept.is_none());
        let standing = |(title, object): (&String, &Object<T>)| {
            let (namespace, name) = match title.split_once('/') {
                Some((namespace, name)) => (Some(namespace.into()), name),
                None => (None, &**title),
            };
            Standing {
                namespace,
                name: name.to_owned(),
                valid: object.valid.clone(),
                mistakes: object.mistakes.clone(),
                generation: object.generation,
                status: object.status.clone(),
            }
        };
        there.map(standing).collect()
    }

    /// What somebody should look after; nothing where all is as the cluster holds it.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let remark = |text: String, reason| Remark { text, reason };
        let mut remarks = Vec::new();
        if let Some(code) = self.refused {
            let name = T::RESOURCE.name();
            let why = match code {
                403 => format!("no permission to list and watch {name}"),
                _ => format!("the API server has no {name}: apply what `stateward crds` prints"),
            };
            remarks.push(remark(why, Some(Refusal::Unreadable)));
        }
        for (kept, why) in [
            (
                Kept::DefinitionGone,
                "gone with their definition, and stay in force: create them again, or restart to mean it",
            ),
            (
                Kept::DefinitionHidden,
                "gone, and stay in force until a restart: without permission to get their definition nobody can tell \
                 whether that was meant",
            ),
        ] {
            let those = self.objects.iter().filter(|(_, object)| object.kept == Some(kept));
            let those: Vec<&str> = those.map(|(name, _)| &**name).collect();
            if !those.is_empty() {
                remarks.push(remark(format!("{}: {why}", those.join(", ")), Some(Refusal::Gone)));
            }
        }
        for (name, object) in self.objects.iter().filter(|(_, object)| !object.mistakes.is_empty()) {
            let what = match object.valid {
                Some(_) => "its last good version stays in force",
                None => "it is left out",
            };
            let text = format!("{name} is not valid, {what}: {}", object.mistakes.join("; "));
            remarks.push(remark(text, Some(Refusal::Invalid)));
        }
        remarks
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self {
            valid: None,
            mistakes: Vec::new(),
            definition: None,
            kept: None,
            generation: 0,
            status: Value::Null,
        }
    }
}

impl<T> Object<T> {
    /// Why it stays in force although it is gone, if this is its definition now; `None` where that was meant.
    fn kept_under(&self, definition: &Definition) -> Option<Kept> {
        match definition {
            Definition::Going => Some(Kept::DefinitionGone),
            Definition::Hidden => Some(Kept::DefinitionHidden),
            Definition::Served { uid } => {
                let is_another = self.definition.as_ref().is_some_and(|own| own != uid);
                is_another.then_some(Kept::DefinitionGone)
            }
            Definition::Unanswered => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::resource::POLICIES;
    use crate::policy::{self, Policy};

    fn object(name: &str, spec: &Value) -> String {
        let version = policy::description::API_VERSION;
        json!({"apiVersion": version, "kind": POLICIES.kind, "metadata": {"name": name}, "spec": spec}).to_string()
    }

    fn good(name: &str) -> String {
        object(name, &json!({"profile": "Strict"}))
    }

    fn served(uid: &str) -> Definition {
        Definition::Served { uid: uid.to_owned() }
    }

    impl Held<Policy> {
        /// A whole list, and what the definition was when it was over.
        fn list(&mut self, names: &[&str], definition: Definition) {
            self.begin_list();
            for name in names {
                assert_eq!(self.take(&good(name)), None);
            }
            self.end_list();
            assert!(self.asks_for_definition());
            self.settle(definition);
        }

        fn names(&self) -> Vec<String> {
            self.valid().into_iter().map(|policy| policy.name).collect()
        }

        fn reasons(&self) -> Vec<Option<Refusal>> {
            self.remarks().into_iter().map(|remark| remark.reason).collect()
        }
    }

    #[test]
    fn what_is_deleted_under_its_definition_is_meant() {
        let mut held = Held::<Policy>::default();
        held.list(&["a", "b", "c"], served("1"));
        held.delete(&good("a"));
        assert!(held.asks_for_definition());
        // Nothing is decided without an answer, and nothing forgotten.
        held.settle(Definition::Unanswered);
        assert_eq!(held.names(), ["a", "b", "c"]);
        held.settle(served("1"));
        assert_eq!(held.names(), ["b", "c"]);
        assert!(!held.asks_for_definition());
        // So is what vanished between two lists.
        held.list(&["c"], served("1"));
        assert_eq!(held.names(), ["c"]);
        assert_eq!(held.reasons(), []);
        held.list(&[], served("1"));
        assert_eq!(held.names(), [""; 0]);
        assert_eq!(held.reasons(), []);
    }

    #[test]
    fn what_goes_with_its_definition_stays_until_it_comes_again() {
        for definition in [Definition::Going, served("2"), Definition::Hidden] {
            let mut held = Held::<Policy>::default();
            held.list(&["a", "b"], served("1"));
            held.delete(&good("a"));
            held.settle(definition.clone());
            assert_eq!(held.names(), ["a", "b"], "{definition:?}");
            assert_eq!(held.reasons(), [Some(Refusal::Gone)]);
            // The next list does not name them either.
            held.list(&[], served("2"));
            assert_eq!(held.names(), ["a", "b"]);
            held.take(&good("a"));
            held.take(&good("b"));
            assert_eq!(held.reasons(), []);
            held.delete(&good("b"));
            held.settle(served("2"));
            assert_eq!(held.names(), ["a"], "this one is meant");
        }
    }

    #[test]
    fn a_mistake_keeps_the_last_good_version_of_its_policy_alone() {
        let wrong = |name: &str| object(name, &json!({"profile": "Strikt"}));
        let mut held = Held::<Policy>::default();
        held.list(&["a"], served("1"));
        let mistakes = held.take(&wrong("a")).map(<[String]>::to_vec);
        let expected = "spec.profile: \"Strikt\" is none of Audit, Baseline, Strict, did you mean \"Strict\"?";
        assert_eq!(mistakes.as_deref(), Some(&[expected.to_owned()][..]));
        assert_eq!(held.take(&wrong("a")), None, "told once");
        held.take(&wrong("b"));
        held.take(&object("c", &json!({"profile": "Audit"})));
        assert_eq!(held.names(), ["a", "c"]);
        let texts: Vec<String> = held.remarks().into_iter().map(|remark| remark.text).collect();
        assert_eq!(
            texts,
            [
                format!("a is not valid, its last good version stays in force: {expected}"),
                format!("b is not valid, it is left out: {expected}"),
            ]
        );
        // One that never counted has nothing to keep.
        held.delete(&wrong("b"));
        held.settle(Definition::Going);
        assert_eq!(held.reasons(), [Some(Refusal::Invalid)]);
        held.take(&good("a"));
        assert_eq!(held.reasons(), []);
    }

    #[test]
    fn a_refusal_changes_no_policy() {
        let mut held = Held::<Policy>::default();
        held.refused(404);
        assert!(!held.is_listed());
        assert_eq!(held.reasons(), [Some(Refusal::Unreadable)]);
        held.list(&["a"], served("1"));
        assert_eq!(held.reasons(), []);
        held.refused(403);
        assert_eq!(held.names(), ["a"]);
        assert_eq!(held.reasons(), [Some(Refusal::Unreadable)]);
    }
}
