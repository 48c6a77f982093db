//! The first pod's volumes as copies: made by a Job that reads and writes files, or by the driver out of a snapshot.

use serde_json::{Value as Json, json};

use super::object::text;
use super::plan::{Back, Check, Command, Down, Step};
use super::steps::Move;

/// What copies files; any image with a shell and `cp` would do.
pub(super) const IMAGE: &str = "docker.io/library/busybox:1.37";

/// What of the Deployment's pods says where they may run, which is where their volumes can be reached.
const PLACE: [&str; 5] = [
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "schedulerName",
    "tolerations",
];

impl Move<'_> {
    /// Copies file by file: onto a volume of any class and size, wherever both can be attached to one node.
    pub(super) fn copy(&self) -> Step {
        let job = self.job();
        let succeeded = "{{or .status.succeeded 0}}";
        let objects = self.moved.iter().map(|moved| moved.new.clone()).chain([job.clone()]);
        let mut run = vec![self.end_job()];
        run.extend(
            self.moved
                .iter()
                .map(|moved| self.delete("persistentvolumeclaim", moved.heir())),
        );
        Step {
            title: "Copy the volumes".to_owned(),
            why: format!(
                "Job {} mounts the claims of the Deployment for reading and those of the first pod for writing.",
                text(&job, "/metadata/name")
            ),
            down: Down::Still,
            learn: Vec::new(),
            before: self.all_unused(),
            run: vec![Command::apply(objects)],
            after: vec![Check::new(
                "everything is copied",
                self.shell().shown("job", text(&job, "/metadata/name"), succeeded),
                "1",
            )],
            back: Back {
                says: "The copies go; the volumes of the Deployment were only read.".to_owned(),
                run,
                after: Vec::new(),
            },
        }
    }

    /// Lets the driver make volumes out of snapshots.
    pub(super) fn snapshot(&self) -> Step {
        let (mut objects, mut after, mut run) = (Vec::new(), Vec::new(), Vec::new());
        for moved in &self.moved {
            let name = moved.heir();
            objects.push(
                json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
                "metadata": {"name": name}, "spec": {"source": {"persistentVolumeClaimName": moved.claim()}}}),
            );
            let mut claim = moved.new.clone();
            claim["spec"]["dataSource"] =
                json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name});
            objects.push(claim);
            after.push(Check::new(
                format!("the snapshot of claim {} can be used", moved.claim()),
                self.shell().field("volumesnapshot", name, "{.status.readyToUse}"),
                "true",
            ));
            run.push(self.delete("persistentvolumeclaim", name));
            run.push(self.delete("volumesnapshot", name));
        }
        Step {
            title: "Make the first pod's volumes out of snapshots".to_owned(),
            why: "The driver takes a snapshot of each volume, and fills the first pod's claims from it.".to_owned(),
            down: Down::Still,
            learn: Vec::new(),
            before: self.all_unused(),
            run: vec![Command::apply(objects)],
            after,
            back: Back {
                says: "The new volumes go, and the snapshots; the volumes of the Deployment are untouched.".to_owned(),
                run,
                after: Vec::new(),
            },
        }
    }

    /// Ends the Job that copies, if there is one.
    pub(super) fn end_job(&self) -> Command {
        let job = self.job();
        let name = text(&job, "/metadata/name");
        self.shell()
            .line(&format!("delete job {name} --ignore-not-found --cascade=foreground"))
    }

    fn delete(&self, resource: &str, name: &str) -> Command {
        self.shell()
            .line(&format!("delete {resource} {name} --ignore-not-found"))
    }

    fn job(&self) -> Json {
        let (mut volumes, mut mounts, mut script) = (Vec::new(), Vec::new(), vec!["set -e".to_owned()]);
        for (number, moved) in (1..).zip(&self.moved) {
            for (side, claim, is_read_only) in [("from", moved.claim(), true), ("to", moved.heir(), false)] {
                let name = format!("{side}-{number}");
                volumes.push(
                    json!({"name": name, "persistentVolumeClaim": {"claimName": claim, "readOnly": is_read_only}}),
                );
                mounts.push(json!({"name": name, "mountPath": format!("/{name}"), "readOnly": is_read_only}));
            }
            script.push(format!("cp -a /from-{number}/. /to-{number}/"));
        }
        let mut pods = json!({"restartPolicy": "Never", "volumes": volumes, "containers": [{"name": "copy", "image": IMAGE,
            "command": ["sh", "-c", script.join("\n")],
            // Who owns a file is copied too.
            "securityContext": {"runAsUser": 0}, "volumeMounts": mounts}]});
        let own = self.subject.pod_spec();
        for field in PLACE {
            if let Some(value) = own.and_then(|own| own.get(field)) {
                pods[field] = value.clone();
            }
        }
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": format!("copy-{}", self.subject.name())},
            "spec": {"backoffLimit": 0, "template": {"spec": pods}}})
    }
}
