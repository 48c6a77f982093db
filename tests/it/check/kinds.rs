//! Workloads of kinds that are not built in, in files: what is found of them, and what is not.

use serde_json::Value;

use super::{Answer, Repository};

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: \
                     {requests: {storage: 1Gi}}}\n";

/// The template of pods that use the claim.
const TEMPLATE: &str = "  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers: [{name: main, image: example.com/web, \
                        volumeMounts: [{name: data, mountPath: /data}]}]\n      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";

/// A workload called `web`, with more lines of its spec and the template.
fn workload(version: &str, kind: &str, spec: &str) -> String {
    named("web", version, kind, &format!("{spec}{TEMPLATE}"))
}

fn named(name: &str, version: &str, kind: &str, spec: &str) -> String {
    let selector = "  selector: {matchLabels: {app: web}}\n";
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{selector}{spec}")
}

fn rollout(spec: &str) -> String {
    workload("argoproj.io/v1alpha1", "Rollout", spec)
}

fn clone_set(spec: &str) -> String {
    workload("apps.kruise.io/v1alpha1", "CloneSet", spec)
}

fn deployment(spec: &str) -> String {
    workload("apps/v1", "Deployment", spec)
}

const CANARY: &str = "  strategy: {canary: {}}\n";

/// The canary of which old pods end first.
const APART: &str = "  strategy: {canary: {maxSurge: 0, maxUnavailable: 1}}\n";

/// What a check of these objects and the claim says, with what else it is told.
pub fn checked(objects: &[String], args: &[&str]) -> Answer {
    let repository = Repository::new(&[("a.yaml", &format!("{CLAIM}{}", objects.concat()))]);
    repository.check(&[&["a.yaml", "--format", "json", "--assume-complete"], args].concat())
}

/// The findings: level, rule, kind, path; without notes.
fn found(objects: &[String]) -> Vec<(String, String, String, String)> {
    entries(objects)
        .into_iter()
        .map(|entry| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&entry["level"]),
                text(&entry["rule"]),
                text(&entry["object"]["kind"]),
                text(&entry["path"]),
            )
        })
        .collect()
}

pub fn entries(objects: &[String]) -> Vec<Value> {
    let answer = checked(objects, &[]);
    assert_eq!(answer.stderr, "", "{}", answer.stdout);
    let report: Value = serde_json::from_str(&answer.stdout).expect("JSON");
    let entries = report["findings"].as_array().expect("findings").iter();
    entries.filter(|entry| entry["level"] != "note").cloned().collect()
}

fn one(level: &str, rule: &str, kind: &str, path: &str) -> (String, String, String, String) {
    (level.to_owned(), rule.to_owned(), kind.to_owned(), path.to_owned())
}

/// The remedy of a rule's finding.
fn remedy(objects: &[String], rule: &str) -> String {
    let entries = entries(objects);
    let entry = entries.iter().find(|entry| entry["rule"] == rule).expect(rule);
    entry["remedy"].as_str().unwrap_or_default().to_owned()
}

const CLAIM_NAME: &str = "/spec/template/spec/volumes/0/persistentVolumeClaim/claimName";

#[test]
fn several_pods_of_a_rollout_on_one_claim_and_its_autoscaler_are_found() {
    let scaler = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {maxReplicas: 5, \
                  scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}}\n";
    let objects = [rollout(&format!("  replicas: 3\n{CANARY}")), scaler.to_owned()];
    assert_eq!(
        found(&objects),
        [
            one("error", "rwo-replicas", "Rollout", "/spec/replicas"),
            one("warning", "rwo-autoscaler", "Rollout", CLAIM_NAME),
        ]
    );
    assert_eq!(
        remedy(&objects, "rwo-replicas"),
        "Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1 with strategy canary: {maxSurge: 0, \
         maxUnavailable: 1} without trafficRouting"
    );
    assert_eq!(checked(&objects, &[]).code, 1);
}

#[test]
fn a_rollout_beside_a_deployment_on_one_claim_is_found() {
    let recreated = deployment("  strategy: {type: Recreate}\n").replace("{name: web}", "{name: old}");
    let objects = [rollout(APART), recreated.replace("app: web", "app: old")];
    let entries = entries(&objects);
    assert_eq!(found(&objects), [one("error", "rwo-consumers", "Rollout", CLAIM_NAME)]);
    assert_eq!(entries[0]["related"][0]["object"]["kind"], "Deployment", "{entries:?}");
}

#[test]
fn a_rollout_that_borrows_a_template_is_judged_in_the_place_of_its_lender() {
    let lender = deployment("  replicas: 0\n");
    let reference = "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n";
    let borrowed = |spec: &str| {
        let borrower = named("blue", "argoproj.io/v1alpha1", "Rollout", &format!("{reference}{spec}"));
        borrower.replace("  selector: {matchLabels: {app: web}}\n", "")
    };
    let found_of = |lender: &str, spec: &str| {
        let there = found(&[lender.to_owned(), borrowed(spec)]);
        let reversed = found(&[borrowed(spec), lender.to_owned()]);
        assert_eq!(there.len(), reversed.len(), "whichever comes first");
        there
    };
    // The Deployment never rolls out; the Rollout does.
    let surge = one("warning", "rwo-surge", "Rollout", "/spec/strategy");
    assert_eq!(found_of(&lender, CANARY), [surge]);
    assert_eq!(found_of(&lender, APART), []);
    assert_eq!(
        found_of(&lender, &format!("{APART}  replicas: 3\n"))[0].1,
        "rwo-replicas"
    );
    // Until it is scaled down, the lender runs pods too.
    let running = lender.replace("replicas: 0", "replicas: 1");
    let both = found_of(&running, APART);
    let scaled_down = reference.replace("name: web", "name: web, scaleDown: progressively");
    let borrower = borrowed(APART).replace(reference, &scaled_down);
    assert_eq!(
        remedy(&[running, borrower], "rwo-consumers"),
        "Scale Deployment \"web\" to 0 first: kubectl scale deployment web -n default --replicas=0; workloadRef.scaleDown takes its \
         pods away only once those of Rollout \"blue\" are ready, which wait for the claim"
    );
    assert!(both.iter().any(|(_, rule, ..)| rule == "rwo-consumers"), "{both:?}");
    assert!(
        both.iter().all(|(_, rule, ..)| rule != "overlapping-selectors"),
        "{both:?}"
    );
    // A Deployment of no replicas that lends nothing may get some, and then rolls out.
    assert_eq!(found(&[lender])[0].1, "rwo-surge");
}

#[test]
fn a_rollout_overlaps_as_its_strategy_says() {
    let surge = |strategy: &str| {
        let found = found(&[rollout(&format!("  strategy: {strategy}\n"))]);
        found.into_iter().map(|(_, rule, ..)| rule).collect::<Vec<_>>()
    };
    for overlapping in [
        "{canary: {}}",
        "{canary: {maxSurge: 1, maxUnavailable: 0}}",
        "{blueGreen: {activeService: web}}",
        "{canary: {maxSurge: 0, maxUnavailable: 1, trafficRouting: {nginx: {stableIngress: web}}}}",
        "{canary: {maxSurge: 1, maxUnavailable: 1, steps: [{setWeight: 50}]}}",
    ] {
        assert_eq!(surge(overlapping), ["rwo-surge"], "{overlapping}");
    }
    for apart in [
        "{canary: {maxSurge: 0, maxUnavailable: 1}}",
        "{canary: {maxSurge: 0}}",
        "{canary: {maxSurge: 1, maxUnavailable: 1}}",
        "{canary: {maxSurge: 0, steps: [{setWeight: 50}]}}",
    ] {
        assert_eq!(surge(apart), [""; 0], "{apart}");
    }
    let blue_green = [rollout("  strategy: {blueGreen: {activeService: web}}\n")];
    assert_eq!(
        remedy(&blue_green, "rwo-surge"),
        "Use strategy canary: {maxSurge: 0, maxUnavailable: 1} without trafficRouting, so that the old pod ends before the new one \
         begins"
    );
    let message = entries(&blue_green)[0]["message"].clone();
    assert!(
        message
            .as_str()
            .is_some_and(|text| text.contains("an update starts the new pod before the old one ends")),
        "{message}"
    );
    assert_eq!(found(&[rollout("  paused: true\n  strategy: {blueGreen: {}}\n")]), []);
}

#[test]
fn the_sets_of_a_rollout_are_judged_with_it() {
    let set = |name: &str| {
        let owner = "{name: NAME, ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, controller: true, uid: u}]}";
        let set = named(name, "apps/v1", "ReplicaSet", &format!("  replicas: 1\n{TEMPLATE}"));
        set.replace(&format!("{{name: {name}}}"), &owner.replace("NAME", name))
    };
    let objects = [
        rollout("  strategy: {blueGreen: {activeService: web}}\n"),
        set("web-blue"),
        set("web-green"),
    ];
    assert_eq!(
        found(&objects),
        [one("warning", "rwo-surge", "Rollout", "/spec/strategy")]
    );
    // A set that the Rollout would not make is judged.
    let stranger = set("other").replace("app: web", "app: other");
    assert!(
        found(&[rollout(APART), stranger])
            .iter()
            .any(|(_, rule, kind, _)| rule == "rwo-consumers" && kind == "ReplicaSet")
    );
}

#[test]
fn a_clone_set_is_judged_with_its_own_defaults() {
    let several = [clone_set("  replicas: 3\n")];
    assert_eq!(
        found(&several),
        [one("error", "rwo-replicas", "CloneSet", "/spec/replicas")]
    );
    assert_eq!(
        remedy(&several, "rwo-replicas"),
        "Add a claim template, and name it as the volume, which it replaces by a claim for each pod; or use a ReadWriteMany class, or \
         replicas: 1"
    );
    // It adds no pod unless it is told to.
    assert_eq!(found(&[clone_set("")]), []);
    let surging = [clone_set("  updateStrategy: {maxSurge: 1}\n")];
    assert_eq!(
        found(&surging),
        [one("warning", "rwo-surge", "CloneSet", "/spec/updateStrategy")]
    );
    // Newer versions have all that one level deeper.
    let newer = |strategy: &str| {
        let spec = format!("  updateStrategy: {strategy}\n");
        found(&[workload("apps.kruise.io/v1beta1", "CloneSet", &spec)])
    };
    for apart in [
        "{type: RollingUpdate}",
        "{rollingUpdate: {maxUnavailable: 1}}",
        "{type: OnDelete, rollingUpdate: {maxSurge: 1}}",
    ] {
        assert_eq!(newer(apart), [], "{apart}");
    }
    assert_eq!(newer("{rollingUpdate: {maxSurge: 1, paused: true}}"), []);
    assert_eq!(newer("{rollingUpdate: {maxSurge: 1}}")[0].1, "rwo-surge");
    let own = "  replicas: 3\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: \
               {requests: {storage: 1Gi}}}}]\n";
    assert_eq!(found(&[clone_set(own)]), [], "each pod has a claim of its own");
}

#[test]
fn kinds_that_are_named_as_built_in_ones_are_judged_as_what_they_are() {
    let advanced = |kind: &str, spec: &str| [workload("apps.kruise.io/v1beta1", kind, spec)];
    assert_eq!(
        found(&advanced("DaemonSet", "")),
        [one("error", "rwo-daemonset", "DaemonSet", CLAIM_NAME)]
    );
    // What only Kubernetes' own StatefulSets do is not said.
    assert_eq!(
        found(&advanced("StatefulSet", "  replicas: 3\n")),
        [one("error", "rwo-replicas", "StatefulSet", "/spec/replicas")]
    );
    assert_eq!(
        found(&advanced("StatefulSet", "")),
        [one(
            "warning",
            "statefulset-static-claim",
            "StatefulSet",
            "/spec/template/spec/volumes/0"
        )]
    );
}

#[test]
fn the_pods_of_an_advanced_statefulset_skip_the_ordinals_that_are_reserved() {
    let set = "---\napiVersion: apps.kruise.io/v1beta1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db\n  replicas: 3\n  \
               reserveOrdinals: [1, 4-5]\n  selector: {matchLabels: {app: db}}\n  template: {metadata: {labels: {app: db}}, spec: {containers: \
               [{name: db, image: example.com/db, volumeMounts: [{name: data, mountPath: /data}]}]}}\n  volumeClaimTemplates: [{metadata: \
               {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]\n";
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}\n";
    let with = |claim: &str| {
        let web =
            deployment("  strategy: {type: Recreate}\n").replace("claimName: data", &format!("claimName: {claim}"));
        found(&[set.to_owned(), service.to_owned(), web])
    };
    let rules = |claim: &str| {
        let found = with(claim).into_iter();
        found
            .map(|(level, rule, kind, _)| format!("{level} {rule} {kind}"))
            .collect::<Vec<_>>()
    };
    // Pods 0, 2 and 3.
    for claim in ["data-db-0", "data-db-2", "data-db-3"] {
        assert_eq!(rules(claim), ["error rwo-consumers StatefulSet"], "{claim}");
    }
    for claim in ["data-db-1", "data-db-4", "data-db-6"] {
        assert_eq!(rules(claim), ["warning claim-missing Deployment"], "{claim}");
    }
}

/// Objects without the selector that only some kinds have.
fn unselected(object: &str) -> String {
    object.replace("  selector: {matchLabels: {app: web}}\n", "")
}

#[test]
fn the_revisions_of_a_knative_service_run_side_by_side() {
    let service = [unselected(&workload("serving.knative.dev/v1", "Service", ""))];
    assert_eq!(
        found(&service),
        [one("warning", "rwo-surge", "Service", "/spec/template")]
    );
    assert_eq!(
        remedy(&service, "rwo-surge"),
        "Use a ReadWriteMany class, or a kind whose old pods end before new ones begin: nothing is known that makes a Service \
         do so"
    );
    // The Deployment of a Revision is judged with it, as long as it has its claims.
    let revision = |labels: &str| {
        let owner = "ownerReferences: [{apiVersion: serving.knative.dev/v1, kind: Revision, name: web-1, controller: true, uid: u}]";
        let revision = deployment("").replace("{name: web}", &format!("{{name: web-1, labels: {labels}, {owner}}}"));
        found(&[service[0].clone(), revision])
    };
    assert_eq!(revision("{serving.knative.dev/service: web}").len(), 1);
    assert!(revision("{}").len() > 1);
    // Its pods are no part of a Service of Kubernetes' own.
    let set = "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec: {serviceName: web, selector: {matchLabels: \
               {app: set}}, template: {metadata: {labels: {app: set}}, spec: {containers: [{name: a, image: a}]}}}\n";
    let rules: Vec<String> = found(&[service[0].clone(), set.to_owned()])
        .into_iter()
        .map(|(_, rule, ..)| rule)
        .collect();
    assert!(rules.iter().any(|rule| rule == "service-missing"), "{rules:?}");
}

#[test]
fn the_jobs_of_a_scaled_job_share_its_claim() {
    let template = TEMPLATE.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let scaled = |spec: &str| {
        let job = named(
            "web",
            "keda.sh/v1alpha1",
            "ScaledJob",
            &format!("{spec}  jobTargetRef:\n{template}"),
        );
        [job.replace("  selector: {matchLabels: {app: web}}\n", "")]
    };
    let path = "/spec/jobTargetRef/template/spec/volumes/0/persistentVolumeClaim/claimName";
    assert_eq!(found(&scaled("")), [one("warning", "rwo-job", "ScaledJob", path)]);
    assert_eq!(
        remedy(&scaled(""), "rwo-job"),
        "Use maxReplicaCount: 1, an ephemeral volume, or a ReadWriteMany class"
    );
    assert_eq!(found(&scaled("  maxReplicaCount: 1\n")), []);
}

#[test]
fn a_scaled_object_is_an_autoscaler() {
    let scaled = |more: &str| {
        let target = "scaleTargetRef: {name: web}";
        format!(
            "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec: {{{target}, triggers: []{more}}}\n"
        )
    };
    let deployment = || deployment("  strategy: {type: Recreate}\n");
    let messages = |scaler: String| {
        let entries = entries(&[deployment(), scaler]);
        let messages = entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        messages.collect::<Vec<_>>()
    };
    let eight = messages(scaled(", maxReplicaCount: 8"));
    assert_eq!(eight.len(), 1);
    assert!(
        eight[0].contains("ScaledObject \"web\" may make 8 replicas mount claim \"data\""),
        "{eight:?}"
    );
    assert!(
        messages(scaled(""))[0].contains("may make 100 replicas"),
        "without a maximum it is 100"
    );
    assert!(messages(scaled(", minReplicaCount: 2"))[0].contains("keeps at least 2 replicas"));
    assert!(messages(scaled(", minReplicaCount: 2, idleReplicaCount: 0"))[0].contains("may make 100"));
    assert_eq!(messages(scaled(", maxReplicaCount: 1")), [""; 0]);
    let annotated = |annotation: &str| {
        let with = format!("{{name: web, annotations: {{autoscaling.keda.sh/{annotation}}}}}");
        scaled("").replace("metadata: {name: web}", &format!("metadata: {with}"))
    };
    for quiet in [
        "paused: \"true\"",
        "paused-replicas: \"1\"",
        "paused-scale-out: \"true\"",
    ] {
        assert_eq!(messages(annotated(quiet)), [""; 0], "{quiet}");
    }
    assert!(messages(annotated("paused-replicas: \"3\""))[0].contains("keeps at least 3"));
    assert!(messages(annotated("paused: \"false\""))[0].contains("may make 100"));
    let objects = [deployment(), scaled(", maxReplicaCount: 8")];
    let entries = entries(&objects);
    assert_eq!(
        (&entries[0]["level"], &entries[0]["related"][0]["path"]),
        (&"warning".into(), &"/spec/maxReplicaCount".into())
    );
    assert_eq!(
        entries[0]["remedy"],
        "Set maxReplicaCount: 1 on the autoscaler, or use a StatefulSet with volumeClaimTemplates, or a ReadWriteMany class"
    );
}

#[test]
fn what_keda_made_is_not_told_beside_its_scaled_object() {
    let scaler = "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: {scaleTargetRef: {name: web}, \
                  maxReplicaCount: 8}\n";
    let made = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: keda-hpa-web, labels: \
                {scaledobject.keda.sh/name: web}}\nspec: {maxReplicas: 8, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n";
    let entries = entries(&[
        deployment("  strategy: {type: Recreate}\n"),
        scaler.to_owned(),
        made.to_owned(),
    ]);
    assert_eq!(entries.len(), 1, "{entries:?}");
    let related = entries[0]["related"].as_array().expect("a list");
    assert_eq!(
        (related.len(), &related[0]["object"]["kind"]),
        (1, &"ScaledObject".into())
    );
}

#[test]
fn kinds_of_the_same_name_in_other_groups_are_never_taken_for_these() {
    let knative = "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: db}\nspec: {}\n";
    let set = named(
        "db",
        "apps/v1",
        "StatefulSet",
        "  serviceName: db\n  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: example.com/db, \
         volumeMounts: [{name: data, mountPath: /data}]}]}}\n  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: \
         [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]\n",
    );
    let found = found(&[knative.to_owned(), set]);
    assert!(found.iter().any(|(_, rule, ..)| rule == "service-missing"), "{found:?}");
    let elsewhere = workload("example.com/v1", "Rollout", "  replicas: 3\n");
    let answer = checked(&[elsewhere], &[]);
    assert!(
        answer
            .stdout
            .contains("nothing is known of its kind: Rollout (example.com/v1)"),
        "{}",
        answer.stdout
    );
}

#[test]
fn a_declared_kind_is_judged_and_never_denied() {
    let declared = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadKind\nmetadata: {name: widgets}\nspec:\n  group: example.com\n  version: v1\n  \
                    kind: Widget\n  plural: widgets\n  podTemplate: /spec/template\n  replicas: /spec/replicas\n  rollout: [{does: Overlaps}]\n";
    let widget = |replicas: u32| workload("example.com/v1", "Widget", &format!("  replicas: {replicas}\n"));
    let check = |replicas: u32| {
        let repository = Repository::new(&[
            ("a.yaml", &format!("{CLAIM}{}", widget(replicas))),
            ("kinds.yaml", declared),
        ]);
        repository.check(&["a.yaml", "--workload-kinds", "kinds.yaml"])
    };
    let several = check(3);
    assert_eq!(several.code, 0, "{}", several.stdout);
    assert!(
        several.stdout.contains("warning[rwo-replicas]")
            && several.stdout.contains("with a rollout that ends the old pod first"),
        "{}",
        several.stdout
    );
    let one = check(1);
    assert!(
        one.stdout.contains("warning[rwo-surge]") && one.stdout.contains("nothing is known that makes a Widget do so"),
        "{}",
        one.stdout
    );
    let repository = Repository::new(&[
        ("a.yaml", CLAIM),
        ("kinds.yaml", &declared.replace("replicas:", "replica:")),
    ]);
    let wrong = repository.check(&["a.yaml", "--workload-kinds", "kinds.yaml"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong
            .stderr
            .contains("kinds.yaml:10:12: unknown field \"replica\", did you mean \"replicas\"?"),
        "{}",
        wrong.stderr
    );
}
