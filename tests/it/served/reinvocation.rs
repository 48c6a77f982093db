//! Somebody else mutates the object after us: we are asked again, and add to what we did before.

use super::objects::selected;
use super::{Policy, Shop};
use crate::controlplane::eventually;

/// A mutating policy that gives each StatefulSet a sidecar once its governing Service is named: after our first turn.
fn sidecar(namespace: &str) -> String {
    format!(
        r#"
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: sidecar-{namespace}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}
    resourceRules:
    - {{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [statefulsets]}}
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >
        object.spec.?serviceName.orValue("") == "" || object.spec.template.spec.containers.exists(c, c.name == "log") ? [] :
        [JSONPatch{{op: "add", path: "/spec/template/spec/containers/-", value: Object.spec.template.spec.containers{{
          name: "log", image: "log", volumeMounts: [Object.spec.template.spec.containers.volumeMounts{{name: "spool", mountPath: "/spool"}}]}}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: sidecar-{namespace}}}
spec: {{policyName: sidecar-{namespace}}}
"#
    )
}

#[tokio::test]
async fn what_another_mutation_adds_afterwards_gets_its_defaults_in_a_second_turn() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Defaults).await;
    shop.cluster
        .kubectl_stdin(["create", "-f", "-"], &sidecar(&namespace))
        .await
        .succeeded();
    let set = |name: &str| {
        let pod = "containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]";
        format!(
            "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: {name}}}, spec: {{{}}}}}",
            selected(name, pod)
        )
    };
    eventually("the API server's use of the mutating policy", async || {
        let show = [
            "create",
            "--dry-run=server",
            "-o",
            "jsonpath={.spec.template.spec.containers[*].name}",
        ];
        let shown = shop.send(&namespace, &show, &[set("probe")]).await;
        (shown.stdout == "db log").then_some(())
    })
    .await;
    shop.create(&namespace, &[set("db")]).await.succeeded();
    let field = async |path| shop.field(&namespace, "statefulset/db", path).await;
    assert_eq!(field(".spec.serviceName").await, "db");
    assert_eq!(field(".spec.template.spec.containers[*].name").await, "db log");
    // One template each: the second turn repeats nothing of the first.
    assert_eq!(field(".spec.volumeClaimTemplates[*].metadata.name").await, "data spool");
    assert_eq!(
        field(r".metadata.annotations.stateward\.dev/defaulted").await,
        "/spec/serviceName /spec/volumeClaimTemplates/data /spec/volumeClaimTemplates/spool"
    );
}
