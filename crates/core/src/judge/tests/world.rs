//! A small namespace, and requests to it.

use serde_json::{Value, json};

use super::super::*;
use crate::graph::project::{NodeSeed, ProjectedWorkload, WorkloadSeed};
use crate::graph::store::locked;
use crate::graph::{
    Actor, Change, Facts, Graph, Kind, Kinds, Knowledge, Name, Node, ObjectRef, Old, Operation, Overlay, Shape, States,
    Timestamp,
};
use crate::policy::{self, Policies, Profile, Settings};
use crate::rules::RULES;
use crate::rules::kit::Rule;
use crate::time::Time;

pub(super) const NOW: Timestamp = Timestamp(1_000_000);
/// 2026-11-29T12:00:00Z.
const TODAY: Time = Time::from_seconds(1_795_953_600);

/// A namespace `shop` in which every kind is known, under one policy of one profile.
pub(super) struct World {
    pub(super) graph: Graph,
    pub(super) policies: Policies,
    pub(super) rules: Vec<&'static Rule>,
    pub(super) now: Timestamp,
    pub(super) time: Time,
    pub(super) actor: Actor,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Profile::Baseline)
    }

    pub(super) fn with(profile: Profile) -> Self {
        let single_node = |rule: &&Rule| rule.id.starts_with("rwo") || rule.id == "claim-missing";
        Self::by(RULES.iter().copied().filter(single_node).collect(), profile)
    }

    /// Judged by these rules.
    pub(super) fn by(rules: Vec<&'static Rule>, profile: Profile) -> Self {
        Self {
            graph: Graph::new(Facts::new(Knowledge::Complete)),
            policies: Policies::everywhere(Settings::new(profile, &rules)),
            rules,
            now: NOW,
            time: TODAY,
            actor: Actor::User,
        }
    }

    /// Judged by one policy of this spec, with exceptions of these.
    pub(super) fn under(mut self, spec: &Value, exceptions: &[Value]) -> Self {
        let document = |kind: &str, name: &str, spec: &Value| {
            let metadata = json!({"name": name, "namespace": "shop"});
            json!({"apiVersion": "stateward.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
        };
        let policy = policy::parse(&document("WorkloadPolicy", "one", spec), &self.rules).unwrap();
        let exceptions = exceptions.iter().enumerate().map(|(number, spec)| {
            let name = format!("e{number}");
            policy::exception::parse(&document("WorkloadPolicyException", &name, spec), &self.rules).unwrap()
        });
        self.policies = Policies::new(vec![policy], &self.rules).with_exceptions(exceptions);
        self
    }

    /// Judged at this time.
    pub(super) fn at(mut self, time: &str) -> Self {
        self.time = Time::parse(time).unwrap();
        self
    }

    /// What is found of what is there.
    pub(super) fn inspect(&self) -> Inspection {
        let (facts, fetched) = (self.graph.facts(), Overlay::default());
        let shard = self.graph.shard("shop");
        inspect(&Basis {
            shard: &locked(&shard),
            facts: &facts,
            fetched: &fetched,
            policies: &self.policies,
            rules: &self.rules,
            time: self.time,
        })
    }

    pub(super) fn claim(self, name: &str, mode: &str) -> Self {
        let claim = node(Kind::CLAIM, &claim_json(name, mode));
        self.graph.insert_all([("shop".into(), claim)]);
        self
    }

    pub(super) fn workload(self, object: &Value) -> Self {
        let workload = projected(object).workload;
        self.graph.with("shop", |shard| shard.insert_workload(workload.into()));
        self
    }

    pub(super) fn judge(
        &self,
        operation: Operation,
        target: ObjectRef,
        states: States<'_>,
        reserve: Reserve,
    ) -> Decision {
        self.judge_knowing(operation, target, states, reserve, &Overlay::default())
    }

    fn judge_knowing(
        &self,
        operation: Operation,
        target: ObjectRef,
        states: States<'_>,
        reserve: Reserve,
        fetched: &Overlay,
    ) -> Decision {
        let change = Change {
            namespace: "shop".into(),
            operation,
            actor: self.actor,
            forced: false,
            target,
            states,
        };
        admit(&change, &self.admission(fetched), reserve)
    }

    /// What a request is judged by.
    pub(super) fn admission<'a>(&'a self, fetched: &'a Overlay) -> Admission<'a> {
        Admission {
            graph: &self.graph,
            policies: &self.policies,
            rules: &self.rules,
            fetched,
            now: self.now,
            time: self.time,
            asked: self.now,
            bytes: 0,
        }
    }

    pub(super) fn create(&self, object: &Value) -> Decision {
        self.create_reserving(object, Reserve::Always)
    }

    pub(super) fn create_reserving(&self, object: &Value, reserve: Reserve) -> Decision {
        self.create_with(object, reserve, &Overlay::default())
    }

    /// As [`Self::create`], with what the API server said of other objects.
    pub(super) fn create_knowing(&self, object: &Value, told: &[(ObjectRef, Option<Node>)]) -> Decision {
        let mut fetched = Overlay::default();
        told.iter()
            .for_each(|(object, node)| fetched.lay(object.clone(), node.clone()));
        self.create_with(object, Reserve::Always, &fetched)
    }

    pub(super) fn create_with(&self, object: &Value, reserve: Reserve, fetched: &Overlay) -> Decision {
        let projected = projected(object);
        let target = projected.workload.id.clone();
        let states = States::Object {
            before: Old::none(),
            shape: projected.shape,
            after: Some(Node::Workload(projected.workload.into())),
        };
        self.judge_knowing(Operation::Create, target, states, reserve, fetched)
    }

    pub(super) fn update(&self, before: &Value, after: &Value) -> Decision {
        let projected_after = projected(after);
        let target = projected_after.workload.id.clone();
        let states = States::Object {
            before: old(Node::Workload(projected(before).workload.into())),
            shape: projected_after.shape,
            after: Some(Node::Workload(projected_after.workload.into())),
        };
        self.judge(Operation::Update, target, states, Reserve::Always)
    }

    pub(super) fn delete(&self, object: &Value) -> Decision {
        let workload = projected(object).workload;
        self.gone(workload.id.clone(), Node::Workload(workload.into()))
    }

    pub(super) fn gone(&self, target: ObjectRef, node: Node) -> Decision {
        let states = States::Object {
            before: old(node),
            after: None,
            shape: Shape::default(),
        };
        self.judge(Operation::Delete, target, states, Reserve::Always)
    }

    pub(super) fn scale(&self, name: &str, before: u32, after: u32) -> Decision {
        let states = States::Scale {
            before: Some(before),
            after,
        };
        let target = ObjectRef::new(Kind::DEPLOYMENT, name);
        self.judge(Operation::Update, target, states, Reserve::Always)
    }

    pub(super) fn create_autoscaler(&self, target: &str, most: u32) -> Decision {
        let autoscaler = json!({
            "metadata": {"name": target},
            "spec": {
                "maxReplicas": most,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
            }
        });
        self.create_node(Kind::AUTOSCALER, target, &autoscaler)
    }

    pub(super) fn create_claim(&self, name: &str, mode: &str) -> Decision {
        self.create_node(Kind::CLAIM, name, &claim_json(name, mode))
    }

    pub(super) fn create_node(&self, kind: Kind, name: &str, object: &Value) -> Decision {
        let states = States::Object {
            before: Old::none(),
            after: Some(node(kind, object)),
            shape: Shape::default(),
        };
        self.judge(Operation::Create, ObjectRef::new(kind, name), states, Reserve::Always)
    }
}

pub(super) fn node(kind: Kind, object: &Value) -> Node {
    let seed = NodeSeed {
        kind,
        kinds: Kinds::builtin(),
        sent_to: &"shop".into(),
    };
    seed.read(&object.to_string()).unwrap()
}

pub(super) fn old(node: Node) -> Old<'static> {
    Old::lazy(move || Some(node.clone()))
}

pub(super) fn projected(object: &Value) -> ProjectedWorkload {
    let kind = Kinds::builtin()
        .iter()
        .find(|kind| kind.as_str() == object["kind"])
        .unwrap();
    let namespace: Name = "shop".into();
    WorkloadSeed::new(kind, &namespace)
        .unwrap()
        .read(&object.to_string())
        .unwrap()
}

pub(super) fn claim_json(name: &str, mode: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"accessModes": [mode]}})
}

/// A Deployment whose rollouts never overlap, so that nothing but its replicas and neighbours matters.
pub(super) fn deployment(name: &str, replicas: u32, claim: &str) -> Value {
    json!({
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 1},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main"}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
                }
            }
        }
    })
}

pub(super) fn with(mut object: Value, pointer: &str, key: &str, value: Value) -> Value {
    object.pointer_mut(pointer).unwrap()[key] = value;
    object
}

pub(super) fn denial(decision: &Decision) -> &str {
    decision.denial.as_deref().unwrap_or("allowed")
}

pub(super) fn rules(decision: &Decision) -> Vec<&'static str> {
    decision.findings.iter().map(|judged| judged.finding.rule.id).collect()
}
