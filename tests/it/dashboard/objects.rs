//! Objects with any names, as texts.

/// A name that means something in a page.
pub const HOSTILE: &str = "<script>alert('\"&')</script>";

/// A claim for one node at a time.
pub fn claim(namespace: &str, name: &str) -> String {
    object(
        namespace,
        name,
        "v1",
        "PersistentVolumeClaim",
        "{accessModes: [ReadWriteOnce]}",
    )
}

/// A Deployment that mounts a claim.
pub fn deployment(namespace: &str, name: &str, claim: &str, replicas: u32) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("a text");
    let spec = format!(
        "{{replicas: {replicas}, selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, \
         spec: {{containers: [{{name: main, image: registry.example/web:1}}], \
         volumes: [{{name: data, persistentVolumeClaim: {{claimName: {}}}}}]}}}}}}",
        text(claim),
        name = text(name),
    );
    object(namespace, name, "apps/v1", "Deployment", &spec)
}

fn object(namespace: &str, name: &str, version: &str, kind: &str, spec: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("a text");
    format!(
        "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {}, namespace: {}}}\nspec: {spec}\n",
        text(name),
        text(namespace)
    )
}
