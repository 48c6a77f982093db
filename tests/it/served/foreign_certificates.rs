//! An installation whose certificate comes from files: whether its configurations trust it is told, and nothing of them
//! is changed.

use std::fs;
use std::path::Path;

use super::Served;
use super::installation::Installed;
use crate::controlplane::eventually;
use crate::controlplane::process::Scratch;
use crate::install::make_certificates;

/// Waits until the line about trust is this, and the metric fits; the replica is ready all the while.
async fn told(served: &Served, line: &str, distrusted: f64) {
    eventually(line, async || {
        let (status, report) = served.admin("/readyz?verbose").await?;
        assert_eq!(status, 200, "{report}");
        report.lines().any(|it| it == line).then_some(())
    })
    .await;
    let metrics = served.metrics().await;
    let labels = [("what", "ca_bundle"), ("reason", "untrusted")];
    assert_eq!(metrics.series("stateward_reload_refused", &labels), Some(distrusted));
}

/// Puts a chain and its key in the place of others, as a renewal does.
fn replace(mount: &Path, by: &Path) {
    for name in ["tls.crt", "tls.key"] {
        fs::copy(by.join(name), mount.join(name)).expect("it can be written");
    }
}

#[tokio::test]
async fn a_certificate_that_the_configurations_do_not_trust_is_told() {
    let installed = Installed::bare().await;
    let scratch = Scratch::new().expect("a directory can be made");
    let [one, other, mount] = ["one", "other", "mount"].map(|name| scratch.path().join(name));
    for directory in [&one, &other] {
        assert!(make_certificates(directory).status.success());
    }
    fs::create_dir(&mount).expect("a directory can be made");
    replace(&mount, &one);
    let bundle = |file: &Path| format!("--ca-bundle={}", file.display());
    installed.manifests(&[&bundle(&one.join("ca.crt"))]).await;
    installed.lead_here().await;
    let file = |name: &str| mount.join(name).display().to_string();
    let (chain, key) = (file("tls.crt"), file("tls.key"));
    let served = installed.replica(0, &["--tls-cert", &chain, "--tls-key", &key]);
    served.ready().await;
    told(&served, "[+]trust", 0.0).await;
    let versions = installed.versions().await;

    // Another authority signs, and nobody told the configurations; then somebody does, with both in one file.
    replace(&mount, &other);
    let distrust =
        "[+]trust the MutatingWebhookConfiguration: its caBundle has no valid authority that signed the certificate";
    told(&served, distrust, 1.0).await;
    let of = |message: &str| served.log().iter().filter(|line| line["message"] == message).count();
    assert_eq!(of("The API server refuses the serving certificate"), 1);
    assert_eq!(
        installed.versions().await,
        versions,
        "whom to trust is for others to write"
    );
    let both = scratch.path().join("both.crt");
    let read = |directory: &Path| fs::read_to_string(directory.join("ca.crt")).expect("the CA");
    fs::write(&both, read(&one) + &read(&other)).expect("it can be written");
    installed.manifests(&[&bundle(&both)]).await;
    told(&served, "[+]trust", 0.0).await;
    assert_eq!(of("The webhook configurations trust the serving certificate"), 1);
}
