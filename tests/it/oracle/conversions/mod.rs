//! The plans of `stateward convert`, carried out by their own scripts before Kubernetes' own controllers: forward, and
//! back again from every step.
//!
//! The provisioner here destroys what nobody keeps, as those of clouds do: a volume that is there at the end, by its uid,
//! was never let go.

mod copies;
mod deployment;
mod recreation;
mod stateless;

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::api::name;
use super::case::Case;
use super::mirror::{World, all, one};
use super::outcome::Outcome;
use super::site::Placement;
use super::stage::{Show, on_stage, stage};
use crate::controlplane::Output;

/// A case that is converted: its scripts, and what there was before.
struct Conversion<'a> {
    show: &'a Show<'a>,
    directory: tempfile::TempDir,
    /// How many steps the plan has.
    steps: usize,
}

/// Calls kubectl, counts its writes down in a file, and kills everybody in its process group after the last one.
const KILLER: &str = r#"
left=$1
shift
case " $* " in
  *" apply "* | *" create "* | *" delete "* | *" patch "* | *" restart "* | *" scale "*) writes=1 ;;
  *) writes=0 ;;
esac
status=0
"$@" || status=$?
count=$(($(cat "$left") - writes))
echo "$count" >"$left"
if [ "$count" = 0 ]; then kill -KILL 0; fi
exit "$status"
"#;

/// How a script is put to the proof.
#[derive(Clone, Copy)]
enum Trial {
    KilledAgainAndAgain,
    ThereAndBack,
}

/// What is there besides a case, and what becomes of it.
#[derive(Clone, Copy)]
struct Setting<'s> {
    /// Manifests of what refers to it.
    more: &'s str,
    /// What becomes of the data of a Deployment.
    data: &'s str,
    /// How the StatefulSet is to be.
    wanted: Option<fn(&mut Value)>,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            more: "",
            data: "keep",
            wanted: None,
        }
    }
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
            if setting.more.contains("kind: CustomResourceDefinition") {
                show.stage.plane.established().await;
            }
            let conversion = Conversion::of(show, setting).await;
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
    async fn of(show: &'a Show<'a>, setting: Setting<'_>) -> Self {
        let mut conversion = Self {
            show,
            directory: tempfile::tempdir().expect("a directory"),
            steps: 0,
        };
        if let Some(change) = setting.wanted {
            let mut wanted = conversion.read("statefulset", "db").await;
            change(&mut wanted);
            std::fs::write(conversion.path("wanted.json"), wanted.to_string()).expect("written");
        }
        let script = conversion.print("script", setting);
        let steps = script.lines().find_map(|line| line.strip_prefix("steps="));
        conversion.steps = steps.expect("a number of steps").parse().expect("a number");
        std::fs::write(conversion.path("script.sh"), script).expect("written");
        let manifests = conversion.print("manifests", setting);
        std::fs::write(conversion.path("manifests.yaml"), manifests).expect("written");
        conversion
    }

    /// What `stateward convert` prints.
    fn print(&self, format: &str, setting: Setting<'_>) -> String {
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
        command.args(["--data", setting.data]);
        if setting.wanted.is_some() {
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

    async fn stands(&self, trial: Trial, is_as_it_was: impl AsyncFn(&str), has_arrived: impl AsyncFn()) {
        match trial {
            Trial::KilledAgainAndAgain => self.killed_again_and_again(is_as_it_was, has_arrived).await,
            Trial::ThereAndBack => self.there_and_back(is_as_it_was, has_arrived).await,
        }
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
            self.has_all(&before, &format!("back from step {steps}"));
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
            self.has_all(&before, "at the end");
            has_arrived().await;
            self.back().await.succeeded();
            self.has_all(&before, "back from the end");
            is_as_it_was("back from the end").await;
        }
        self.forward(self.steps).await.succeeded();
        has_arrived().await;
        self.check();
    }

    /// Goes forward, and then back, and is killed at one write after the other on either way.
    async fn killed_again_and_again(&self, is_as_it_was: impl AsyncFn(&str), has_arrived: impl AsyncFn()) {
        let before = volumes(&self.show.world());
        self.killed(&[]).await;
        self.has_all(&before, "at the end");
        has_arrived().await;
        self.killed(&["back"]).await;
        self.has_all(&before, "back from the end");
        is_as_it_was("back from the end").await;
    }

    /// Runs the script until it comes to its end: at first it is killed after its first write, then after the second of
    /// those that are left, and so on.
    async fn killed(&self, arguments: &[&str]) {
        let (killer, left) = (self.path("killer.sh"), self.path("left"));
        std::fs::write(&killer, KILLER).expect("written");
        let through = format!("sh {} {}", killer.display(), left.display());
        for writes in 1.. {
            assert!(writes < 40, "it never ends");
            std::fs::write(&left, writes.to_string()).expect("written");
            let (script, answers) = (self.path("script.sh"), "yes\n".repeat(self.steps));
            let plane = &self.show.stage.plane;
            let output = plane.script_through(&through, &script, arguments, &answers).await;
            if std::fs::read_to_string(&left).expect("a number").trim() != "0" {
                assert!(writes > 3, "it was killed {} times", writes - 1);
                output.succeeded();
                return;
            }
            assert!(!output.success, "{}", output.stdout);
        }
    }

    /// All volumes that there were are there, and what becomes of them is what it was.
    fn has_all(&self, before: &BTreeMap<String, Value>, when: &str) {
        let now = volumes(&self.show.world());
        for (name, volume) in before {
            assert_eq!(now.get(name), Some(volume), "{when}");
        }
    }

    /// What is to be kept in git, and what the cluster has, is as it should be.
    fn check(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command
            .args(["check", "--with-cluster", "--kubeconfig"])
            .arg(self.show.stage.plane.kubeconfig());
        let output = command.arg(self.path("manifests.yaml")).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let is_silent = output.status.success() && !said.contains("warning[") && !said.contains("error[");
        assert!(is_silent, "{said}");
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
