//! The dashboard of the chart: nothing of it is there unless it is switched on.

use serde_json::Value;

use super::helm::template;

/// The texts in which it shows: arguments, ports, permissions.
fn shows(values: &[&str]) -> Vec<&'static str> {
    let objects = template(values).expect("the chart renders");
    let all = Value::Array(objects).to_string();
    let texts = [
        "--dashboard-bind=127.0.0.1:8090",
        "--dashboard-bind=0.0.0.0:8090",
        "\"containerPort\":8090",
        "\"targetPort\":\"dashboard\"",
        "\"port\":\"dashboard\"",
        "tokenreviews",
        "subjectaccessreviews",
    ];
    texts.into_iter().filter(|text| all.contains(text)).collect()
}

#[test]
fn a_dashboard_needs_to_be_switched_on_and_permissions_only_where_it_is_exposed() {
    let (enabled, exposed) = ("--set=dashboard.enabled=true", "--set=dashboard.exposed=true");
    let policy = "--set=networkPolicy.allowFrom={10.0.0.0/8}";
    assert_eq!(shows(&[policy]), Vec::<&str>::new());
    assert_eq!(shows(&[exposed, policy]), Vec::<&str>::new());
    assert_eq!(shows(&[enabled, policy]), ["--dashboard-bind=127.0.0.1:8090"]);
    assert_eq!(
        shows(&[enabled, exposed, policy]),
        [
            "--dashboard-bind=0.0.0.0:8090",
            "\"containerPort\":8090",
            "\"targetPort\":\"dashboard\"",
            "\"port\":\"dashboard\"",
            "tokenreviews",
            "subjectaccessreviews",
        ]
    );
}
