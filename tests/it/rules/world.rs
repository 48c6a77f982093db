//! A YAML block of a page as a world: a graph, the objects in it, and the judge's answers.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use stateward::graph::store::locked;
use stateward::graph::version::{NoVersion, Version};
use stateward::graph::{Change, Facts, Graph, Kind, Kinds, Knowledge, Name, Overlay, States, Timestamp};
use stateward::judge::defaults::{Defaults, Services, defaults};
use stateward::judge::{Basis, Decision, inspect_one, judge};
use stateward::manifests::load::{Loaded, load};
use stateward::manifests::read;
use stateward::policy::{Enforced, Mutation, Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::{Action, Phase, Rule, Value};
use stateward::time::Time;

use super::page::Block;
use crate::support::changes::change;

/// Where objects are that name no namespace.
const NAMESPACE: &str = "shop";

/// The graph of a block, and what is done in it.
pub struct World {
    graph: Graph,
    knowledge: Knowledge,
    version: Option<Version>,
    pub(super) objects: Vec<Object>,
    parameters: Vec<(&'static str, Value)>,
    deletes: Option<(Kind, String)>,
    pub(super) forced: bool,
    pub(super) updates: bool,
    audits: bool,
}

/// An object of a block.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) namespace: Name,
    pub(super) json: Json,
}

/// What one object is given by the mutating phase.
pub struct Injected {
    pub defaults: Defaults,
    pub before: Json,
    kind: Kind,
    namespace: Name,
}

impl World {
    /// Loads a block; the error says what is wrong with it.
    pub fn of(block: &Block, rule: &'static Rule) -> Result<Self, String> {
        let knowledge = if block.is("offline") {
            Knowledge::Partial
        } else {
            Knowledge::Complete
        };
        let version = block.option("version").map(|version| {
            let parsed = version.parse::<Version>();
            parsed.map_err(|error: NoVersion| format!("version={version}: {error}"))
        });
        let version = version.transpose()?;
        let graph = graph(knowledge, version);
        let manifests = read(block.text.clone());
        if let Some(problem) = manifests.problems().first() {
            return Err(format!("{} (at {})", problem.message, problem.position));
        }
        let mut objects = Vec::new();
        for manifest in manifests.iter() {
            let kind = match load(&graph, manifest, &NAMESPACE.into()) {
                Loaded::Inserted(kind) => kind,
                Loaded::Skipped => return Err(format!("document at {} is of no kind we know", manifest.position())),
                Loaded::Unreadable(error) => return Err(error.to_string()),
            };
            let json = manifest.to_json();
            let namespace = json["metadata"]["namespace"].as_str().unwrap_or(NAMESPACE).into();
            objects.push(Object { kind, namespace, json });
        }
        let deletes = block.option("delete").map(|object| {
            let (kind, name) = object.split_once('/').ok_or("delete=KIND/NAME")?;
            let kind = Kinds::builtin().iter().find(|one| one.as_str() == kind);
            Ok::<_, String>((kind.ok_or("delete: no kind that we know")?, name.to_owned()))
        });
        Ok(Self {
            graph,
            knowledge,
            version,
            objects,
            parameters: parameters(block, rule)?,
            deletes: deletes.transpose()?,
            forced: block.is("force"),
            updates: block.is("after"),
            audits: block.is("audit"),
        })
    }

    /// The same with other objects in it.
    pub(super) fn with(&self, objects: Vec<Object>) -> Self {
        let graph = graph(self.knowledge, self.version);
        for Object { kind, namespace, json } in &objects {
            let inserted = graph.insert(*kind, namespace, &json.to_string());
            assert!(inserted.is_ok(), "{inserted:?}: {json}");
        }
        Self {
            graph,
            objects,
            parameters: self.parameters.clone(),
            deletes: self.deletes.clone(),
            ..*self
        }
    }

    /// What the judge says of each workload as if it were created last; or of the deletion or update that the tag asks
    /// for.
    pub fn judged(&self, rule: &Rule, profile: Profile) -> Vec<(Change<'_>, Decision)> {
        if let Some(deletion) = self.deletion() {
            return vec![self.decide(deletion, rule, profile)];
        }
        if let Some([old, new]) = self.updated() {
            return vec![self.decide(new.updated(old), rule, profile)];
        }
        let objects = self.objects.iter().filter_map(|object| object.created_for(rule));
        if self.audits {
            return objects.map(|change| self.found(change, rule, profile)).collect();
        }
        objects.map(|change| self.decide(change, rule, profile)).collect()
    }

    /// What each object is given with the Baseline profile and this rule's mutation on. Of an update the first
    /// is the old one.
    pub fn injected(&self, rule: &Rule) -> Vec<Injected> {
        let changes: Vec<(Change<'_>, &Object)> = if let Some([old, new]) = self.updated() {
            vec![(new.updated(old), new)]
        } else {
            let given = |object: &&Object| {
                object.kind.is_workload() || (rule.inject_service.is_some() && object.kind == Kind::SERVICE)
            };
            let objects = self.objects.iter().filter(given);
            objects.map(|object| (object.written(), object)).collect()
        };
        changes
            .into_iter()
            .map(|(change, object)| Injected {
                defaults: self.defaults(&change, rule),
                before: object.json.clone(),
                kind: object.kind,
                namespace: object.namespace.clone(),
            })
            .collect()
    }

    /// What the mutating phase and the judge say of an object after its patch.
    pub fn again(&self, injected: &Injected, patched: &Json, rule: &Rule) -> (Defaults, Decision) {
        let patched = Object {
            kind: injected.kind,
            namespace: injected.namespace.clone(),
            json: patched.clone(),
        };
        let change = match self.objects.first().filter(|_| self.updates) {
            Some(old) => patched.updated(old),
            None => patched.written(),
        };
        let defaults = self.defaults(&change, rule);
        let (_, decision) = self.decide(change, rule, Profile::Strict);
        (defaults, decision)
    }

    /// The old object and the new one, of an update. What else stands in the second block is there before and after.
    pub(super) fn updated(&self) -> Option<&[Object; 2]> {
        let both = self.objects.first_chunk();
        self.updates
            .then(|| both.expect("an update is the old object and the new one"))
    }

    /// The deletion that the tag asks for.
    pub(super) fn deletion(&self) -> Option<Change<'static>> {
        let (kind, name) = self.deletes.as_ref()?;
        let mut objects = self.objects.iter();
        let doomed = objects.find(|object| object.kind == *kind && object.name() == name);
        Some(Change {
            forced: self.forced,
            ..doomed.expect("the object to delete is in the block").deleted()
        })
    }

    pub(super) fn decide<'a>(&self, change: Change<'a>, rule: &Rule, profile: Profile) -> (Change<'a>, Decision) {
        let policies = self.policies(rule, profile);
        let decision = self.judging(&change.namespace, &policies, |basis| {
            let mut decision = judge(&change, basis, Timestamp(0));
            // Of a `scale` the mutating phase is not asked.
            if rule.phase == Phase::Mutating && matches!(change.states, States::Object { .. }) {
                let early = defaults(&change, basis, Services::Confirmed).decision;
                decision.findings.extend(early.findings);
            }
            decision
        });
        (change, decision)
    }

    /// What the audit finds of the object that was created.
    pub(super) fn found<'a>(&self, change: Change<'a>, rule: &Rule, profile: Profile) -> (Change<'a>, Decision) {
        let policies = self.policies(rule, profile);
        let findings = self.judging(&change.namespace, &policies, |basis| {
            inspect_one(&change.target, basis).findings
        });
        (
            change,
            Decision {
                findings,
                ..Decision::default()
            },
        )
    }

    fn defaults(&self, change: &Change<'_>, rule: &Rule) -> Defaults {
        let policies = self.policies(rule, Profile::Baseline);
        self.judging(&change.namespace, &policies, |basis| {
            defaults(change, basis, Services::Confirmed)
        })
    }

    fn judging<T>(&self, namespace: &str, policies: &Policies, ask: impl FnOnce(&Basis<'_>) -> T) -> T {
        let facts = self.graph.facts();
        let shard = self.graph.shard(namespace);
        let shard = locked(&shard);
        ask(&Basis {
            shard: &shard,
            facts: &facts,
            fetched: &Overlay::default(),
            policies,
            rules: RULES,
            time: Time::from_seconds(0),
        })
    }

    fn policies(&self, rule: &Rule, profile: Profile) -> Policies {
        let mut settings = Settings::new(profile, RULES);
        let index = RULES.iter().position(|other| *other == rule).expect("listed");
        settings.rules[index].mutation = Mutation::Enabled;
        if profile == Profile::Audit && settings.rules[index].is_off() {
            // Off in every profile: as a policy that asks for it.
            settings.rules[index]
                .actions
                .fill(Some(Enforced::new(Action::Audit, Time::ALWAYS)));
        }
        for (name, value) in &self.parameters {
            settings.rules[index].parameters.set_default(name, value.clone());
        }
        Policies::everywhere(settings)
    }
}

impl Object {
    pub(super) fn name(&self) -> &str {
        self.json["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// As [`Self::created`], of an autoscaler too where the rule is about those.
    fn created_for(&self, rule: &Rule) -> Option<Change<'static>> {
        if rule.judge_autoscaler.is_some() && rule.judges.meets(self.kind.features()) {
            return Some(self.written());
        }
        self.created()
    }

    fn created(&self) -> Option<Change<'static>> {
        self.kind.is_workload().then(|| self.written())
    }

    pub(super) fn updated(&self, old: &Self) -> Change<'static> {
        change(self.kind, &self.namespace, Some(&old.json), Some(&self.json))
    }

    /// Created, whatever it is.
    pub(super) fn written(&self) -> Change<'static> {
        change(self.kind, &self.namespace, None, Some(&self.json))
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name() == other.name()
    }

    /// One, where it says nothing.
    pub(super) fn replicas(&self) -> u32 {
        let replicas = self.json["spec"]["replicas"].as_u64().unwrap_or(1);
        replicas.try_into().expect("a number of pods")
    }

    pub(super) fn deleted(&self) -> Change<'static> {
        change(self.kind, &self.namespace, Some(&self.json), None)
    }
}

fn graph(knowledge: Knowledge, version: Option<Version>) -> Graph {
    let graph = Graph::new(Facts::new(knowledge));
    if let Some(version) = version {
        graph.set_version(version);
    }
    graph
}

fn parameters(block: &Block, rule: &'static Rule) -> Result<Vec<(&'static str, Value)>, String> {
    let Some(json) = block.parameters() else {
        return Ok(Vec::new());
    };
    let values: BTreeMap<String, Json> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let value = |(name, value): (String, Json)| {
        let parameter = rule.parameters.iter().find(|parameter| parameter.name == name);
        let name = parameter.ok_or(format!("{} has no parameter {name}", rule.id))?.name;
        let value = match value {
            Json::Array(list) => Value::List(
                list.iter()
                    .map(|text| text.as_str().unwrap_or_default().to_owned())
                    .collect(),
            ),
            Json::Number(number) => Value::Text(number.to_string()),
            Json::String(text) => Value::Text(text),
            _ => return Err(format!("parameter {name} is neither a text, a number nor a list")),
        };
        Ok((name, value))
    };
    values.into_iter().map(value).collect()
}
