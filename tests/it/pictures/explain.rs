//! `stateward explain`.

use super::command::{run, stderr, stdout};
use super::{EXCEPTION, claim, deployment};
use crate::check::Repository;

#[test]
fn a_workload_is_told_of_in_a_few_lines() {
    let text = [
        claim("data"),
        deployment("web", 1, &["data"]),
        deployment("worker", 1, &["data"]),
    ]
    .concat();
    let repository = Repository::new(&[("shop.yaml", &text)]);
    let arguments = ["explain", "deploy/web", "shop.yaml", "-n", "shop", "--assume-complete"];
    let output = run(repository.path(), &arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stdout(&output);
    for line in [
        "Deployment shop/web\n",
        "  pods         1 replica, old pods end first\n",
        "  storage      PersistentVolumeClaim data: ReadWriteOnce, 1Gi, default class\n",
        "  shared       data: Deployment worker mounts it too\n",
        "  Services     none\n",
        "  autoscalers  none\n",
        "creating it anew is denied: rwo-consumers\n",
        "scaling it to 2 is denied: rwo-replicas\n",
        "deleting claim data is warned about: claim-in-use\n",
        "  policies     baseline (built in)\n",
        "  let pass     none\n",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
}

#[test]
fn of_hundreds_on_one_claim_some_are_named() {
    let all = (0..501).map(|number| deployment(&format!("web-{number}"), 1, &["data"]));
    let text = claim("data") + &all.collect::<String>();
    let repository = Repository::new(&[("shop.yaml", &text)]);
    let told = stdout(&run(repository.path(), &["explain", "deploy/web-0", "shop.yaml"]));
    assert_eq!(told.matches("data: Deployment web-").count(), 20, "{told}");
    for line in [
        "  480 more\n",
        "deleting claim data is not judged here: 501 workloads use it\n",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
}

#[test]
fn what_decides_beside_policies_is_told() {
    let web = deployment("web", 3, &["data"]).replace(
        "{name: web}",
        "{name: web, annotations: {stateward.dev/allow: \"rwo-replicas: OPS-1\"}}",
    );
    let repository = Repository::new(&[("shop.yaml", &[&claim("data"), &*web, EXCEPTION].concat())]);
    let output = run(
        repository.path(),
        &["explain", "Deployment/web", "shop.yaml", "-n", "shop"],
    );
    let told = stdout(&output);
    assert!(
        told.contains("exception shop/legacy until "),
        "{told}{}",
        stderr(&output)
    );
    assert!(
        told.contains("annotation stateward.dev/allow: rwo-replicas: OPS-1"),
        "{told}"
    );
    assert!(told.contains("rwo-replicas (let pass)"), "{told}");
}

#[test]
fn the_page_of_a_rule_is_the_same_as_ever() {
    let repository = Repository::new(&[]);
    let explained = run(repository.path(), &["explain", "rwo-surge"]);
    assert!(explained.status.success());
    assert_eq!(
        stdout(&explained),
        stdout(&run(repository.path(), &["rules", "rwo-surge"]))
    );
    for (typed, near) in [("rwo-surg", "did you mean rwo-surge?"), ("web", "KIND/NAME")] {
        let slip = run(repository.path(), &["explain", typed]);
        assert_eq!(slip.status.code(), Some(2));
        assert!(stderr(&slip).contains(near), "{}", stderr(&slip));
    }
}
