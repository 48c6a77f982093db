//! The plans of `stateward convert`, carried out by their own scripts before Kubernetes' own controllers: forward, and
//! back again from every step.
//!
//! The provisioner here destroys what nobody keeps, as those of clouds do: a volume that is there at the end, by its uid,
//! was never let go.

mod deployment;
mod recreation;
mod stateless;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::api::name;
use super::case::Case;
use super::mirror::{World, all, one};
use super::site::Placement;
use super::stage::{Outcome, Show, on_stage, stage};
use crate::controlplane::Output;

/// A case that is converted: its scripts, and what there was before.
struct Conversion<'a> {
    show: &'a Show<'a>,
    directory: tempfile::TempDir,
    /// How many steps the plan has.
    steps: usize,
}

/// What is there besides a case, and what becomes of it.
#[derive(Clone, Copy, Default)]
struct Setting<'s> {
    /// Manifests of what refers to it.
    more: &'s str,
    /// How the StatefulSet is to be.
    wanted: Option<fn(&mut Value)>,
}

/// Plays a case, lets its volumes be destroyed with their claims, and converts what is named `db`.
fn convert(case: &Case, setting: Setting<'_>, carry_out: impl AsyncFnOnce(&Conversion<'_>)) {
    on_stage(async {
        let played = stage().await.show(case, Placement::Spread, async |show| {
            show.set_policies("Delete").await;
            if !setting.more.is_empty() {
                let apply = ["apply", "-n", show.namespace, "-f", "-"];
                show.stage.plane.kubectl_stdin(apply, setting.more).await.succeeded();
            }
            let conversion = Conversion::of(show, setting.wanted).await;
            carry_out(&conversion).await;
        });
        assert_eq!(played.await.0, Outcome::Settles);
    });
}

impl Show<'_> {
    /// What becomes of the volumes of the case when their claims go.
    async fn set_policies(&self, policy: &str) {
        let patch = json!({"spec": {"persistentVolumeReclaimPolicy": policy}}).to_string();
        for volume in volumes(&self.world()).keys() {
            let plane = &self.stage.plane;
            plane
                .kubectl(["patch", "persistentvolume", volume, "--patch", &patch])
                .await
                .succeeded();
        }
    }

    fn world(&self) -> World {
        self.stage.mirror.world(self.namespace)
    }
}

impl<'a> Conversion<'a> {
    async fn of(show: &'a Show<'a>, wanted: Option<fn(&mut Value)>) -> Self {
        let mut conversion = Self {
            show,
            directory: tempfile::tempdir().expect("a directory"),
            steps: 0,
        };
        if let Some(change) = wanted {
            let mut wanted = conversion.read("statefulset", "db").await;
            change(&mut wanted);
            std::fs::write(conversion.path("wanted.json"), wanted.to_string()).expect("written");
        }
        let script = conversion.print("script", wanted.is_some());
        let steps = script.lines().find_map(|line| line.strip_prefix("steps="));
        conversion.steps = steps.expect("a number of steps").parse().expect("a number");
        std::fs::write(conversion.path("script.sh"), script).expect("written");
        let manifests = conversion.print("manifests", wanted.is_some());
        std::fs::write(conversion.path("manifests.yaml"), manifests).expect("written");
        conversion
    }

    /// What `stateward convert` prints.
    fn print(&self, format: &str, is_wanted: bool) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        let kubeconfig = self.show.stage.plane.kubeconfig();
        command.args([
            "convert",
            "--from-cluster",
            &format!("{}/db", self.show.namespace),
            "--format",
            format,
        ]);
        command.arg("--kubeconfig").arg(kubeconfig);
        if is_wanted {
            command.arg("--wanted").arg(self.path("wanted.json"));
        }
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// An object as it is now.
    async fn read(&self, kind: &str, name: &str) -> Value {
        let get = ["get", kind, name, "-o", "json", "-n", self.show.namespace];
        let output = self.show.stage.plane.kubectl(get).await.succeeded();
        serde_json::from_str(&output.stdout).expect("JSON")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Takes this many of the steps that are left, and stops before the next.
    async fn forward(&self, steps: usize) -> Output {
        let path = self.path("script.sh");
        self.show.stage.plane.script(&path, &[], &"yes\n".repeat(steps)).await
    }

    async fn back(&self) -> Output {
        let answers = "yes\n".repeat(self.steps);
        let path = self.path("script.sh");
        self.show.stage.plane.script(&path, &["back"], &answers).await
    }

    /// Goes back from after each step, and then all the way; everything is as it was each time.
    async fn there_and_back(&self, is_as_it_was: impl AsyncFn(&str), has_arrived: impl AsyncFn()) {
        let before = volumes(&self.show.world());
        for steps in 1..self.steps {
            let output = self.forward(steps).await.failed();
            assert!(
                output.stdout.contains("Stopped here."),
                "{}{}",
                output.stdout,
                output.stderr
            );
            self.back().await.succeeded();
            assert_eq!(volumes(&self.show.world()), before, "back from step {steps}");
            is_as_it_was(&format!("back from step {steps}")).await;
        }
        for _ in 0..2 {
            // One after the other, as somebody would who thinks about each.
            for _ in 1..self.steps {
                let output = self.forward(1).await.failed();
                assert!(
                    output.stdout.contains("Stopped here."),
                    "{}{}",
                    output.stdout,
                    output.stderr
                );
            }
            self.forward(1).await.succeeded();
            assert_eq!(volumes(&self.show.world()), before, "at the end");
            has_arrived().await;
            self.back().await.succeeded();
            assert_eq!(volumes(&self.show.world()), before, "back from the end");
            is_as_it_was("back from the end").await;
        }
        self.forward(self.steps).await.succeeded();
        has_arrived().await;
        check(&self.path("manifests.yaml"));
    }

    /// Whether an object is there.
    async fn has(&self, kind: &str, name: &str) -> bool {
        let get = [
            "get",
            kind,
            name,
            "--ignore-not-found",
            "-o",
            "name",
            "-n",
            self.show.namespace,
        ];
        !self.show.stage.plane.kubectl(get).await.succeeded().stdout.is_empty()
    }

    /// The volume that a claim has.
    fn volume_of(&self, claim: &str) -> Option<String> {
        let world = self.show.world();
        let claim = one(&world, "persistentvolumeclaims", claim)?;
        claim["spec"]["volumeName"].as_str().map(str::to_owned)
    }
}

/// What is checked finds nothing.
fn check(manifests: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_stateward"))
        .arg("check")
        .arg(manifests)
        .output();
    let said = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
    assert!(said.ends_with(": nothing found\n"), "{said}");
}

/// The volumes of a case by name: their uid, what becomes of them, and what they are.
fn volumes(world: &World) -> BTreeMap<String, Value> {
    let marker = |volume: &Value| {
        json!([
            volume["metadata"]["uid"],
            volume["spec"]["persistentVolumeReclaimPolicy"],
            volume["spec"]["csi"]["volumeHandle"]
        ])
    };
    all(world, "persistentvolumes")
        .map(|volume| (name(volume).to_owned(), marker(volume)))
        .collect()
}
