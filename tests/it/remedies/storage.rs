//! Claims that pods share.

use super::cases::Step::{Apply, Paste, Pods, Write};
use super::cases::{Case, case};
use crate::served::objects::{autoscaler, claim, deployment, headless, selected, stateful_set, template, using};

pub fn cases() -> Vec<Case> {
    let mut cases = sharing();
    cases.extend(levels());
    cases
}

/// Workloads that want one volume mounted by different SELinux levels.
fn levels() -> Vec<Case> {
    let driver = "{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: levels.example.com}, spec: \
                  {seLinuxMount: true}}";
    let class = "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: levels}, provisioner: \
                 levels.example.com}";
    let media = claim("data", "ReadWriteMany").replace("accessModes", "storageClassName: levels, accessModes");
    let at = |name: &str, level: &str| {
        let context = format!("securityContext: {{seLinuxOptions: {{level: \"{level}\"}}}}, containers:");
        deployment(name, "data", 1).replace("containers:", &context)
    };
    let there = |level: &str| vec![driver.to_owned(), class.to_owned(), media.clone(), at("worker", level)];
    let recursive = |name: &str, level: &str| {
        at(name, level).replace("}}, containers", "}, seLinuxChangePolicy: Recursive}, containers")
    };
    let web = at("web", "s0:c1,c2");
    let other = "s0:c3,c4";
    let mut cases = vec![
        case(
            "selinux-conflict",
            there(other),
            web.clone(),
            "Give both the same seLinuxOptions.level",
            vec![Write(vec![("s0:c1,c2", other)])],
        ),
        case(
            "selinux-conflict",
            there(other),
            web,
            "or seLinuxChangePolicy: Recursive to all that share it",
            vec![Apply(recursive("web", "s0:c1,c2")), Apply(recursive("worker", other))],
        ),
    ];
    cases.iter_mut().for_each(|case| case.since = 37);
    cases
}

fn sharing() -> Vec<Case> {
    let job = |more: &str| {
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: backup}}, spec: {{schedule: \"0 3 * * *\", {more}\
             jobTemplate: {{spec: {{{}}}}}}}}}",
            template("backup", &format!("restartPolicy: Never, {}", using("data")))
        )
    };
    let once = format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: once}}, spec: {{{}}}}}",
        template("once", &format!("restartPolicy: Never, {}", using("data")))
    );
    let spread = rolling("web", 3).replace(
        "containers:",
        "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \
         kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}, containers:",
    );
    let postgres = |replicas| rolling("db", replicas).replace("image: web", "image: postgres:17");
    let no_surge = "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}, selector";
    let recreate = "strategy: {type: Recreate}, selector";
    let ephemeral = "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}";
    let agent = format!(
        "{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: agent}}, spec: {{{}}}}}",
        selected("agent", &using("data"))
    );
    let static_set = format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{serviceName: db, replicas: 2, {}}}}}",
        selected("db", &using("data"))
    );
    let with_template = vec![
        (
            ", volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
            "",
        ),
        (
            "serviceName: db",
            "serviceName: db, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
             resources: {requests: {storage: 1Gi}}}}]",
        ),
    ];
    let minimum = autoscaler("v2", "web", 5).replace("maxReplicas", "minReplicas: 2, maxReplicas");
    let one_sided = "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: \
                     kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}, containers:";
    let worker = deployment("worker", "data", 1).replace("containers:", one_sided);
    let mixed = claim("data", "ReadWriteOnce, ReadOnlyMany");
    vec![
        case(
            "rwo-replicas",
            data(),
            rolling("web", 3),
            "replicas: 1 with maxSurge: 0",
            vec![Write(vec![("replicas: 3", "replicas: 1"), ("selector", no_surge)])],
        ),
        case(
            "rwo-replicas",
            [data(), vec![headless("db")]].concat(),
            static_set.clone(),
            "--cascade=orphan",
            vec![Paste, Write(with_template.clone())],
        ),
        case(
            "statefulset-static-claim",
            [data(), vec![headless("db")]].concat(),
            static_set.replace("replicas: 2, ", ""),
            "--cascade=orphan",
            vec![Paste, Write(with_template)],
        ),
        case(
            "rwo-autoscaler",
            [data(), vec![deployment("web", "data", 1)]].concat(),
            autoscaler("v2", "web", 5),
            "maxReplicas: 1 on the autoscaler",
            vec![Write(vec![("maxReplicas: 5", "maxReplicas: 1")])],
        ),
        case(
            "rwo-autoscaler",
            [data(), vec![deployment("web", "data", 1)]].concat(),
            minimum,
            "Set minReplicas: 1 and maxReplicas: 1 on the autoscaler",
            vec![Write(vec![(
                "minReplicas: 2, maxReplicas: 5",
                "minReplicas: 1, maxReplicas: 1",
            )])],
        ),
        case(
            "rwo-surge",
            data(),
            rolling("web", 1),
            "maxSurge: 0 with maxUnavailable: 1",
            vec![Write(vec![("selector", no_surge)])],
        ),
        case(
            "rwo-surge",
            data(),
            rolling("web", 1),
            "once by: kubectl patch",
            vec![Paste, Write(vec![("selector", recreate)])],
        ),
        case(
            "rwop-overlap",
            vec![claim("data", "ReadWriteOncePod")],
            rolling("web", 1),
            "once by: kubectl patch",
            vec![Paste, Write(vec![("selector", recreate)])],
        ),
        case(
            "rwop-overlap",
            vec![claim("data", "ReadWriteOncePod")],
            rolling("web", 2),
            "one pod with maxSurge: 0",
            vec![Write(vec![("replicas: 2", "replicas: 1"), ("selector", no_surge)])],
        ),
        case(
            "rwo-spread",
            data(),
            spread,
            "run one pod with maxSurge: 0",
            vec![Write(vec![
                ("replicas: 3", "replicas: 1"),
                (
                    "selector: {matchLabels: {app: web}}, template",
                    "strategy: {type: RollingUpdate, \
             rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}, selector: {matchLabels: {app: web}}, template",
                ),
            ])],
        ),
        case(
            "database-overlap",
            vec![claim("data", "ReadWriteMany")],
            postgres(1),
            "once by: kubectl patch",
            vec![Paste, Write(vec![("selector", recreate)])],
        ),
        case(
            "database-overlap",
            vec![claim("data", "ReadWriteMany")],
            postgres(3),
            "once by: kubectl patch",
            vec![
                Paste,
                Write(vec![("replicas: 3", "replicas: 1"), ("selector", recreate)]),
            ],
        ),
        case(
            "rwo-job",
            data(),
            job(""),
            "Use concurrencyPolicy: Forbid",
            vec![Write(vec![("jobTemplate", "concurrencyPolicy: Forbid, jobTemplate")])],
        ),
        case(
            "rwo-job",
            [data(), vec![deployment("web", "data", 1)]].concat(),
            job("concurrencyPolicy: Forbid, "),
            "Put the job beside it with affinity: ",
            vec![Pods("affinity: ")],
        ),
        case(
            "rwo-job",
            [data(), vec![deployment("web", "data", 1)]].concat(),
            once,
            "Put the job beside it with affinity: ",
            vec![Paste, Pods("affinity: ")],
        ),
        case(
            "rwo-job",
            vec![claim("data", "ReadWriteOnce"), headless("db"), stateful_set("db", 1)],
            job("concurrencyPolicy: Forbid, ").replace("claimName: data", "claimName: data-db-0"),
            "Put the job beside it with affinity: ",
            vec![Pods("affinity: ")],
        ),
        case(
            "rwo-consumers",
            [data(), vec![worker]].concat(),
            deployment("web", "data", 1),
            "Let it follow too: affinity: ",
            vec![Pods("affinity: ")],
        ),
        case(
            "rwo-daemonset",
            data(),
            agent,
            "an ephemeral volume",
            vec![Write(vec![("persistentVolumeClaim: {claimName: data}", ephemeral)])],
        ),
        case(
            "claim-missing",
            vec![],
            deployment("web", "data", 1),
            "Create PersistentVolumeClaim \"data\"",
            vec![Apply(claim("data", "ReadWriteOnce"))],
        ),
        case(
            "claim-mixed-modes",
            vec![mixed],
            deployment("web", "data", 1),
            "a new claim with one mode",
            vec![
                Apply(claim("other", "ReadWriteOnce")),
                Write(vec![("claimName: data", "claimName: other")]),
            ],
        ),
    ]
}

fn data() -> Vec<String> {
    vec![claim("data", "ReadWriteOnce")]
}

/// A Deployment with the strategy that the API server writes.
fn rolling(name: &str, replicas: u32) -> String {
    deployment(name, "data", replicas).replace("strategy: {type: Recreate}, ", "")
}
