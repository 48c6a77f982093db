//! Every operation on every kind that is sent, with and without claims, and the entry that each must come through.

use serde_json::{Value, json};

use super::{ADVICE, DEPENDENCIES, PODS, Reached, SCALE, WORKLOADS};

/// A request, and the entry that it must come through; `None`: it passes without us.
pub(super) struct Case {
    pub(super) what: String,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: String,
    /// Who sends it; empty for an administrator.
    pub(super) user: &'static str,
    pub(super) entry: Reached,
}

/// A kind of workload.
struct Written {
    group: &'static str,
    resource: &'static str,
    kind: &'static str,
    /// The field of `spec` with the number of its pods.
    replicas: Option<&'static str>,
    /// Whether its pod template may be changed.
    fixed: bool,
    owner: Option<&'static str>,
}

const DAEMON_SET: Written = Written {
    group: "apps/v1",
    resource: "daemonsets",
    kind: "DaemonSet",
    replicas: None,
    fixed: false,
    owner: None,
};

const KINDS: [Written; 7] = [
    DAEMON_SET,
    Written {
        resource: "deployments",
        kind: "Deployment",
        replicas: Some("replicas"),
        ..DAEMON_SET
    },
    Written {
        resource: "replicasets",
        kind: "ReplicaSet",
        replicas: Some("replicas"),
        owner: Some("apps/v1/Deployment"),
        ..DAEMON_SET
    },
    Written {
        resource: "statefulsets",
        kind: "StatefulSet",
        replicas: Some("replicas"),
        ..DAEMON_SET
    },
    Written {
        group: "v1",
        resource: "replicationcontrollers",
        kind: "ReplicationController",
        replicas: Some("replicas"),
        ..DAEMON_SET
    },
    Written {
        group: "batch/v1",
        resource: "cronjobs",
        kind: "CronJob",
        ..DAEMON_SET
    },
    Written {
        group: "batch/v1",
        resource: "jobs",
        kind: "Job",
        replicas: Some("parallelism"),
        fixed: true,
        owner: Some("batch/v1/CronJob"),
    },
];

/// What a workload has to do with claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claims {
    None,
    Named,
    /// Among so many other volumes that a condition which looks at all of them costs something.
    Many,
    Templates,
}

/// The objects that must exist, and the cases.
pub(super) fn cases(namespace: &str, opted_out: &str) -> (Vec<Value>, Vec<Case>) {
    let mut existing = vec![leaving()];
    let mut cases = Vec::new();
    for kind in &KINDS {
        for (name, claims) in [
            ("plain", Claims::None),
            ("disk", Claims::Named),
            ("many", Claims::Many),
            ("own", Claims::Templates),
        ] {
            let wanted = match claims {
                Claims::Templates => kind.kind == "StatefulSet",
                Claims::Many => kind.kind == "Deployment",
                Claims::None | Claims::Named => true,
            };
            if !wanted {
                continue;
            }
            existing.push(kind.object(name, claims));
            cases.extend(kind.cases(namespace, name, claims));
        }
        if let Some(owner) = kind.owner {
            existing.push(kind.owned("owned", owner));
            cases.extend(kind.owned_cases(namespace, owner));
        }
    }
    existing.extend([
        service("db"),
        claim("data"),
        autoscaler("web"),
        pod("one", Claims::Named),
    ]);
    cases.extend(others(namespace));
    cases.extend(elsewhere(opted_out));
    (existing, cases)
}

impl Written {
    fn object(&self, name: &str, claims: Claims) -> Value {
        let labels = json!({"app": name});
        let template = json!({"metadata": {"labels": labels}, "spec": pods(self.kind, claims)});
        let mut spec = match self.kind {
            "CronJob" => json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}),
            "Job" => json!({"template": template}),
            "ReplicationController" => json!({"selector": labels, "template": template}),
            _ => json!({"selector": {"matchLabels": labels}, "template": template}),
        };
        if let Some(replicas) = self.replicas {
            spec[replicas] = 2.into();
        }
        if claims == Claims::Templates {
            let disk = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
            spec["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": disk}]);
        }
        json!({"apiVersion": self.group, "kind": self.kind, "metadata": {"name": name}, "spec": spec})
    }

    fn owned(&self, name: &str, owner: &str) -> Value {
        let mut object = self.object(name, Claims::Named);
        object["metadata"]["ownerReferences"] = owner_reference(owner);
        object
    }

    fn cases(&self, namespace: &str, name: &str, claims: Claims) -> Vec<Case> {
        let closed = if claims == Claims::None { ADVICE } else { WORKLOADS };
        let at = self.path(namespace);
        let one = format!("{at}/{name}");
        let finalizer = json!({"metadata": {"finalizers": ["a/b"]}});
        let mut cases = vec![
            self.case("POST", &at, "create", self.object("new", claims), closed),
            self.case("PATCH", &one, "label", metadata("labels"), ADVICE),
            self.case("PATCH", &one, "annotation", metadata("annotations"), ADVICE),
            self.case("PATCH", &one, "finalizer", finalizer, None),
            self.case("PATCH", &one, "nothing", json!({}), None),
            self.case("PATCH", &format!("{one}/status"), "status", metadata("labels"), None),
            self.case("DELETE", &one, "delete", json!({}), None),
        ];
        let changes = self.changes(claims, closed).into_iter();
        cases.extend(changes.map(|(what, body, entry)| self.case("PATCH", &one, what, body, entry)));
        if self.replicas == Some("replicas") {
            let scales = [("up", 3), ("down", 1), ("to nothing", 0), ("to the same", 2)];
            cases.extend(scales.map(|(what, replicas)| {
                let body = json!({"spec": {"replicas": replicas}});
                let entry = if what == "up" { SCALE } else { ADVICE };
                self.case("PATCH", &format!("{one}/scale"), &format!("scale {what}"), body, entry)
            }));
        }
        cases
    }

    /// Patches of `spec`; what may be denied comes through `closed`.
    fn changes(&self, claims: Claims, closed: Reached) -> Vec<(&'static str, Value, Reached)> {
        let mut changes = Vec::new();
        let image = || self.pods(json!({"containers": [{"name": "a", "image": "next"}]}));
        if !self.fixed {
            changes.push(("image", image(), closed));
            // Of a StatefulSet the claim templates stay; where there was no volume, nothing changes.
            let named = matches!(claims, Claims::Named | Claims::Many);
            let away = self.pods(json!({"volumes": []}));
            changes.push(("volumes away", away, if named { ADVICE } else { None }));
            let other = self.pods(json!({"volumes": [volume("other")]}));
            changes.push(("another claim", other, WORKLOADS));
        }
        if let Some(replicas) = self.replicas {
            let number = |number: u32| json!({"spec": {replicas: number}});
            changes.extend([
                ("fewer", number(1), ADVICE),
                ("none", number(0), ADVICE),
                ("more", number(3), closed),
            ]);
            if !self.fixed {
                let mut both = image();
                both["spec"][replicas] = 1.into();
                changes.push(("fewer of another image", both, closed));
            }
        }
        if self.kind == "CronJob" {
            changes.push(("suspend", json!({"spec": {"suspend": true}}), closed));
        }
        changes
    }

    /// What names a built-in owner, written by a controller or by somebody who says so.
    fn owned_cases(&self, namespace: &str, owner: &str) -> Vec<Case> {
        let at = self.path(namespace);
        let replicas = self.replicas.expect("invariant: what is owned has a number of pods");
        let mut cases = Vec::new();
        for (user, entry) in [
            ("", ADVICE),
            ("system:serviceaccount:default:deployment-controller", ADVICE),
            ("system:serviceaccount:kube-system:deployment-controller", None),
            ("system:kube-controller-manager", None),
        ] {
            let create = self.case("POST", &at, "owned, create", self.owned("new", owner), entry);
            let more = json!({"spec": {replicas: 3}});
            let more = self.case("PATCH", &format!("{at}/owned"), "owned, more", more, entry);
            cases.extend([create, more].map(|case| Case { user, ..case }));
        }
        if replicas == "replicas" {
            let body = json!({"spec": {"replicas": 3}});
            cases.push(self.case("PATCH", &format!("{at}/owned/scale"), "owned, scale up", body, SCALE));
        }
        cases
    }

    fn case(&self, method: &'static str, path: &str, what: &str, body: Value, entry: Reached) -> Case {
        Case {
            what: format!("{path}: {what}"),
            method,
            path: path.to_owned(),
            body: body.to_string(),
            user: "",
            entry,
        }
    }

    fn path(&self, namespace: &str) -> String {
        let root = if self.group == "v1" { "/api" } else { "/apis" };
        format!("{root}/{}/namespaces/{namespace}/{}", self.group, self.resource)
    }

    /// A patch of the pod spec.
    fn pods(&self, pods: Value) -> Value {
        let template = json!({"template": {"spec": pods}});
        match self.kind {
            "CronJob" => json!({"spec": {"jobTemplate": {"spec": template}}}),
            _ => json!({"spec": template}),
        }
    }
}

/// What is no workload, and pods.
fn others(namespace: &str) -> Vec<Case> {
    let core = format!("/api/v1/namespaces/{namespace}");
    let scalers = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers");
    let leaving = format!("/apis/apps/v1/namespaces/{namespace}/deployments/leaving");
    let mut owned = pod("new", Claims::Named);
    owned["metadata"]["ownerReferences"] = owner_reference("apps/v1/ReplicaSet");
    let more = json!({"spec": {"replicas": 9}});
    [
        ("POST", scalers.clone(), autoscaler("new"), ADVICE),
        (
            "PATCH",
            format!("{scalers}/web"),
            json!({"spec": {"maxReplicas": 9}}),
            ADVICE,
        ),
        ("DELETE", format!("{scalers}/web"), json!({}), None),
        ("POST", format!("{core}/services"), service("new"), DEPENDENCIES),
        (
            "PATCH",
            format!("{core}/services/db"),
            json!({"spec": {"selector": {"a": "b"}}}),
            DEPENDENCIES,
        ),
        ("DELETE", format!("{core}/services/db"), json!({}), DEPENDENCIES),
        (
            "POST",
            format!("{core}/persistentvolumeclaims"),
            claim("new"),
            DEPENDENCIES,
        ),
        (
            "PATCH",
            format!("{core}/persistentvolumeclaims/data"),
            metadata("labels"),
            DEPENDENCIES,
        ),
        (
            "DELETE",
            format!("{core}/persistentvolumeclaims/data"),
            json!({}),
            DEPENDENCIES,
        ),
        ("POST", format!("{core}/pods"), pod("new", Claims::Named), PODS),
        ("POST", format!("{core}/pods"), pod("new", Claims::None), None),
        ("POST", format!("{core}/pods"), owned, None),
        ("PATCH", format!("{core}/pods/one"), metadata("labels"), None),
        ("DELETE", format!("{core}/pods/one"), json!({}), None),
        ("PATCH", leaving.clone(), more, None),
        ("PATCH", leaving, json!({"metadata": {"finalizers": null}}), None),
    ]
    .map(|(method, path, body, entry)| Case {
        what: format!("{method} {path} {body}"),
        method,
        path,
        body: body.to_string(),
        user: "",
        entry,
    })
    .into()
}

/// Namespaces of which nothing is sent, and one that would like to be one of them.
fn elsewhere(opted_out: &str) -> Vec<Case> {
    let kind = &KINDS[1];
    let create = |namespace: &str, entry| {
        kind.case(
            "POST",
            &kind.path(namespace),
            "elsewhere",
            kind.object("new", Claims::Named),
            entry,
        )
    };
    let mut asking = create(opted_out, WORKLOADS);
    asking.what = format!("opted out: {}", asking.what);
    let mut cases: Vec<Case> = ["kube-system", "kube-public", "kube-node-lease"]
        .map(|name| create(name, None))
        .into();
    cases.push(asking);
    cases
}

fn pods(kind: &str, claims: Claims) -> Value {
    let mut volumes = match claims {
        Claims::None | Claims::Templates => vec![],
        Claims::Named => vec![volume("data")],
        Claims::Many => (0..2_000)
            .map(|n| json!({"name": format!("v{n}"), "emptyDir": {}}))
            .collect(),
    };
    if claims == Claims::Many {
        volumes.push(volume("data"));
    }
    let restart = if matches!(kind, "Job" | "CronJob") {
        "Never"
    } else {
        "Always"
    };
    json!({"restartPolicy": restart, "containers": [{"name": "a", "image": "x"}], "volumes": volumes})
}

fn volume(claim: &str) -> Value {
    json!({"name": "data", "persistentVolumeClaim": {"claimName": claim}})
}

fn leaving() -> Value {
    let mut object = KINDS[1].object("leaving", Claims::Named);
    object["metadata"]["finalizers"] = json!(["stateward.dev/test"]);
    object
}

fn owner_reference(owner: &str) -> Value {
    let (version, kind) = owner.rsplit_once('/').expect("invariant: written in this file");
    json!([{"apiVersion": version, "kind": kind, "name": "x", "uid": "u", "controller": true}])
}

fn metadata(member: &str) -> Value {
    json!({"metadata": {member: {"x": "y"}}})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
}

fn claim(name: &str) -> Value {
    let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
}

fn pod(name: &str, claims: Claims) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pods("Pod", claims)})
}

fn autoscaler(name: &str) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let spec = json!({"maxReplicas": 2, "scaleTargetRef": target});
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name}, "spec": spec})
}
