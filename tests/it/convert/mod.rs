//! `stateward convert` over files: what it prints, and what it refuses.

use std::fs;
use std::process::Command;

use crate::generated;

const SHOP: &str = "tests/it/convert/data/shop.yaml";

/// A Deployment on a disk of its own.
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: db-data}}]
";
const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db-data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn convert(arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_stateward"))
        .arg("convert")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Answer {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Converts documents.
fn of(documents: &[&str], arguments: &[&str]) -> Answer {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("all.yaml");
    fs::write(&file, documents.join("---\n")).expect("written");
    convert(&[&[file.to_str().expect("UTF-8")], arguments].concat())
}

fn printed(format: &str) -> String {
    let answer = convert(&[SHOP, "--format", format]);
    assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
    answer.stdout
}

#[test]
fn help_teaches() {
    let help = convert(&["--help"]).stdout;
    generated::check("tests/it/convert/snapshots/help.txt", &help);
}

#[test]
fn a_deployment_is_told_how_to_become_a_statefulset() {
    for (format, file) in [
        ("text", "plan.txt"),
        ("markdown", "plan.md"),
        ("script", "plan.sh"),
        ("manifests", "shop.yaml"),
    ] {
        generated::check(&format!("tests/it/convert/snapshots/{file}"), &printed(format));
    }
}

#[test]
fn copies_leave_the_old_volume_alone() {
    for (data, file) in [("copy", "copy.sh"), ("snapshot", "snapshot.sh")] {
        let answer = convert(&[SHOP, "--data", data, "--format", "script"]);
        generated::check(&format!("tests/it/convert/snapshots/{file}"), &answer.stdout);
        assert!(
            !answer.stdout.contains("delete persistentvolumeclaim db-data "),
            "{data}"
        );
    }
}

/// Autoscalers of others: of KEDA, with the one that it makes, and one that changes what pods ask for.
const AUTOSCALERS: &str = "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: db-load}
spec:
  scaleTargetRef: {name: db} # a Deployment, unless it says otherwise
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: keda-hpa-db, ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: db-load, uid: u, controller: true}]}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: db}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db-size}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: db}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web-load}
spec:
  scaleTargetRef: {name: web}
";

#[test]
fn autoscalers_of_others_follow() {
    let documents = [DEPLOYMENT, CLAIM, AUTOSCALERS];
    let told = of(&documents, &[]);
    assert_eq!((told.code, &*told.stderr), (Some(0), ""));
    for line in [
        "  - HorizontalPodAutoscaler keda-hpa-db is made by ScaledObject db-load, and follows it",
        "  - ScaledObject db-load points at the StatefulSet; each pod that it adds begins with an empty volume",
        "  - VerticalPodAutoscaler db-size points at the StatefulSet",
    ] {
        assert!(told.stdout.lines().any(|one| one == line), "{}", told.stdout);
    }
    assert!(
        told.stdout
            .contains("Point ScaledObject db-load, VerticalPodAutoscaler db-size at what will be"),
        "{}",
        told.stdout
    );
    let manifests = of(&documents, &["--format", "manifests"]).stdout;
    assert!(
        manifests.contains("targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}"),
        "{manifests}"
    );
    assert_eq!(manifests.matches("kind: StatefulSet").count(), 3, "{manifests}");
    assert!(manifests.contains("scaleTargetRef: {name: web}"), "{manifests}");
}

/// A StatefulSet with two pods and a volume for each.
const STATEFULSET: &str = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

/// Converts a StatefulSet into what is wanted.
fn anew(wanted: &str, arguments: &[&str]) -> Answer {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    fs::write(file.path(), wanted).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    of(&[STATEFULSET], &[&["--wanted", path], arguments].concat())
}

#[test]
fn a_statefulset_is_made_anew() {
    let wanted = STATEFULSET
        .replace("serviceName: db", "serviceName: db-peers")
        .replace("1Gi", "2Gi");
    for (format, file) in [("text", "anew.txt"), ("script", "anew.sh")] {
        let answer = anew(&wanted, &["--format", format]);
        assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
        generated::check(&format!("tests/it/convert/snapshots/{file}"), &answer.stdout);
    }
    let answer = anew(&wanted, &["--format", "manifests"]);
    assert_eq!(answer.stdout, wanted.replace("2Gi", "\"2Gi\""));
}

#[test]
fn what_claims_could_not_follow_is_refused() {
    for (change, reason) in [
        (
            ("1Gi", "512Mi"),
            "claim template data asks for less: a volume does not shrink",
        ),
        (("1Gi", "1024Mi"), "nothing differs that kubectl apply could not change"),
        (
            ("[ReadWriteOnce]", "[ReadWriteOncePod]"),
            "claim template data has another accessModes: the claims that there are keep theirs, and with them the pods",
        ),
        (
            ("metadata: {name: data}", "metadata: {name: store}"),
            "claim template data became store: the pods would begin with empty volumes; keep the name",
        ),
        (
            (
                "selector: {matchLabels: {app: db}}",
                "selector: {matchLabels: {app: dc}}",
            ),
            "the new selector does not select the new pods",
        ),
        (
            ("name: db}\nspec", "name: dc}\nspec"),
            "StatefulSet dc was given for it with --wanted, and no StatefulSet db",
        ),
    ] {
        let answer = anew(&STATEFULSET.replace(change.0, change.1), &[]);
        let expected = format!("StatefulSet default/db cannot be converted:\n  - {reason}\n");
        assert_eq!(
            (answer.code, answer.stdout, answer.stderr),
            (Some(1), String::new(), expected)
        );
    }
}

#[test]
fn a_statefulset_without_state_becomes_a_deployment() {
    let (stateless, _) = STATEFULSET.split_once("  volumeClaimTemplates").expect("templates");
    let stateless = stateless.replace(", volumeMounts: [{name: data, mountPath: /data}]", "");
    for (format, file) in [
        ("text", "stateless.txt"),
        ("script", "stateless.sh"),
        ("manifests", "stateless.yaml"),
    ] {
        let answer = of(&[&stateless], &["--format", format]);
        assert_eq!((answer.code, &*answer.stderr), (Some(0), ""));
        generated::check(&format!("tests/it/convert/snapshots/{file}"), &answer.stdout);
    }
    let peers = stateless.replace(
        "image: db",
        "image: db, env: [{name: PEERS, value: 'http://db-0.db:80'}]",
    );
    let one = "apiVersion: v1\nkind: Service\nmetadata: {name: first}\nspec: {selector: {statefulset.kubernetes.io/pod-name: db-0}}\n";
    for (documents, reason) in [
        (
            &[STATEFULSET][..],
            "each of its pods has volumes of its own, which pods of a Deployment cannot have",
        ),
        (
            &[&peers],
            "its template speaks of single pods of it, such as db-0, which would have no such names",
        ),
        (
            &[&stateless, one],
            "Service first speaks of single pods of it, such as db-0, which would have no such names",
        ),
    ] {
        let answer = of(documents, &[]);
        let expected = format!("StatefulSet default/db cannot be converted:\n  - {reason}\n");
        assert_eq!(
            (answer.code, answer.stdout, answer.stderr),
            (Some(1), String::new(), expected)
        );
    }
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/convert.md")).expect("the page");
    let text = printed("text");
    assert!(page.contains(&text), "docs/convert.md lacks:\n{text}");
}

#[test]
fn every_script_is_one_for_any_shell() {
    let script = tempfile::NamedTempFile::new().expect("a file");
    fs::write(script.path(), printed("script")).expect("written");
    let output = Command::new("sh")
        .arg("-n")
        .arg(script.path())
        .output()
        .expect("sh runs");
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn what_cannot_be_converted_is_told_with_all_reasons() {
    let shared = &CLAIM.replace("ReadWriteOnce", "ReadWriteMany");
    let without = &DEPLOYMENT.replace("claimName: db-data", "claimName: other");
    let other = &DEPLOYMENT.replace("name: db}\nspec", "name: copy}\nspec");
    let owned = &DEPLOYMENT.replace(
        "{name: db}\nspec",
        "{name: db, ownerReferences: [{kind: Shop, name: eu}]}\nspec",
    );
    let twice = &DEPLOYMENT.replace(
        "      volumes: [",
        "      volumes: [{name: b, persistentVolumeClaim: {claimName: db-data}}, ",
    );
    let stateless = &DEPLOYMENT.replace("persistentVolumeClaim: {claimName: db-data}", "emptyDir: {}");
    let taken = &CLAIM.replace("db-data", "data-db-0");
    for (documents, reasons) in [
        (
            &[&**without][..],
            "claim other is not in the files, so what it asks for is not known: add it, or use --from-cluster",
        ),
        (
            &[DEPLOYMENT, shared],
            "all its claims can be shared by pods on several nodes, which is right for a Deployment",
        ),
        (&[stateless], "its pods have no claim, so there is no state to own"),
        (
            &[owned, CLAIM],
            "Shop eu made it and would make it again: change that one",
        ),
        (
            &[twice, CLAIM],
            "two volumes of its pods are claim db-data, and only one of them could become a claim template",
        ),
        (
            &[DEPLOYMENT, CLAIM, other],
            "Deployment copy mounts claim db-data too, and a volume has one owner: let one of them go without it first",
        ),
        (
            &[DEPLOYMENT, CLAIM, taken],
            "there is a claim data-db-0 already, which the first pod would start on",
        ),
    ] {
        let answer = of(documents, &["--workload", "db"]);
        let expected = format!("Deployment default/db cannot be converted:\n  - {reasons}\n");
        assert_eq!(
            (answer.code, answer.stdout, answer.stderr),
            (Some(1), String::new(), expected)
        );
    }
    let both = of(&[owned, without], &["--workload", "db"]);
    assert_eq!(both.code, Some(2), "two of one name: {}", both.stderr);
}

#[test]
fn one_workload_is_meant() {
    let other = &DEPLOYMENT.replace("{name: db}", "{name: web}");
    for (documents, arguments, complaint) in [
        (
            &[CLAIM][..],
            &[][..],
            "there is no Deployment or StatefulSet to convert",
        ),
        (
            &[DEPLOYMENT, CLAIM],
            &["--workload", "dv"],
            "there is no Deployment or StatefulSet \"dv\"",
        ),
        (
            &[DEPLOYMENT, other],
            &[],
            "there are several workloads: name one of deployment/db, deployment/web",
        ),
        (&["a: [\n"], &[], "all.yaml:"),
    ] {
        let answer = of(documents, arguments);
        assert_eq!(answer.code, Some(2));
        assert!(answer.stderr.contains(complaint), "{}", answer.stderr);
    }
}

#[test]
fn several_pods_on_one_disk_become_one() {
    let three = &DEPLOYMENT.replace("spec:\n  selector", "spec:\n  replicas: 3\n  selector");
    let plan = of(&[three, CLAIM], &[]).stdout;
    assert!(
        plan.contains("its 3 pods shared what each pod of a StatefulSet has for itself"),
        "{plan}"
    );
    let manifests = of(&[three, CLAIM], &["--format", "manifests"]).stdout;
    assert!(manifests.contains("  replicas: 1\n"), "{manifests}");
}

#[test]
fn a_text_that_cannot_be_edited_is_written_anew() {
    let list = format!(
        "apiVersion: v1\nkind: List\nitems: # all\n- {}- {}",
        DEPLOYMENT.replace('\n', "\n  ").trim_end_matches(' '),
        CLAIM.replace('\n', "\n  ").trim_end_matches(' ')
    );
    let answer = of(&[&list], &["--format", "manifests"]);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    assert!(answer.stderr.contains("its comments are lost"), "{}", answer.stderr);
    let kinds: Vec<&str> = answer.stdout.lines().filter(|line| line.starts_with("kind:")).collect();
    assert_eq!(kinds, ["kind: StatefulSet", "kind: Service"]);
}
