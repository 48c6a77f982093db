//! An installation whose certificate and CA come from files: the leader writes whom to trust, and no review fails while
//! the CA changes, though a kubelet brings each replica its files when it does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Served;
use super::installation::{Installed, accepts};
use super::load::Load;
use super::objects::claim;
use super::reports::leader;
use crate::controlplane::eventually;
use crate::controlplane::process::Scratch;
use crate::install::make_certificates;

/// A CA, and what it signed.
pub(super) struct Made(PathBuf);

impl Made {
    pub(super) fn new(directory: PathBuf) -> Self {
        assert!(make_certificates(&directory).status.success());
        Self(directory)
    }

    pub(super) fn ca(&self) -> String {
        fs::read_to_string(self.0.join("ca.crt")).expect("the CA")
    }
}

/// A Secret, as the kubelet of a replica has mounted it.
pub(super) struct Mount(PathBuf);

impl Mount {
    pub(super) fn of(directory: PathBuf, made: &Made) -> Self {
        fs::create_dir(&directory).expect("a directory can be made");
        for file in ["tls.crt", "tls.key", "ca.crt"] {
            symlink(Path::new("..data").join(file), directory.join(file)).expect("a link can be made");
        }
        let mount = Self(directory);
        mount.put(made);
        mount
    }

    /// Puts another version in place, as a kubelet does: all at once.
    fn put(&self, made: &Made) {
        let new = self.0.join("..data_tmp");
        symlink(&made.0, &new).expect("a link can be made");
        fs::rename(new, self.0.join("..data")).expect("it can be renamed");
    }

    fn arguments(&self) -> [String; 4] {
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.0.join(name).display());
        [
            file("tls-cert", "tls.crt"),
            file("tls-key", "tls.key"),
            file("tls-ca", "ca.crt"),
            "--authority-settle=2s".to_owned(),
        ]
    }
}

pub(super) fn replica(installed: &Installed, number: usize, mount: &Mount) -> Served {
    let arguments = mount.arguments();
    installed.replica(number, &arguments.each_ref().map(String::as_str))
}

/// Waits until a replica serves what this CA has signed.
async fn serves(installed: &Installed, number: usize, ca: &str) {
    eventually("the new certificate", async || {
        let accepted = accepts(installed.ports[number], ca).await?;
        accepted.is_ok().then_some(())
    })
    .await;
}

/// Waits for a line of `/readyz?verbose`, of a replica that is ready all the while.
async fn told(served: &Served, wanted: impl Fn(&str) -> bool) {
    eventually("what is told", async || {
        let (status, report) = served.admin("/readyz?verbose").await?;
        assert_eq!(status, 200, "{report}");
        report.lines().any(&wanted).then_some(())
    })
    .await;
}

pub(super) const PRINTED: [&str; 2] = ["--ca-from-secret", "--mode=enforce"];

#[tokio::test]
async fn no_review_fails_while_the_ca_in_files_changes_and_reaches_replicas_one_by_one() {
    let installed = Installed::bare().await;
    let cluster = &installed.cluster;
    let scratch = Scratch::new().expect("a directory can be made");
    let [first, second, third] = ["1", "2", "3"].map(|name| Made::new(scratch.path().join(name)));
    let mounts = ["one", "other"].map(|name| Mount::of(scratch.path().join(name), &first));
    installed.manifests(&PRINTED[..1]).await;
    installed.lead_here().await;
    let mut replicas = [0, 1].map(|number| replica(&installed, number, &mounts[number]));
    for (number, served) in replicas.iter().enumerate() {
        installed.use_replica(number, served).await;
    }
    installed.trusted(&first.ca()).await;
    installed.manifests(&PRINTED).await;
    installed.disowned().await;

    // Whatever others write heals, and what they add goes.
    let value = STANDARD.encode(second.ca());
    for patch in [
        json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]),
        json!([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": value}]),
    ] {
        for kind in ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"] {
            installed.patch(kind, &patch).await;
            installed.trusted(&first.ca()).await;
        }
    }

    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let data = claim("data", "ReadWriteOnce");
    cluster.kubectl_stdin(create, &data).await.succeeded();
    installed.guards(&namespace).await;
    let load = Load::start(&installed, &namespace).await;

    // The files of the leader lag behind: what the other has waits, and is told.
    let led = leader(&[&replicas[0], &replicas[1]]).await;
    let leading = usize::from(led.pid() == replicas[1].pid());
    let other = 1 - leading;
    mounts[other].put(&second);
    told(&replicas[other], |line| {
        line.starts_with("[+]certificate a new certificate waits: the ")
    })
    .await;
    let waits = [("what", "certificate"), ("reason", "untrusted")];
    let metrics = replicas[other].metrics().await;
    assert_eq!(metrics.series("stateward_reload_refused", &waits), Some(1.0));
    assert_eq!(accepts(installed.ports[other], &first.ca()).await, Some(Ok(())));
    installed.trusted(&first.ca()).await;
    mounts[leading].put(&second);
    installed.trusted(&(second.ca() + &first.ca())).await;
    for number in [leading, other] {
        serves(&installed, number, &second.ca()).await;
    }
    installed.trusted(&second.ca()).await;
    assert_eq!(load.failures(), [""; 0]);

    // Those of the leader come first, and it dies: who leads then has never seen the new CA.
    mounts[leading].put(&third);
    installed.trusted(&(third.ca() + &second.ca())).await;
    serves(&installed, leading, &third.ca()).await;
    assert_eq!(accepts(installed.ports[other], &second.ca()).await, Some(Ok(())));
    installed.kill(leading, &replicas[leading]).await;
    // Only then another process comes: of two that wait for the Lease either may get it.
    let led = leader(&[&replicas[other]]).await;
    assert_eq!(led.pid(), replicas[other].pid());
    replicas[leading] = replica(&installed, leading, &mounts[leading]);
    installed.use_replica(leading, &replicas[leading]).await;
    installed.trusted(&(second.ca() + &third.ca())).await;
    mounts[other].put(&third);
    serves(&installed, other, &third.ca()).await;
    installed.trusted(&third.ca()).await;
    // One request is under way to the process that is killed, and the next may still go there.
    let cut = load.end(500).await;
    assert!(cut <= 2, "{cut}");
    for served in &replicas {
        told(served, |line| line == "[+]certificate").await;
        let refused = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["level"] == "ERROR" || message.starts_with("Cannot") || message.contains("permission")
        };
        assert_eq!(served.log().into_iter().find(refused), None);
    }
}

#[tokio::test]
async fn whom_nobody_trusts_yet_sees_to_it_and_files_that_do_not_fit_are_refused() {
    let installed = Installed::bare().await;
    let scratch = Scratch::new().expect("a directory can be made");
    let [first, second] = ["1", "2"].map(|name| Made::new(scratch.path().join(name)));
    let mounts = ["one", "other"].map(|name| Mount::of(scratch.path().join(name), &first));
    installed.manifests(&PRINTED).await;
    installed.lead_here().await;
    let one = replica(&installed, 0, &mounts[0]);
    installed.use_replica(0, &one).await;
    installed.trusted(&first.ca()).await;

    // A new replica has the new files already, and those of the leader lag behind.
    mounts[1].put(&second);
    let other = replica(&installed, 1, &mounts[1]);
    eventually("a replica that waits", async || {
        let (status, report) = other.admin("/readyz?verbose").await?;
        let waits = report.lines().any(|line| line.starts_with("[-]trust the "));
        assert!(status == 503, "{report}");
        waits.then_some(())
    })
    .await;

    // Files that do not fit change nothing.
    let wrong = scratch.path().join("wrong");
    fs::create_dir(&wrong).expect("a directory can be made");
    for (file, made) in [("tls.crt", &second), ("tls.key", &second), ("ca.crt", &first)] {
        fs::copy(made.0.join(file), wrong.join(file)).expect("it can be copied");
    }
    mounts[0].put(&Made(wrong));
    told(&one, |line| {
        line.starts_with("[+]certificate not reloaded, the last good one stays: ")
    })
    .await;
    assert_eq!(accepts(installed.ports[0], &first.ca()).await, Some(Ok(())));
    other.ready().await;
    installed.trusted(&(first.ca() + &second.ca())).await;
    mounts[0].put(&second);
    serves(&installed, 0, &second.ca()).await;
    installed.trusted(&second.ca()).await;
}

#[tokio::test]
async fn an_installation_whose_bundle_was_printed_comes_to_write_it() {
    let installed = Installed::bare().await;
    let scratch = Scratch::new().expect("a directory can be made");
    let made = Made::new(scratch.path().join("1"));
    let mount = Mount::of(scratch.path().join("mount"), &made);
    let printed = format!("--ca-bundle={}", made.0.join("ca.crt").display());
    installed.manifests(&[&printed]).await;
    installed.lead_here().await;
    let [chain, key, ..] = mount.arguments();
    let former = installed.replica(0, &[&chain, &key]);
    installed.use_replica(0, &former).await;
    leader(&[&former]).await;

    // The same owner applies it without the field; who leads then does not write it, and leaves once another is ready.
    installed.manifests(&PRINTED[..1]).await;
    installed.trusted("").await;
    let new = replica(&installed, 1, &mount);
    new.ready().await;
    former.signal("TERM");
    assert_eq!(former.ended().await.code(), Some(0));
    installed.trusted(&made.ca()).await;
    told(&new, |line| line == "[+]trust").await;
}
