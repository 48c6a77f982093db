//! Workloads of kinds with several pod templates, in files: which pods share which claim.

use serde_json::Value;

use super::kinds::entries;

/// A template of pods that use a claim, at this indentation of its `spec`.
fn pods(claim: &str) -> String {
    format!(
        "{{spec: {{containers: [{{name: main, image: example.com/work, volumeMounts: [{{name: {claim}, mountPath: /data}}]}}], volumes: \
         [{{name: {claim}, persistentVolumeClaim: {{claimName: {claim}}}}}]}}}}"
    )
}

/// Pods without any disk.
const PLAIN: &str = "{spec: {containers: [{name: main, image: example.com/work}]}}";

/// Pods that mount what nobody wrote into their volumes.
const CACHING: &str =
    "{spec: {containers: [{name: main, image: example.com/work, volumeMounts: [{name: cache, mountPath: /cache}]}]}}";

fn job_set(spec: &str) -> String {
    format!("---\napiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {{name: train}}\nspec: {{{spec}}}\n")
}

/// A group of Jobs of a JobSet: more of the group, more of its Jobs, and their pods.
fn group(name: &str, more: &str, of_job: &str, pods: &str) -> String {
    format!("{{name: {name}, {more} template: {{spec: {{{of_job} template: {pods}}}}}}}")
}

fn leader_worker_set(spec: &str, templates: &str) -> String {
    format!(
        "---\napiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {{name: infer}}\nspec: {{{spec} \
         leaderWorkerTemplate: {{{templates}}}}}\n"
    )
}

/// What is found: rule, place and words.
fn found(objects: &[String]) -> Vec<(String, String, String)> {
    let all = entries(objects).into_iter().map(|entry| {
        assert_eq!(entry["level"], "warning", "never more: {entry}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&entry["rule"]), text(&entry["path"]), text(&entry["message"]))
    });
    all.collect()
}

/// The one finding: rule and place; it says this.
fn one(objects: &[String], words: &str) -> (String, String) {
    let found = found(objects);
    assert_eq!(found.len(), 1, "{found:?}");
    let (rule, path, message) = &found[0];
    assert!(message.contains(words), "{message}");
    (rule.clone(), path.clone())
}

fn at(rule: &str, path: &str) -> (String, String) {
    (rule.to_owned(), path.to_owned())
}

#[test]
fn the_pods_of_all_jobs_of_a_job_set_are_counted_where_they_share_a_claim() {
    let jobs = |groups: &[String]| [job_set(&format!("replicatedJobs: [{}]", groups.join(", ")))];
    let claim = |group: usize| {
        format!("/spec/replicatedJobs/{group}/template/spec/template/spec/volumes/0/persistentVolumeClaim/claimName")
    };
    let driver = group("driver", "", "", PLAIN);
    let workers = group("workers", "replicas: 2,", "parallelism: 3,", &pods("data"));
    assert_eq!(
        one(
            &jobs(&[driver.clone(), workers.clone()]),
            "6 pods at once mount claim \"data\""
        ),
        at("rwo-job", &claim(1))
    );
    // One pod of each group, and then it is two.
    let single = group("single", "", "", &pods("data"));
    assert_eq!(found(&jobs(&[driver, single.clone()])), []);
    assert_eq!(
        one(
            &jobs(&[single.clone(), single.clone()]),
            "2 pods at once mount claim \"data\""
        ),
        at("rwo-job", &claim(0))
    );
    // The second waits until the first has ended.
    let after = group(
        "after",
        "dependsOn: [{name: single, status: Complete}],",
        "",
        &pods("data"),
    );
    assert_eq!(found(&jobs(&[single.clone(), after])), []);
    // Or until it has begun, and then both run.
    let beside = group(
        "beside",
        "dependsOn: [{name: single, status: Ready}],",
        "",
        &pods("data"),
    );
    assert_eq!(
        one(&jobs(&[single, beside]), "2 pods at once mount claim \"data\""),
        at("rwo-job", &claim(0))
    );
    // No more pods than may complete.
    let bounded = group("bounded", "", "parallelism: 3, completions: 1,", &pods("data"));
    assert_eq!(found(&jobs(&[bounded])), []);
    let suspended = job_set(&format!("suspend: true, replicatedJobs: [{workers}]"));
    assert_eq!(found(&[suspended]), []);
    assert_eq!(found(&jobs(&[])), []);
}

#[test]
fn a_claim_that_a_job_set_makes_for_all_of_its_pods_is_shared_by_them() {
    let policies = |mode: &str| {
        format!(
            "volumeClaimPolicies: [{{templates: [{{metadata: {{name: cache}}, spec: {{accessModes: [{mode}], resources: {{requests: \
             {{storage: 1Gi}}}}}}}}]}}],"
        )
    };
    let jobs = |mode: &str, parallelism: &str| {
        let groups = [group("a", "", parallelism, CACHING), group("b", "", "", PLAIN)].join(", ");
        [job_set(&format!("{} replicatedJobs: [{groups}]", policies(mode)))]
    };
    assert_eq!(
        one(
            &jobs("ReadWriteOnce", "parallelism: 4,"),
            "4 pods at once mount claim \"cache-train\""
        )
        .0,
        "rwo-job"
    );
    assert_eq!(
        found(&jobs("ReadWriteOnce", "")),
        [],
        "of one pod, and made by its controller"
    );
    assert_eq!(found(&jobs("ReadWriteMany", "parallelism: 4,")), []);
}

#[test]
fn leaders_and_workers_are_counted_as_they_are() {
    let both = format!("size: 2, leaderTemplate: {}, workerTemplate: {}", PLAIN, pods("data"));
    assert_eq!(
        found(&[leader_worker_set("", &both)]),
        [],
        "the one worker beside a leader without the claim"
    );
    assert_eq!(
        one(
            &[leader_worker_set("replicas: 2,", &both)],
            "2 replicas mount claim \"data\""
        ),
        at("rwo-replicas", "/spec/leaderWorkerTemplate/size")
    );
    let of_workers = format!("size: 2, workerTemplate: {}", pods("data"));
    assert_eq!(
        one(&[leader_worker_set("", &of_workers)], "2 replicas mount claim \"data\"").0,
        "rwo-replicas",
        "the leader is of the workers' template"
    );
    let shared = both.replace(PLAIN, &pods("data"));
    assert_eq!(
        one(&[leader_worker_set("", &shared)], "2 replicas mount claim \"data\"").0,
        "rwo-replicas"
    );
    let own = format!(
        "volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: \
         1Gi}}}}}}}}], {of_workers}"
    );
    assert_eq!(found(&[leader_worker_set("", &own)]), [], "each has one of its own");
    let surging = leader_worker_set(
        "rolloutStrategy: {rollingUpdateConfiguration: {maxSurge: 1, maxUnavailable: 0}},",
        &format!("workerTemplate: {}", pods("data")),
    );
    assert_eq!(one(&[surging], "claim \"data\"").0, "rwo-surge");
}

#[test]
fn what_a_leader_worker_set_makes_is_judged_with_it() {
    let set = |label: &str| {
        format!(
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: infer-0, labels: {{{label}: infer}}, ownerReferences: \
             [{{apiVersion: v1, kind: Pod, name: infer-0, controller: true, uid: u}}]}}\nspec: {{replicas: 1, serviceName: infer, \
             selector: {{matchLabels: {{app: infer}}}}, template: {}}}\n",
            pods("data").replacen('{', "{metadata: {labels: {app: infer}}, ", 1)
        )
    };
    let workers = leader_worker_set(
        "",
        &format!("size: 2, leaderTemplate: {PLAIN}, workerTemplate: {}", pods("data")),
    );
    assert_eq!(
        found(&[workers.clone(), set("leaderworkerset.sigs.k8s.io/name")]),
        [],
        "the same pods once more"
    );
    let stranger = found(&[workers, set("example.com/name")]);
    assert!(
        stranger.iter().any(|(rule, ..)| rule == "rwo-consumers"),
        "{stranger:?}"
    );
}

#[test]
fn a_deployment_beside_a_job_set_on_one_claim_is_told_of_it() {
    let deployment = format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{strategy: {{type: Recreate}}, selector: {{matchLabels: \
         {{app: web}}}}, template: {}}}\n",
        pods("data").replacen('{', "{metadata: {labels: {app: web}}, ", 1)
    );
    let jobs = job_set(&format!(
        "replicatedJobs: [{}, {}]",
        group("a", "", "", PLAIN),
        group("b", "", "", &pods("data"))
    ));
    let found = entries(&[deployment, jobs]);
    let related = &found[0]["related"][0]["path"];
    assert!(!related.as_str().unwrap_or_default().contains("[]"), "{found:?}");
    assert!(
        found
            .iter()
            .any(|entry| entry["rule"] == "rwo-job" && entry["object"]["kind"] == "JobSet"),
        "{found:?}"
    );
}
