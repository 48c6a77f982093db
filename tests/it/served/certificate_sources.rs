//! An installation whose certificates come from elsewhere than before: a rolling update brings it there and back, and no
//! review fails.

use super::file_certificates::{Made, Mount, PRINTED, replica};
use super::installation::{ENFORCE, Installed, NAMESPACE, SECRET};
use super::load::Load;
use super::objects::claim;
use crate::controlplane::process::Scratch;

#[tokio::test]
async fn no_review_fails_while_certificates_come_from_files_and_again_from_replicas() {
    let installed = Installed::new().await;
    let cluster = &installed.cluster;
    let scratch = Scratch::new().expect("a directory can be made");
    let made = Made::new(scratch.path().join("made"));
    let mount = Mount::of(scratch.path().join("mount"), &made);
    let own = ["--authority-settle=2s"];
    let signing = installed.replica(0, &own);
    installed.use_replica(0, &signing).await;
    let authority = installed.secret("ca.crt").await;
    installed.trusted(&authority).await;
    installed.manifests(ENFORCE).await;
    let namespace = cluster.namespace("guarded").await;
    let data = claim("data", "ReadWriteOnce");
    let create = ["create", "-n", &namespace, "-f", "-"];
    cluster.kubectl_stdin(create, &data).await.succeeded();
    installed.guards(&namespace).await;
    let load = Load::start(&installed, &namespace).await;

    // Who leads signs by its own authority, until the new one is ready.
    installed.manifests(&PRINTED).await;
    let reading = replica(&installed, 1, &mount);
    installed.use_replica(1, &reading).await;
    installed.trusted(&(authority + &made.ca())).await;
    installed.take_out(0, &signing).await;
    installed.trusted(&made.ca()).await;

    // There is no authority any more, and who leads makes none.
    let delete = ["delete", "secret", SECRET, "-n", NAMESPACE];
    cluster.kubectl(delete).await.succeeded();
    installed.manifests(ENFORCE).await;
    let signing = installed.replica(0, &own);
    installed.use_replica(0, &signing).await;
    let authority = installed.secret("ca.crt").await;
    installed.trusted(&(made.ca() + &authority)).await;
    installed.take_out(1, &reading).await;
    installed.trusted(&authority).await;
    assert_eq!(load.end(500).await, 0, "nothing was cut off");
}
