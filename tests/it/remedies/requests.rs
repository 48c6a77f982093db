//! What only the answer to a request tells: the remedy of its refusal, and the same request again.

use super::cases::Step::{Apply, Delete, Paste, Write};
use super::cases::{Case, Step, case};
use crate::served::objects::{claim, deployment, headless, stateful_set};

/// The rules that are denied, each in namespaces whose names begin with its own.
pub const RULES: [&str; 3] = ["claim-adoption", "claim-in-use", "immutable-change"];

pub fn cases() -> Vec<Case> {
    [adoption(), deletion(), update()].into_iter().flatten().collect()
}

/// As [`case`], where what is there is right, and `request` is refused.
fn refused(
    rule: &'static str,
    there: Vec<String>,
    last: String,
    request: Step,
    says: &'static str,
    steps: Vec<Step>,
) -> Case {
    Case {
        refused: Some(request),
        ..case(rule, there, last, says, steps)
    }
}

fn adoption() -> Vec<Case> {
    let old = || claim("data-db-0", "ReadWriteOnce");
    let create = || Apply(stateful_set("db", 1));
    vec![
        refused(
            "claim-adoption",
            vec![headless("db")],
            old(),
            create(),
            "else delete what is there: kubectl delete pvc ",
            vec![Paste],
        ),
        refused(
            "claim-adoption",
            vec![headless("db"), old()],
            deployment("web", "data-db-0", 1),
            create(),
            "Stop that workload first",
            vec![Delete("deployment web"), Delete("pvc data-db-0")],
        ),
    ]
}

fn deletion() -> Vec<Case> {
    vec![
        refused(
            "claim-in-use",
            vec![claim("data", "ReadWriteOnce")],
            deployment("web", "data", 1),
            Delete("pvc data --wait=false"),
            "Delete or scale down Deployment ",
            vec![Write(vec![("replicas: 1", "replicas: 0")])],
        ),
        refused(
            "claim-in-use",
            vec![claim("data", "ReadWriteOnce")],
            deployment("web", "data", 1),
            Delete("pvc data --wait=false"),
            "Delete or scale down Deployment ",
            vec![Delete("deployment web")],
        ),
        refused(
            "claim-in-use",
            vec![headless("db"), claim("data-db-0", "ReadWriteOnce")],
            stateful_set("db", 1),
            Delete("pvc data-db-0 --wait=false"),
            "to fewer pods first",
            vec![Write(vec![("replicas: 1", "replicas: 0")])],
        ),
    ]
}

fn update() -> Vec<Case> {
    let set = stateful_set("db", 1);
    let changed = |from: &str, to: &str| {
        assert!(set.contains(from), "{from} in {set}");
        Apply(set.replace(from, to))
    };
    let peers = headless("db").replace("metadata: {name: db}", "metadata: {name: peers}");
    vec![
        refused(
            "immutable-change",
            vec![headless("db"), peers],
            set.clone(),
            changed("serviceName: db", "serviceName: peers"),
            "and apply again: pods and claims stay",
            vec![Paste],
        ),
        refused(
            "immutable-change",
            vec![headless("db")],
            set.clone(),
            changed("storage: 1Gi", "storage: 2Gi"),
            "for the next ones kubectl",
            vec![Paste],
        ),
        refused(
            "immutable-change",
            vec![headless("db")],
            set.clone(),
            changed("app: db", "app: ring"),
            "delete the StatefulSet with its pods and apply again",
            vec![Delete("statefulset db")],
        ),
    ]
}
