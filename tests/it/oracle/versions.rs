//! What releases of Kubernetes differ in that a rule speaks of: `docs/kubernetes-versions.md` says so of each, and an API
//! server of one of them is asked whether it is true.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stateward::graph::Version;

use super::api::{Api, path};
use super::case::{Case, RWO, Workload};
use super::site::kind;
use super::verdict::verdict_on_version;
use crate::controlplane::ControlPlane;

const PAGE: &str = include_str!("../../../docs/kubernetes-versions.md");

/// Something that one release does otherwise than another.
struct Question {
    /// The first cell of its row.
    fact: &'static str,
    object: Value,
    /// What is there before, where it is an update.
    before: Option<Value>,
    /// A field that may be dropped without a word.
    keeps: &'static str,
    /// Where the API server does this, and nowhere else, one of these rules speaks.
    rules: Option<(&'static str, &'static [&'static str])>,
}

fn questions() -> Vec<Question> {
    let set = || Workload::stateful_set("db").template("data", RWO);
    let strategy = |strategy: Value| set().replicas(3).spec(json!({"updateStrategy": strategy})).0;
    let ask = |fact, object| Question {
        fact,
        object,
        before: None,
        keeps: "",
        rules: None,
    };
    let mut dangling = set();
    dangling.pods()["containers"][0]["volumeMounts"] = json!([{"name": "date", "mountPath": "/data"}]);
    let mut without_modes = set();
    without_modes.0["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] = Value::Null;
    let mut without_size = set();
    without_size.0["spec"]["volumeClaimTemplates"][0]["spec"]["resources"] = Value::Null;
    let history = |limit: u32| {
        let set = Workload::stateful_set("history");
        set.spec(json!({"revisionHistoryLimit": limit})).0
    };
    let autoscaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "db"}, "spec": {"minReplicas": 0, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"},
            "metrics": [{"type": "External", "external": {"metric": {"name": "queue"},
                "target": {"type": "AverageValue", "averageValue": "30"}}}]}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "1db"},
        "spec": {"clusterIP": "None", "selector": {"app": "db"}}});
    let level =
        json!({"securityContext": {"seLinuxOptions": {"level": "s0:c1,c2"}, "seLinuxChangePolicy": "Recursive"}});
    vec![
        ask(
            "a StatefulSet whose `serviceName` is no DNS label, `Db`",
            set().spec(json!({"serviceName": "Db"})).0,
        ),
        ask("a StatefulSet that mounts a volume which is not there", dangling.0),
        ask("a claim template without access modes", without_modes.0),
        ask("a claim template without a size", without_size.0),
        Question {
            before: Some(history(10)),
            ..ask("another `revisionHistoryLimit` of a StatefulSet", history(5))
        },
        Question {
            keeps: "/spec/updateStrategy/rollingUpdate/maxUnavailable",
            rules: Some(("dropped", &["rollout-fields"])),
            ..ask(
                "`maxUnavailable` of a StatefulSet",
                strategy(json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}})),
            )
        },
        Question {
            rules: Some(("refused", &["rollout-fields", "statefulset-recreate"])),
            ..ask(
                "`updateStrategy: {type: Recreate}` of a StatefulSet",
                strategy(json!({"type": "Recreate"})),
            )
        },
        ask("`minReplicas: 0` of an autoscaler by an external metric", autoscaler),
        Question {
            keeps: "/spec/template/spec/securityContext/seLinuxChangePolicy",
            ..ask("`seLinuxChangePolicy` of pods", set().placed(level).0)
        },
        ask("a Service whose name begins with a digit", service),
    ]
}

/// What the API server does with it.
async fn asked(api: &Api, namespace: &str, question: &Question) -> &'static str {
    let kind = kind(&question.object);
    let collection = path(namespace, kind.api_version(), kind.resource());
    let answer = match &question.before {
        None => {
            let dry = format!("{collection}?dryRun=All");
            api.request("POST", &dry, &question.object).await
        }
        Some(before) => {
            api.post(&collection, before).await;
            let name = super::api::name(before);
            api.request("PATCH", &format!("{collection}/{name}"), &question.object)
                .await
        }
    };
    match answer {
        Ok(stored) if stored.pointer(question.keeps).is_none() => "dropped",
        Ok(_) => "stored",
        Err(kube::Error::Api(status)) if status.code == 422 => "refused",
        Err(error) => unreachable!("{}: {error}", question.fact),
    }
}

/// What the page says of each fact, of one release.
fn written(version: Version) -> BTreeMap<String, String> {
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let table: Vec<Vec<String>> = PAGE.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let column = table[0].iter().position(|cell| *cell == version.to_string());
    let column = column.unwrap_or_else(|| unreachable!("docs/kubernetes-versions.md says nothing of {version}"));
    let rows = table.into_iter().skip(2);
    rows.map(|row| (row[0].clone(), row[column].clone())).collect()
}

#[tokio::test]
async fn releases_differ_as_the_page_says() {
    let cluster = ControlPlane::shared().await;
    let ours = cluster.version();
    let version = Version::new(
        u16::try_from(ours.major).expect("a small number"),
        u16::try_from(ours.minor).expect("a small number"),
    );
    let api = Api {
        client: cluster.client().await,
    };
    let namespace = cluster.namespace("versions").await;
    let (mut seen, mut breaches) = (BTreeMap::new(), Vec::new());
    for question in questions() {
        let does = asked(&api, &namespace, &question).await;
        seen.insert(question.fact.to_owned(), does.to_owned());
        let Some((when, rules)) = question.rules else { continue };
        let said = verdict_on_version(&Case::new("versions"), &question.object, version);
        let says = rules.iter().any(|rule| said.contains(rule));
        if says != (does == when) {
            breaches.push(format!("{}: it is {does}, and what speaks is {said:?}", question.fact));
        }
    }
    assert_eq!(seen, written(version), "Kubernetes {version}");
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
