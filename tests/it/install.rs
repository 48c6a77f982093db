//! Installing: what `stateward manifests` prints.

use std::path::Path;
use std::process::{Command, Output};

use clap::CommandFactory as _;
use serde_json::Value;
use stateward::cli::Cli;

use crate::generated;

pub fn stateward(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stateward"))
        .args(args)
        .output()
        .expect("the binary starts")
}

pub fn make_certificates(directory: &Path) -> Output {
    Command::new("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/make.sh"))
        .arg(directory)
        .output()
        .expect("sh starts")
}

/// The objects of a YAML stream, read by the YAML reader of the Kubernetes client.
pub fn objects(yaml: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(yaml).expect("UTF-8");
    text.split("\n---\n")
        .skip(1)
        .map(|document| serde_saphyr::from_str(document).expect("YAML"))
        .collect()
}

pub fn kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let object = found.next().expect(kind);
    assert!(found.next().is_none(), "two objects of kind {kind}");
    object
}

#[test]
fn deploy_install_yaml_is_what_manifests_prints() {
    let output = stateward(&["manifests"]);
    assert!(output.status.success());
    generated::check(
        "deploy/install.yaml",
        std::str::from_utf8(&output.stdout).expect("UTF-8"),
    );
}

#[test]
fn deploy_crds_yaml_is_what_crds_prints() {
    let output = stateward(&["crds"]);
    assert!(output.status.success());
    let printed = std::str::from_utf8(&output.stdout).expect("UTF-8");
    generated::check("deploy/crds.yaml", printed);
    // An installation brings them along, first of all.
    let (_, definitions) = printed.split_once("---\n").expect("a document");
    let manifests = String::from_utf8(stateward(&["manifests"]).stdout).expect("UTF-8");
    let (_, objects) = manifests.split_once("---\n").expect("a document");
    assert!(objects.starts_with(definitions));
}

#[test]
fn an_installation_has_the_policy_of_its_mode_or_the_one_that_was_chosen() {
    let policy = |arguments: &[&str]| {
        let objects = objects(&stateward(&[&["manifests"], arguments].concat()).stdout);
        let args = kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        let told = &kind(&objects, "ValidatingWebhookConfiguration")["metadata"]["annotations"];
        let told = told["stateward.dev/default-policy"].as_str().map(str::to_owned);
        let flag = told
            .as_ref()
            .map(|name| Value::String(format!("--default-policy={name}")));
        assert_eq!(args.as_array().expect("args").get(2), flag.as_ref());
        told
    };
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(policy(&[]), named("audit"));
    assert_eq!(policy(&["--mode=warn"]), named("warn"));
    assert_eq!(policy(&["--mode=enforce"]), named("baseline"));
    assert_eq!(policy(&["--mode=enforce", "--policy=strict"]), named("strict"));
    assert_eq!(policy(&["--policy=none"]), None);
}

#[test]
fn every_name_fits_the_others() {
    let output = stateward(&[
        "manifests",
        "--namespace",
        "guard",
        "--image",
        "example.org/stateward:9",
    ]);
    let objects = objects(&output.stdout);
    let deployment = kind(&objects, "Deployment");
    let pod = &deployment["spec"]["template"];
    let service = kind(&objects, "Service");

    assert_eq!(kind(&objects, "Namespace")["metadata"]["name"], "guard");
    assert_eq!(pod["spec"]["containers"][0]["image"], "example.org/stateward:9");
    assert_eq!(service["spec"]["selector"], pod["metadata"]["labels"]);
    assert_eq!(
        kind(&objects, "PodDisruptionBudget")["spec"]["selector"],
        deployment["spec"]["selector"]
    );
    assert_eq!(
        pod["spec"]["serviceAccountName"],
        kind(&objects, "ServiceAccount")["metadata"]["name"]
    );
    assert_eq!(
        kind(&objects, "ClusterRoleBinding")["subjects"][0]["namespace"],
        "guard"
    );
    for configuration in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        for webhook in kind(&objects, configuration)["webhooks"].as_array().expect("webhooks") {
            let target = &webhook["clientConfig"]["service"];
            assert_eq!(target["name"], service["metadata"]["name"]);
            assert_eq!(target["namespace"], "guard");
            let excluded = &webhook["namespaceSelector"]["matchExpressions"][0];
            assert_eq!(excluded["operator"], "NotIn");
            assert_eq!(
                excluded["values"],
                serde_json::json!(["kube-system", "kube-public", "kube-node-lease", "guard"])
            );
        }
    }
}

#[test]
fn the_container_gets_arguments_that_serve_takes() {
    let objects = objects(&stateward(&["manifests"]).stdout);
    let container = &kind(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"]
        .as_array()
        .expect("args")
        .iter()
        .filter_map(Value::as_str);
    Cli::command()
        .try_get_matches_from(std::iter::once("stateward").chain(arguments))
        .expect("serve takes them");
}

/// What no request asks for by name, for it stands in no namespace.
const LISTED: [&str; 8] = [
    "csidrivers",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "storageclasses",
    "workloadkinds",
    "workloadpolicies",
    "workloadpolicyexceptions",
];

/// What is written into any namespace, with the verbs that it takes.
const WRITTEN: [(&str, &[&str]); 6] = [
    ("events", &["create"]),
    ("policyreports", &["create", "delete", "list", "patch"]),
    ("reports", &["create", "delete", "list", "patch"]),
    ("workloadkinds/status", &["patch"]),
    ("workloadpolicies/status", &["patch"]),
    ("workloadpolicyexceptions/status", &["patch"]),
];

#[test]
fn the_roles_read_what_is_judged_and_write_what_is_told() {
    let objects = objects(&stateward(&["manifests"]).stdout);
    let leases = serde_json::json!({
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["create", "delete", "get", "list", "patch", "update"],
    });
    let secrets = serde_json::json!([
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {
            "apiGroups": [""],
            "resourceNames": ["stateward-authority"],
            "resources": ["secrets"],
            "verbs": ["delete", "list", "update", "watch"],
        },
    ]);
    let role = &kind(&objects, "Role")["rules"];
    assert_eq!(*role, serde_json::json!([leases, secrets[0], secrets[1]]));
    let rules = kind(&objects, "ClusterRole")["rules"].as_array().expect("rules");
    let written = |rule: &&Value| {
        WRITTEN
            .iter()
            .any(|(resource, _)| rule["resources"] == serde_json::json!([resource]))
    };
    let (written, read): (Vec<&Value>, Vec<&Value>) = rules.iter().partition(written);
    assert_eq!(written.len(), WRITTEN.len());
    for rule in written {
        let (_, verbs) = WRITTEN
            .iter()
            .find(|(resource, _)| rule["resources"][0] == *resource)
            .expect("one of them");
        assert_eq!(rule["verbs"], serde_json::json!(verbs), "{rule}");
    }
    for rule in read {
        let resources = rule["resources"].as_array().expect("resources");
        if *resources == ["customresourcedefinitions"] {
            let own = serde_json::json!([
                "workloadpolicies.stateward.dev",
                "workloadpolicyexceptions.stateward.dev",
                "workloadkinds.stateward.dev"
            ]);
            assert_eq!(
                (&rule["resourceNames"], &rule["verbs"]),
                (&own, &serde_json::json!(["get"]))
            );
            continue;
        }
        if rule["apiGroups"][0] == "admissionregistration.k8s.io" {
            let own = serde_json::json!(["stateward"]);
            let verbs = serde_json::json!(["list", "patch", "watch"]);
            assert_eq!((&rule["resourceNames"], &rule["verbs"]), (&own, &verbs));
            continue;
        }
        let (listed, asked_for): (Vec<&Value>, Vec<&Value>) = resources
            .iter()
            .partition(|name| LISTED.iter().any(|listed| *name == listed));
        assert!(listed.is_empty() || asked_for.is_empty(), "{rule}");
        let verbs: &[&str] = if listed.is_empty() {
            &["get", "list", "watch"]
        } else {
            &["list", "watch"]
        };
        assert_eq!(rule["verbs"], serde_json::json!(verbs), "{rule}");
        assert!(
            resources
                .iter()
                .all(|resource| resource != "secrets" && resource != "*"),
            "{rule}"
        );
    }
}

/// The failure policies and bundles of the entries that an installation prints.
pub fn entries(objects: &[Value]) -> Vec<(Value, Value, Value)> {
    let kinds = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
    let configurations = kinds.map(|name| kind(objects, name)["webhooks"].as_array().expect("webhooks"));
    let entry = |webhook: &Value| {
        let field = |name: &str| webhook[name].clone();
        (
            field("name"),
            field("failurePolicy"),
            webhook["clientConfig"]["caBundle"].clone(),
        )
    };
    configurations.into_iter().flatten().map(entry).collect()
}

#[test]
fn certificates_of_its_own_need_no_volume_no_bundle_and_a_second_step_to_fail_closed() {
    let printed = |arguments: &[&str]| objects(&stateward(&[&["manifests"], arguments].concat()).stdout);
    let modes = [
        (&[][..], "--default-policy=audit"),
        (&["--mode=enforce"], "--default-policy=baseline"),
    ];
    for (arguments, policy) in modes {
        let objects = printed(arguments);
        let pod = &kind(&objects, "Deployment")["spec"]["template"]["spec"];
        assert_eq!(pod["volumes"], Value::Null);
        let container = &pod["containers"][0];
        assert_eq!(
            container["args"],
            serde_json::json!(["serve", "--policy-source=cluster", policy])
        );
        for (name, policy, bundle) in entries(&objects) {
            // Who prints the field, if only empty, undoes what the leader writes.
            assert_eq!(bundle, Value::Null, "{name}");
            let closed = !arguments.is_empty() && name == "workloads.stateward.dev";
            assert_eq!(policy, if closed { "Fail" } else { "Ignore" }, "{name}");
        }
    }
}

#[test]
fn a_ca_is_embedded() {
    let directory = tempfile::tempdir().expect("a directory");
    let certificates = directory.path().join("certs");
    let made = make_certificates(&certificates);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let ca = certificates.join("ca.crt");
    let verified = Command::new("openssl")
        .args([
            "verify",
            "-verify_hostname",
            "stateward.stateward-system.svc",
            "-purpose",
            "sslserver",
            "-CAfile",
        ])
        .args([&ca, &certificates.join("tls.crt")])
        .output()
        .expect("openssl starts");
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );

    let output = stateward(&[
        "manifests",
        "--mode=enforce",
        "--ca-bundle",
        ca.to_str().expect("UTF-8"),
    ]);
    let objects = objects(&output.stdout);
    let bundle = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        std::fs::read(&ca).expect("the CA"),
    );
    let mut policies = Vec::new();
    for configuration in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
        for webhook in kind(&objects, configuration)["webhooks"].as_array().expect("webhooks") {
            assert_eq!(webhook["clientConfig"]["caBundle"], Value::String(bundle.clone()));
            policies.push((webhook["name"].clone(), webhook["failurePolicy"].clone()));
        }
    }
    assert_eq!(
        policies,
        [
            ("defaults.stateward.dev".into(), "Ignore".into()),
            ("policies.stateward.dev".into(), "Ignore".into()),
            ("workloads.stateward.dev".into(), "Fail".into()),
            ("scale.stateward.dev".into(), "Ignore".into()),
            ("advice.stateward.dev".into(), "Ignore".into()),
            ("dependencies.stateward.dev".into(), "Ignore".into()),
            ("pods.stateward.dev".into(), "Ignore".into()),
        ]
    );
}

#[test]
fn an_administrator_chooses_namespaces() {
    let selector = |arguments: &[&str]| {
        let output = stateward(&[&["manifests"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let objects = objects(&output.stdout);
        let webhooks = kind(&objects, "ValidatingWebhookConfiguration")["webhooks"].clone();
        let webhooks = webhooks.as_array().expect("webhooks").clone();
        let selector = webhooks[0]["namespaceSelector"]["matchExpressions"].clone();
        assert!(
            webhooks
                .iter()
                .all(|webhook| webhook["namespaceSelector"]["matchExpressions"] == selector)
        );
        selector
    };
    let not_in = |key: &str, values: &[&str]| serde_json::json!({"key": key, "operator": "NotIn", "values": values});
    let name = "kubernetes.io/metadata.name";
    let chosen = selector(&["--exclude-namespaces=kube-system,csi", "--namespace=csi"]);
    assert_eq!(chosen, serde_json::json!([not_in(name, &["kube-system", "csi"])]));
    let chosen = selector(&["--exclude-namespaces=a", "--allow-opt-out"]);
    let opt_out = not_in("stateward.dev/admission", &["ignore"]);
    let excluded = not_in(name, &["a", "stateward-system"]);
    assert_eq!(chosen, serde_json::json!([excluded, opt_out]));
}

#[test]
fn an_administrator_chooses_what_waits_once_the_replicas_run() {
    let failing = |arguments: &[&str]| -> Vec<String> {
        let output = stateward(&[&["manifests"], arguments].concat());
        let entries = entries(&objects(&output.stdout)).into_iter();
        let failing = entries.filter(|(_, policy, _)| policy == "Fail");
        failing
            .map(|(name, ..)| name.as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(failing(&["--mode=enforce"]), ["workloads.stateward.dev"]);
    let chosen = [
        "--mode=enforce",
        "--failure-policy=scale=Fail",
        "--failure-policy=workloads=Ignore",
    ];
    assert_eq!(failing(&chosen), ["scale.stateward.dev"]);
    for (arguments, wanted) in [
        (&["--failure-policy=scale=Fail"][..], "counts with --mode enforce alone"),
        (
            &["--mode=enforce", "--failure-policy=scales=Fail"],
            "there is no entry \"scales\", but defaults, ",
        ),
        (
            &["--mode=enforce", "--failure-policy=scale"],
            "ENTRY=Fail or ENTRY=Ignore",
        ),
    ] {
        let refused = stateward(&[&["manifests"], arguments].concat());
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && error.contains(wanted), "{error}");
    }
}

#[test]
fn who_may_call_is_chosen_by_certificate_and_by_address() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(make_certificates(&directory.path().join("certs")).status.success());
    let ca = directory.path().join("certs/ca.crt");
    let output = stateward(&[
        "manifests",
        "--client-ca",
        ca.to_str().expect("UTF-8"),
        "--allow-from=192.0.2.7/32",
        "--allow-from=2001:db8::/64",
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output.stdout);
    let map = kind(&objects, "ConfigMap");
    let text = std::fs::read_to_string(&ca).expect("the CA");
    assert_eq!(map["data"]["ca.crt"], Value::String(text));
    let pod = &kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let volume = &pod["volumes"][0];
    let mount = &pod["containers"][0]["volumeMounts"][0];
    let flag = format!("--client-ca={}/ca.crt", mount["mountPath"].as_str().expect("a path"));
    let arguments = pod["containers"][0]["args"].as_array().expect("arguments");
    assert!(arguments.contains(&Value::String(flag)), "{arguments:?}");
    assert_eq!(mount["name"], volume["name"]);
    assert_eq!(volume["configMap"]["name"], map["metadata"]["name"]);

    let policy = &kind(&objects, "NetworkPolicy")["spec"];
    assert_eq!(
        policy["podSelector"]["matchLabels"],
        kind(&objects, "Service")["spec"]["selector"]
    );
    let from = |rule: usize| policy["ingress"][rule]["from"].clone();
    let block = |cidr: &str| serde_json::json!({"ipBlock": {"cidr": cidr}});
    assert_eq!(
        from(0),
        serde_json::json!([block("192.0.2.7/32"), block("2001:db8::/64")])
    );
    assert_eq!(policy["ingress"][0]["ports"][0]["port"], "https");
    assert_eq!(
        (from(1), &policy["ingress"][1]["ports"][0]["port"]),
        (Value::Null, &"admin".into())
    );

    let refused = stateward(&["manifests", "--allow-from=10.0.0.0"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("write ADDRESS/LENGTH"));
}

#[test]
fn a_private_key_is_no_ca_bundle() {
    let directory = tempfile::tempdir().expect("a directory");
    assert!(make_certificates(&directory.path().join("certs")).status.success());
    let key = directory.path().join("certs/ca.key");
    let refused = stateward(&["manifests", "--ca-bundle", key.to_str().expect("UTF-8")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("holds something else than certificates"));
}
