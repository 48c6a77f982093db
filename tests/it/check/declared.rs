//! Kinds that somebody declares, in files, and those of operators, which nobody has to.

use serde_json::Value;

use super::Repository;
use super::kinds::{checked, entries};

#[test]
fn the_names_and_disks_of_a_declared_kind_are_judged_where_it_has_them() {
    let declaration = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadKind\nmetadata: {name: widgets.example.com}\nspec: {group: \
                       example.com, version: v1, kind: Widget, plural: widgets, podTemplate: /spec/pod, replicas: /spec/size, \
                       serviceName: /spec/headless, selector: /spec/selector, claimTemplates: {path: /spec/disks, naming: StatefulSet}}\n";
    let widget = |spec: &str| {
        format!(
            "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: db}}\nspec: {{size: 3, {spec} selector: {{matchLabels: \
             {{app: db}}}}, pod: {{metadata: {{labels: {{app: db}}}}, spec: {{containers: [{{name: a, image: a, volumeMounts: [{{name: data, \
             mountPath: /d}}]}}]}}}}}}\n"
        )
    };
    let found = |spec: &str, args: &[&str]| -> Vec<(String, String, String)> {
        let repository = Repository::new(&[("a.yaml", &widget(spec)), ("kinds.yaml", declaration)]);
        let usual = [
            "a.yaml",
            "--workload-kinds",
            "kinds.yaml",
            "--format",
            "json",
            "--assume-complete",
        ];
        let answer = repository.check(&[&usual[..], args].concat());
        let report: Value = serde_json::from_str(&answer.stdout).expect("JSON");
        let entries = report["findings"].as_array().expect("findings").iter();
        let entries = entries.filter(|entry| entry["level"] != "note");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = entries.map(|entry| {
            assert_eq!(entry["level"], "warning", "{entry}");
            (text(&entry["rule"]), text(&entry["path"]), text(&entry["remedy"]))
        });
        all.collect()
    };
    let disks = "disks: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}],";
    let remedy =
        "Create Service \"db\" with clusterIP: None and the selector app=db, and delete it only after the Widget";
    assert_eq!(
        found(&format!("headless: db, {disks}"), &[]),
        [(
            "service-missing".to_owned(),
            "/spec/headless".to_owned(),
            remedy.to_owned()
        )]
    );
    let without_size = disks.replace("storage: 1Gi", "");
    let strict = found(&format!("headless: db, {without_size}"), &["--policy", "strict"]);
    let storage = strict.iter().find(|(rule, ..)| rule == "claim-template-storage");
    assert!(
        storage.is_some_and(|(_, path, _)| path.starts_with("/spec/disks/0")),
        "{strict:?}"
    );
    // It is called what it is, wherever a rule thinks of StatefulSets.
    let service = "headless: db, ";
    let plain_service =
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {selector: {app: db}, ports: [{port: 1}]}\n";
    let repository = Repository::new(&[
        (
            "a.yaml",
            &format!("{}{plain_service}", widget(&format!("{service}{disks}"))),
        ),
        ("kinds.yaml", declaration),
    ]);
    let answer = repository.check(&["a.yaml", "--workload-kinds", "kinds.yaml", "--assume-complete"]);
    assert!(
        answer
            .stdout
            .contains("Recreate Service \"db\" under the same name with clusterIP: None")
            && answer.stdout.contains("headless stays")
            && !answer.stdout.contains("StatefulSet"),
        "{}",
        answer.stdout
    );
    // Whether such a kind is for more than names and disks, nobody knows.
    let plain = found("", &["--policy", "strict"]);
    assert!(
        plain.iter().all(|(rule, ..)| rule != "needless-statefulset"),
        "{plain:?}"
    );
}

#[test]
fn what_operators_make_pods_for_is_theirs() {
    let pods = "---\napiVersion: core.strimzi.io/v1\nkind: StrimziPodSet\nmetadata: {name: kafka}\nspec: {selector: {matchLabels: {a: b}}, pods: \
                [{metadata: {name: kafka-0, labels: {a: b}}, spec: {containers: [{name: kafka, image: kafka}], volumes: [{name: data, \
                persistentVolumeClaim: {claimName: data}}]}}]}\n";
    let cluster = "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg}\nspec: {instances: 3, storage: {size: 1Gi}}\n";
    for object in [pods, cluster] {
        let answer = checked(&[object.to_owned()], &[]);
        assert_eq!(entries(&[object.to_owned()]), Vec::<Value>::new());
        assert!(!answer.stdout.contains("not judged"), "{}", answer.stdout);
    }
}
