//! How a request is told of what is found: once, and in lines that fit.

use serde_json::json;

use super::world::{World, denial, deployment, with};
use crate::policy::Profile;
use crate::rules::RULES;

#[test]
fn several_claims_with_one_fault_are_told_of_once() {
    let world = World::new()
        .claim("data", "ReadWriteOnce")
        .claim("logs", "ReadWriteOnce");
    let volumes = json!([
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}},
    ]);
    let web = with(deployment("web", 3, "data"), "/spec/template/spec", "volumes", volumes);
    let decision = world.create(&web);
    let said =
        "rwo-replicas: Deployment shop/web: 3 replicas mount claims \"data\" and \"logs\", which are ReadWriteOnce";
    assert!(denial(&decision).starts_with(said), "{}", denial(&decision));
    assert_eq!(
        denial(&decision).lines().count(),
        2,
        "and the way out: {}",
        denial(&decision)
    );
    assert_eq!(decision.findings.len(), 2, "each is found, and enforced");
}

#[test]
fn a_warning_shortens_long_names_until_it_fits() {
    let name = "n".repeat(63);
    let world = World::by(RULES.to_vec(), Profile::Baseline);
    let mut web = deployment(&name, 1, "data");
    web["spec"]["template"]["spec"]["containers"] =
        json!([{"name": name, "volumeMounts": [{"name": "v".repeat(63), "mountPath": "/data"}]}]);
    let warnings = world.create(&web).warnings;
    let dangling = warnings.iter().find(|line| line.starts_with("dangling-volume-mount: "));
    let dangling = dangling.expect("a warning");
    assert!(dangling.chars().count() <= 120, "{dangling}");
    assert!(dangling.ends_with("which nobody defines"), "{dangling}");
}
