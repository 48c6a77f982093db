//! Texts of Kubernetes objects: each document is one, or a list of them.

use stateward_yaml::{Document, Node, NodeId, Position, Problem, Reading, Value};

use super::chart;
use crate::graph::Kinds;

/// The objects of a text, and the problems of all of it.
#[derive(Debug, Default)]
pub struct Manifests {
    reading: Reading,
    parts: Vec<Part>,
    problems: Vec<Problem>,
}

/// An object of a text, as `kubectl apply` would send it.
#[derive(Clone, Copy)]
pub struct Manifest<'r> {
    reading: &'r Reading,
    part: &'r Part,
}

/// Where an object is kept.
#[derive(Debug)]
struct Part {
    node: NodeId,
    /// The list that it is an item of.
    list: Option<NodeId>,
}

/// Reads a text of YAML or JSON documents. A broken document is a problem and hides no other one; so is one that is to
/// be rendered by Helm first.
///
/// Lists are opened: their items are objects of their own.
#[must_use]
pub fn read(text: impl Into<Vec<u8>>) -> Manifests {
    let reading = stateward_yaml::read(text);
    let mut problems = reading.problems().to_vec();
    let mut parts = Vec::new();
    for document in reading.documents() {
        if let Some(problem) = unrendered(document) {
            // Warnings about what is not judged would only distract.
            let span = document.root().span();
            problems.retain(|one| !span.contains(&(one.position.offset as usize)));
            problems.push(problem);
        } else {
            open(document.root(), None, &mut parts);
        }
    }
    problems.sort_by_key(|problem| problem.position);
    Manifests {
        reading,
        parts,
        problems,
    }
}

impl Manifests {
    /// The objects, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = Manifest<'_>> {
        let reading = &self.reading;
        self.parts.iter().map(move |part| Manifest { reading, part })
    }

    /// The object with this number, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Manifest<'_>> {
        Some(Manifest {
            reading: &self.reading,
            part: self.parts.get(index)?,
        })
    }

    /// What is wrong, in the order of the text.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The text as it was read.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }
}

impl<'r> Manifest<'r> {
    /// The object itself; it need not be a mapping.
    #[must_use]
    pub fn root(self) -> Node<'r> {
        self.reading.node(self.part.node)
    }

    /// Where the object begins.
    #[must_use]
    pub fn position(self) -> Position {
        self.root().position()
    }

    /// The template that Helm made the object from.
    #[must_use]
    pub fn source(self) -> Option<&'r str> {
        chart::source(self.reading.document_of(self.part.node)?)
    }

    /// The object's `apiVersion`; an item of a typed list need not have one.
    #[must_use]
    pub fn api_version(self) -> Option<&'r str> {
        let own = self.root().get("apiVersion").and_then(Node::as_str);
        own.or_else(|| Some(self.implied()?.0))
    }

    /// The object's `kind`; an item of a typed list need not have one.
    #[must_use]
    pub fn kind(self) -> Option<&'r str> {
        let own = self.root().get("kind").and_then(Node::as_str);
        own.or_else(|| Some(self.implied()?.1))
    }

    /// A string of the object's metadata, unless it is empty.
    #[must_use]
    pub fn metadata(self, key: &str) -> Option<&'r str> {
        let own = self.root().get("metadata")?.get(key)?.as_str();
        own.filter(|text| !text.is_empty())
    }

    /// Copies the object into a JSON value, with `apiVersion` and `kind` if they come from its list.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        let mut json = self.root().to_json();
        if let (Some(object), Some((api_version, kind))) = (json.as_object_mut(), self.implied()) {
            object.insert("apiVersion".to_owned(), api_version.into());
            object.insert("kind".to_owned(), kind.into());
        }
        json
    }

    /// What the items of a `DeploymentList` are when they do not say it (apimachinery's `unstructured/helpers.go`,
    /// `decodeToList`: only if they say neither).
    fn implied(self) -> Option<(&'r str, &'r str)> {
        let list = self.reading.node(self.part.list?);
        let said = |key| {
            self.root()
                .get(key)
                .and_then(Node::as_str)
                .is_some_and(|value| !value.is_empty())
        };
        if said("apiVersion") || said("kind") {
            return None;
        }
        let kind = list.get("kind")?.as_str()?.strip_suffix("List")?;
        (!kind.is_empty()).then_some((list.get("apiVersion")?.as_str()?, kind))
    }
}

impl std::fmt::Debug for Manifest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.root(), f)
    }
}

/// Says that a document is a chart's template, unless nobody judges it: what Helm names the source of is rendered, and
/// in what plays no part, braces are meant for somebody else.
fn unrendered(document: Document<'_>) -> Option<Problem> {
    let leftover = document.leftover()?;
    let text = |key| document.root().get(key).and_then(Node::as_str);
    let plays_no_part = text("apiVersion")
        .zip(text("kind"))
        .is_some_and(|(version, kind)| !kind.ends_with("List") && Kinds::builtin().of(version, kind).is_none());
    (!plays_no_part && chart::source(document).is_none()).then_some(leftover)
}

/// Finds the object of a node, or the items of a list; what is null is none. Lists may be nested; how deep, the reader
/// has bounded.
fn open(node: Node<'_>, list: Option<NodeId>, found: &mut Vec<Part>) {
    if matches!(node.value(), Value::Null) {
        return;
    }
    let kind = node.get("kind").and_then(Node::as_str);
    let items = node.get("items").map(Node::value);
    match items.filter(|_| kind.is_some_and(|kind| kind.ends_with("List"))) {
        Some(Value::Sequence(items)) => items.for_each(|item| open(item, Some(node.id()), found)),
        _ => found.push(Part { node: node.id(), list }),
    }
}

#[cfg(test)]
mod tests {
    use stateward_yaml::ProblemKind;

    use super::*;

    fn object(manifests: &Manifests, number: usize) -> Manifest<'_> {
        manifests.get(number).expect("an object")
    }

    fn at(manifest: Manifest<'_>, pointer: &str) -> String {
        manifest.root().position_of(pointer).to_string()
    }

    fn kind_of_problem(text: &str) -> ProblemKind {
        let manifests = read(text);
        assert_eq!(manifests.problems().len(), 1, "{:?}", manifests.problems());
        manifests.problems()[0].kind
    }

    #[test]
    fn lists_are_opened() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- kind: A\n  spec: {x: 1}\n- kind: List\n  items: [{kind: B}]\n- \n- kind: C\n---\n\
                    apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: d}\n- kind: Other\n---\nkind: Playlist\nitems: 3\n";
        let manifests = read(text);
        assert_eq!(manifests.problems(), []);
        let kinds: Vec<_> = manifests
            .iter()
            .map(|manifest| manifest.kind().unwrap_or_default())
            .collect();
        assert_eq!(kinds, ["A", "B", "C", "Deployment", "Other", "Playlist"]);
        let first = object(&manifests, 0);
        assert_eq!((at(first, ""), at(first, "/spec/x")), ("4:3".into(), "5:13".into()));
        let deployment = object(&manifests, 3);
        assert_eq!(
            deployment.to_json().to_string(),
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"}}"#
        );
        assert_eq!(at(deployment, "/metadata/name"), "14:20");
        // Only an item that says neither is what the list says.
        assert_eq!(object(&manifests, 4).api_version(), None);
    }

    #[test]
    fn helm_names_the_template_of_each_object() {
        let text = "---\n# Source: shop/templates/web.yaml\n# more\na: 1\n# Source: not/this.yaml\n---\nb: 2\n---\r\n# Source: shop/charts/db/templates/sts.yaml\r\nkind: List\r\nitems: [{c: 3}]\n---\n# Source: empty.yaml\n---\nd: 4\n";
        let manifests = read(text);
        let sources: Vec<_> = manifests.iter().map(Manifest::source).collect();
        let expected = [
            Some("shop/templates/web.yaml"),
            None,
            Some("shop/charts/db/templates/sts.yaml"),
            None,
        ];
        assert_eq!(sources, expected);
    }

    #[test]
    fn what_is_rendered_or_plays_no_part_may_hold_a_template() {
        let release =
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nvalues: {url: \"{{ .Release.Name }}-pg\"}\n";
        assert!(read(release).problems().is_empty());
        let rendered = "# Source: a/b.yaml\napiVersion: apps/v1\nkind: Deployment\nurl: 'http://{{ .Release.Name }}'\n";
        assert!(read(rendered).problems().is_empty());
        // Nor are they blamed for what is wrong behind it.
        assert_eq!(kind_of_problem(&format!("{rendered}...\n}}")), ProblemKind::Syntax);
        // Of what is still a template, nothing else is told.
        let template = rendered.replace("# Source", "# source") + "a: 1\na: 2\n---\nok: 1\n";
        assert_eq!(kind_of_problem(&template), ProblemKind::Template);
        let manifests = read(template);
        let left: Vec<_> = manifests.iter().map(|one| one.to_json().to_string()).collect();
        assert_eq!(left, [r#"{"ok":1}"#]);
    }
}
