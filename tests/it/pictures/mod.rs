//! `stateward graph` and `stateward explain`: the drawing itself, and the commands.

pub mod command;
mod drawing;
mod explain;
mod hostile;
mod report;
mod stories;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use stateward::audit::by_namespace;
use stateward::explain::picture;
use stateward::graph::{Graph, Knowledge};
use stateward::manifests::corpus::Corpus;
use stateward::manifests::worlds::{Base, worlds};
use stateward::picture::Picture;
use stateward::rules::RULES;
use stateward::time::Time;

use crate::support::webhook::strict;

/// An exception for Deployment `web`.
pub const EXCEPTION: &str = "\
---
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicyException
metadata: {name: legacy}
spec:
  rules: [rwo-replicas]
  match: {names: [web]}
  reason: moves in May
  owner: team-shop
  expiresAt: 2099-01-01T00:00:00Z
";

/// The objects of a text, and nothing else in the world.
pub fn graph(text: &str) -> Graph {
    let texts = vec![(PathBuf::from("a.yaml"), text.as_bytes().to_vec())];
    let corpus = Corpus::of_texts(texts, &"shop".into(), stateward::kinds::shipped());
    assert!(corpus.files[0].broken.is_empty(), "{:?}", corpus.files[0].broken);
    let (worlds, _) = worlds(&corpus);
    worlds[0].graph(Base::Nothing(Knowledge::Complete), NonZeroUsize::MIN)
}

/// The pictures of a graph, judged by the strictest policy.
pub fn drawn(graph: &Graph) -> Vec<Picture> {
    let pictures = by_namespace(
        graph,
        &strict(RULES),
        Time::from_seconds(1_800_000_000),
        NonZeroUsize::MIN,
        picture,
    );
    pictures
        .into_iter()
        .filter(|picture| !picture.nodes.is_empty())
        .collect()
}

/// A Deployment that mounts claims.
pub fn deployment(name: &str, replicas: u32, claims: &[&str]) -> String {
    let volumes: Vec<String> = claims
        .iter()
        .map(|claim| format!("{{name: v-{claim}, persistentVolumeClaim: {{claimName: {claim}}}}}"))
        .collect();
    format!(
        "\
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  strategy: {{type: Recreate}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: main, image: main}}]
      volumes: [{}]
",
        volumes.join(", ")
    )
}

/// A claim for one node at a time.
pub fn claim(name: &str) -> String {
    format!(
        "\
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"
    )
}
