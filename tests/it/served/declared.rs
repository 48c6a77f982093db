//! A kind that a cluster declares: taken up when it may be read, judged with warnings at most, and gone with its
//! declaration.

use std::process::Command;

use serde_json::Value;

use super::Served;
use super::installation::{ENFORCE, Installed};
use super::objects::{claim, deployment, selected, using};
use crate::controlplane::eventually;
use crate::controlplane::process::Scratch;

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {size: {type: integer}}}
          status: {type: object, properties: {size: {type: integer}}}
";

fn declaration(fields: &str) -> String {
    format!(
        "{{apiVersion: stateward.dev/v1alpha1, kind: WorkloadKind, metadata: {{name: widgets.example.com}}, spec: {{group: \
         example.com, version: v1, plural: widgets, scale: true, {fields}}}}}"
    )
}

const WIDGET: &str = "kind: Widget, podTemplate: /spec/template, replicas: /spec/size";

fn widget(name: &str, size: u32) -> String {
    format!(
        "{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: {name}}}, spec: {{size: {size}, {}}}}}",
        selected(name, &using("data"))
    )
}

impl Installed {
    /// Waits until the condition of the declaration says this of its present version; returns the message.
    async fn declared(&self, status: &str, reason: &str) -> String {
        eventually(&format!("{status}, {reason}"), async || {
            let object = self.get(&["workloadkinds", "widgets.example.com"]).await;
            let condition = &object["status"]["conditions"][0];
            let is_present = condition["observedGeneration"] == object["metadata"]["generation"];
            let is_it = is_present && condition["status"] == status && condition["reason"] == reason;
            is_it.then(|| condition["message"].as_str().unwrap_or_default().to_owned())
        })
        .await
    }
}

async fn known(served: &Served) -> Option<f64> {
    let metrics = served.metrics().await;
    metrics.series("stateward_graph_objects", &[("kind", "Widget")])
}

#[tokio::test]
async fn a_kind_is_judged_from_its_declaration_on() {
    let installed = Installed::bare().await;
    installed.manifests(ENFORCE).await;
    installed.lead_here().await;
    installed.cluster.established().await;
    let served = installed.replica(0, &[]);
    installed.use_replica(0, &served).await;
    let namespace = installed.cluster.namespace("declared").await;
    let data = claim("data", "ReadWriteOnce");
    installed.cluster.apply(&namespace, &data).await.succeeded();
    installed.guards(&namespace).await;

    // Nobody may read it yet: it says so, and makes nothing else unknown.
    installed
        .cluster
        .apply(&namespace, &declaration(WIDGET))
        .await
        .succeeded();
    let message = installed.declared("False", "Forbidden").await;
    assert!(
        message.contains("no permission to list and watch widgets.example.com"),
        "{message}"
    );
    assert_eq!(known(&served).await, None);
    installed.guards(&namespace).await;

    // Told of the kind, the installation waits for its definition.
    let scratch = Scratch::new().expect("a directory can be made");
    let file = scratch.write("kinds.yaml", declaration(WIDGET)).expect("written");
    let told = format!("--workload-kinds={}", file.display());
    installed.manifests(&[ENFORCE, &[&*told]].concat()).await;
    let message = installed.declared("False", "NotServed").await;
    assert!(message.contains("has no widgets.example.com yet"), "{message}");
    installed.cluster.apply(&namespace, DEFINITION).await.succeeded();
    installed.cluster.established().await;
    installed.declared("True", "Watched").await;

    warned_about_at_most(&installed, &namespace).await;
    eventually("the watch finds it", async || {
        (known(&served).await == Some(1.0)).then_some(())
    })
    .await;
    an_audit_and_a_check_ask_the_cluster(&installed, &namespace);
    a_mistake_keeps_the_last_good_one(&installed, &namespace).await;

    // Without us nothing that is warned about at most is refused.
    installed.take_out(0, &served).await;
    let refused = installed
        .cluster
        .apply(&namespace, &deployment("other", "data", 1))
        .await
        .failed();
    assert!(refused.stderr.contains("workloads.stateward.dev"), "{}", refused.stderr);
    installed
        .cluster
        .apply(&namespace, &widget("second", 3))
        .await
        .succeeded();

    // Its objects go with its definition, and the kind with its declaration.
    let next = installed.replica(1, &[]);
    installed.use_replica(1, &next).await;
    assert_eq!(known(&next).await, Some(2.0), "ready means that they are known");
    let delete = ["delete", "crd", "widgets.example.com"];
    installed.cluster.kubectl(delete).await.succeeded();
    eventually("they are gone", async || {
        (known(&next).await == Some(0.0)).then_some(())
    })
    .await;
    installed.declared("False", "NotServed").await;
    let delete = ["delete", "workloadkind", "widgets.example.com"];
    installed.cluster.kubectl(delete).await.succeeded();
    eventually("the kind is gone", async || known(&next).await.is_none().then_some(())).await;
    installed.guards(&namespace).await;
}

async fn warned_about_at_most(installed: &Installed, namespace: &str) {
    // The configurations are applied from a cache of the API server.
    eventually("a warning", async || {
        let dry_run = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
        let answer = installed
            .cluster
            .kubectl_stdin(dry_run, &widget("web", 3))
            .await
            .succeeded();
        answer.stderr.contains("rwo-replicas").then_some(())
    })
    .await;
    let warned = installed.cluster.apply(namespace, &widget("web", 3)).await.succeeded();
    assert!(
        warned.stderr.contains("Warning: ") && warned.stderr.contains("3 replicas mount claim \"data\""),
        "{}",
        warned.stderr
    );
    let scale = ["scale", "widgets.example.com/web", "--replicas=5", "-n", namespace];
    let scaled = installed.cluster.kubectl(scale).await.succeeded();
    assert!(scaled.stderr.contains("5 replicas mount claim"), "{}", scaled.stderr);
    let autoscaler = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {maxReplicas: 9, \
                      scaleTargetRef: {apiVersion: example.com/v1, kind: Widget, name: web}}}";
    let warned = installed.cluster.apply(namespace, autoscaler).await.succeeded();
    assert!(
        warned.stderr.contains("an autoscaler may make 9 replicas"),
        "{}",
        warned.stderr
    );
    let beside = installed
        .cluster
        .apply(namespace, &deployment("beside", "data", 1))
        .await;
    assert!(beside.stderr.contains("Widget"), "{}", beside.stderr);
}

fn an_audit_and_a_check_ask_the_cluster(installed: &Installed, namespace: &str) {
    let kubeconfig = installed.cluster.kubeconfig();
    let report = |args: &[&str]| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
        command.args(args).arg("--kubeconfig").arg(kubeconfig);
        let output = command.args(["-n", namespace, "--format", "json"]).output();
        let output = output.expect("the binary runs");
        let told = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).expect(&told)
    };
    let audit = report(&["audit"]);
    assert!(audit.to_string().contains("\"Widget\""), "{audit}");
    // What only the cluster declares is known of files too: by itself, and beside what is there.
    let scratch = Scratch::new().expect("a directory can be made");
    let file = scratch.write("new.yaml", widget("new", 2)).expect("written");
    let check = report(&["check", "--with-cluster", &file.display().to_string()]);
    let found = check["findings"].as_array().expect("findings");
    let rules: Vec<&str> = found.iter().filter_map(|finding| finding["rule"].as_str()).collect();
    assert!(rules.contains(&"rwo-replicas"), "{check:#}");
}

async fn a_mistake_keeps_the_last_good_one(installed: &Installed, namespace: &str) {
    let wrong = declaration("kind: Widget, podTemplate: /spec/template, replicas: /spec/template/size");
    let refused = installed.cluster.apply(namespace, &wrong).await.failed();
    let mistake = "spec.podTemplate: ";
    let within = "spec.replicas: \"/spec/template/size\" is within \"/spec/template\", which is read as a whole";
    assert!(refused.stderr.contains(within), "{}", refused.stderr);
    assert!(!refused.stderr.contains(mistake), "{}", refused.stderr);
    // As if nobody had looked.
    let delete = ["delete", "mutatingwebhookconfiguration", "stateward"];
    installed.cluster.kubectl(delete).await.succeeded();
    eventually("nobody looks", async || {
        installed.cluster.apply(namespace, &wrong).await.success.then_some(())
    })
    .await;
    let message = installed.declared("False", "Invalid").await;
    assert_eq!(message, format!("{within}; the last good version stays in force"));
    let warned = installed.cluster.apply(namespace, &widget("web", 6)).await.succeeded();
    assert!(warned.stderr.contains("6 replicas mount claim"), "{}", warned.stderr);
    installed
        .cluster
        .apply(namespace, &declaration(WIDGET))
        .await
        .succeeded();
    installed.declared("True", "Watched").await;
}
