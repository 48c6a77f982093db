//! An installation whose certificate comes from cert-manager: its kind takes what we print, and what its parts write
//! stays. No controller of it runs here; the test writes what they would.

use serde_json::{Value, json};

use super::installation::Installed;
use super::objects::claim;
use crate::controlplane::process::Scratch;
use crate::install::make_certificates;

const CERTIFICATES: &str = include_str!("certificates.yaml");
const APPLY: [&str; 4] = ["apply", "--server-side", "-f", "-"];

#[tokio::test]
async fn what_cert_manager_would_write_is_served_and_stays() {
    let installed = Installed::bare().await;
    let cluster = &installed.cluster;
    cluster.kubectl_stdin(APPLY, CERTIFICATES).await.succeeded();
    cluster.established().await;
    let issuer = "--cert-manager=ClusterIssuer/ca";
    installed.manifests(&[issuer]).await;
    installed.lead_here().await;
    let certificate = installed
        .get(&["certificate", "stateward-tls", "-n", "stateward-system"])
        .await;
    assert_eq!(certificate["spec"]["issuerRef"]["name"], "ca");

    // The controller fills the Secret, which kubelet mounts; cainjector writes the CA into every entry.
    let scratch = Scratch::new().expect("a directory can be made");
    let directory = scratch.path().join("certs");
    assert!(make_certificates(&directory).status.success());
    let file = |name: &str| directory.join(name).display().to_string();
    let ca = std::fs::read_to_string(file("ca.crt")).expect("the CA");
    for kind in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
        let found = installed.get(&[kind, "stateward"]).await;
        let annotation = &found["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
        assert_eq!(*annotation, "stateward-system/stateward-tls");
        let entries = found["webhooks"].as_array().expect("entries").len();
        let bundle = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &ca);
        let add = |entry: usize| json!({"op": "add", "path": format!("/webhooks/{entry}/clientConfig/caBundle"), "value": bundle});
        installed
            .patch(kind, &Value::Array((0..entries).map(add).collect()))
            .await;
    }
    installed.trusted(&ca).await;
    let (chain, key) = (file("tls.crt"), file("tls.key"));
    let served = installed.replica(0, &["--tls-cert", &chain, "--tls-key", &key]);
    installed.use_replica(0, &served).await;

    // Whoever applies the installation again takes nothing of it away.
    installed.manifests(&[issuer, "--mode=enforce"]).await;
    installed.trusted(&ca).await;
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let data = claim("data", "ReadWriteOnce");
    cluster.kubectl_stdin(create, &data).await.succeeded();
    installed.guards(&namespace).await;
}
