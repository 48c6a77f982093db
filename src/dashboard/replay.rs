//! Replay: what would become of manifests if they were applied now, one after another. Nothing is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::namespace::figure;
use super::page::{Place, path};
use super::query::pairs;
use super::{Content, Dashboard};
use crate::audit::entries;
use crate::clock;
use crate::explain::picture;
use crate::graph::project::NodeSeed;
use crate::graph::view::Reservations;
use crate::graph::{
    Actor, Change, Kind, Name, Node, ObjectRef, Old, Operation, Overlay, Role, Shape, Shard, States, Timestamp, View,
};
use crate::judge::defaults::{Services, defaults};
use crate::judge::{Basis, Decision, Inspection, judge};
use crate::manifests::{Manifest, read};
use crate::markup::escaped;
use crate::output::html::finding;
use crate::picture::{Column, Id, Picture, around, changes, limited};
use crate::rules::RULES;
use crate::rules::kit::PatchOperation;

/// A manifest is no longer: whole charts are for `stateward check`.
const LONGEST: usize = 256 * 1024;
/// So many objects are replayed at once.
const OBJECTS: usize = 20;
/// The namespace of objects that name none.
const NAMESPACE: &str = "default";

/// The form, with nothing in it.
pub(super) fn form() -> Content {
    content("", NAMESPACE, "")
}

/// The form as it was sent, and what would become of what is in it.
pub(super) fn answer(dashboard: &Dashboard, body: &[u8]) -> Content {
    let (mut manifest, mut namespace) = (String::new(), NAMESPACE.to_owned());
    for (key, value) in pairs(body) {
        match &*key {
            // Browsers send every end of a line as CR LF (HTML, "newline normalization").
            "manifest" => manifest = value.replace("\r\n", "\n"),
            "namespace" if !value.trim().is_empty() => value.trim().clone_into(&mut namespace),
            _ => {}
        }
    }
    let result = if manifest.len() > LONGEST {
        failure("The manifest is longer than 256 KiB: stateward check takes whole directories.")
    } else {
        replayed(dashboard, &manifest, &namespace.as_str().into())
    };
    content(&manifest, &namespace, &result)
}

fn content(manifest: &str, namespace: &str, result: &str) -> Content {
    Content {
        title: "Replay".to_owned(),
        place: Place::Replay,
        body: format!(
            "<h1>Replay</h1>\n<p>Paste a manifest to see what would become of it if it were applied now. Nothing is \
             written, and nothing of it is kept.</p>\n<form method=\"post\" action=\"/replay\">\n\
             <div class=\"field\"><label for=\"namespace\">Namespace of objects that name none</label>\
             <input id=\"namespace\" name=\"namespace\" value=\"{}\"/></div>\n\
             <div class=\"field\"><label for=\"manifest\">Manifest, YAML or JSON</label>\
             <textarea id=\"manifest\" name=\"manifest\" spellcheck=\"false\" required=\"required\">{}</textarea></div>\n\
             <div><button type=\"submit\">Replay</button></div>\n</form>\n{result}",
            escaped(namespace),
            escaped(manifest)
        ),
    }
}

fn failure(why: &str) -> String {
    format!(
        "<section role=\"alert\">\n<h2>Not replayed</h2>\n<p>{}</p>\n</section>\n",
        escaped(why)
    )
}

fn replayed(dashboard: &Dashboard, text: &str, namespace: &Name) -> String {
    let manifests = read(text.as_bytes().to_vec());
    let mut result = String::new();
    for problem in manifests.problems() {
        result.push_str(&failure(&problem.to_string()));
    }
    // What was let through before, of each namespace: the next object meets it.
    let mut laid: BTreeMap<Name, Overlay> = BTreeMap::new();
    let mut count = 0;
    for manifest in manifests.iter().take(OBJECTS) {
        count += 1;
        result.push_str(&object(dashboard, manifest, namespace, &mut laid));
    }
    if count == 0 && result.is_empty() {
        return failure("There is no object in it.");
    }
    if manifests.iter().nth(OBJECTS).is_some() {
        result.push_str(&failure(
            "There are more than 20 objects: those after the 20th were left out.",
        ));
    }
    result
}

fn object(
    dashboard: &Dashboard,
    manifest: Manifest<'_>,
    namespace: &Name,
    laid: &mut BTreeMap<Name, Overlay>,
) -> String {
    let facts = dashboard.graph.facts();
    let named = manifest.api_version().zip(manifest.kind());
    let Some((version, kind)) = named else {
        return failure("An object has no apiVersion, or no kind.");
    };
    let judged = facts.kinds.of(version, kind).filter(|kind| is_judged(*kind));
    let Some(kind) = judged else {
        return failure(&format!(
            "No request for a {kind} is judged: it plays no part, or only as what others stand on."
        ));
    };
    let namespace = manifest
        .metadata("namespace")
        .map_or_else(|| namespace.clone(), Name::from);
    let seed = NodeSeed {
        kind,
        kinds: facts.kinds,
        sent_to: &namespace,
    };
    let json = manifest.to_json();
    let (node, shape) = match seed.read_to_patch(&json.to_string()) {
        Ok(read) => read,
        Err(error) => return failure(&format!("{kind}: {error}")),
    };
    if node.name().is_empty() {
        return failure(&format!("{kind}: metadata.name is missing"));
    }
    let shard = dashboard.graph.namespace(&namespace);
    let policies = dashboard.policies.load();
    let before = laid.entry(namespace.clone()).or_default();
    let basis = Basis {
        shard: &shard,
        facts: &facts,
        fetched: before,
        policies: &policies,
        rules: RULES,
        time: clock::now(),
    };
    let target = ObjectRef::new(kind, node.name().clone());
    let former = former(&shard, before, &target);
    let operation = if former.is_some() {
        Operation::Update
    } else {
        Operation::Create
    };
    let change = |after: Node, shape: Shape| Change {
        namespace: namespace.clone(),
        operation,
        actor: Actor::User,
        forced: false,
        target: target.clone(),
        states: States::Object {
            before: former
                .clone()
                .map_or_else(Old::none, |node| Old::lazy(move || Some(node.clone()))),
            after: Some(after),
            shape,
        },
    };
    let view = View::new(&shard, &facts, before, Reservations::Ignored);
    let services = if view.knows_all(Kind::SERVICE) {
        Services::Confirmed
    } else {
        Services::Failed
    };
    let defaults = defaults(&change(node.clone(), shape), &basis, services);
    let written = patched(&json, &defaults.operations).and_then(|json| seed.read_to_patch(&json).ok());
    let (node, shape) = written.unwrap_or((node, shape));
    let change = change(node, shape);
    let decision = judge(&change, &basis, Timestamp::default());
    let mut after = before.clone();
    change.lay_after(&view, &mut after);
    let drawn = drawn(
        &target,
        &namespace,
        &basis,
        &Basis {
            fetched: &after,
            ..basis
        },
    );
    let mut told = format!(
        "<section>\n<h2>{}</h2>\n",
        escaped(&format!(
            "{} {namespace}/{}, {}",
            kind,
            target.name,
            if operation == Operation::Update {
                "updated"
            } else {
                "created"
            }
        ))
    );
    decided(&mut told, &namespace, &decision, &defaults.warnings);
    patch(&mut told, &defaults.operations);
    told.push_str(&figure(drawn));
    told.push_str("</section>\n");
    if decision.is_allowed() {
        laid.insert(namespace, after);
    }
    told
}

/// Whether requests for objects of a kind are judged.
const fn is_judged(kind: Kind) -> bool {
    matches!(
        kind.role(),
        Role::Workload(_) | Role::Claim | Role::Service | Role::Autoscaler(_)
    )
}

/// The object as it is now, or as it was let through a moment before.
fn former(shard: &Shard, laid: &Overlay, target: &ObjectRef) -> Option<Node> {
    let earlier = laid.entries().find(|(object, _)| *object == target);
    if let Some((_, node)) = earlier {
        return node.cloned();
    }
    match target.kind.role() {
        Role::Workload(_) => shard.workload(target).cloned().map(Node::Workload),
        Role::Claim => shard.claim(&target.name).cloned().map(Node::Claim),
        Role::Service => shard.service(&target.name).cloned().map(Node::Service),
        Role::Autoscaler(_) => shard.autoscaler(target).cloned().map(Node::Autoscaler),
        _ => None,
    }
}

/// The object with its defaults, where there are any.
fn patched(json: &serde_json::Value, operations: &[PatchOperation]) -> Option<String> {
    if operations.is_empty() {
        return None;
    }
    let patch: json_patch::Patch = serde_json::from_value(serde_json::to_value(operations).ok()?).ok()?;
    let mut json = json.clone();
    json_patch::patch(&mut json, &patch).ok()?;
    Some(json.to_string())
}

/// The namespace with the change, as far as it has to do with a workload.
fn drawn(target: &ObjectRef, namespace: &Name, before: &Basis<'_>, after: &Basis<'_>) -> Picture {
    let changed = changes(&picture(namespace, before), &picture(namespace, after));
    let id = Id::of(Column::Workloads, target.kind, &target.name);
    if target.kind.is_workload() && changed.node(&id).is_some() {
        limited(around(&changed, &id))
    } else {
        limited(changed)
    }
}

fn decided(text: &mut String, namespace: &Name, decision: &Decision, injected: &[String]) {
    let (class, word) = match &decision.denial {
        Some(_) => ("error", "\u{2716} Denied"),
        None if decision.warnings.is_empty() => ("pass", "\u{2713} Allowed"),
        None => ("warning", "\u{25b2} Allowed, with warnings"),
    };
    let _ = writeln!(text, "<p class=\"verdict {class}\">{word}</p>");
    if let Some(denial) = &decision.denial {
        let _ = writeln!(
            text,
            "<pre tabindex=\"0\" role=\"group\" aria-label=\"Message\">{}</pre>",
            escaped(denial)
        );
    }
    let warnings = decision.warnings.iter().chain(injected);
    let warnings: Vec<String> = warnings
        .map(|warning| format!("<li>{}</li>\n", escaped(warning)))
        .collect();
    if !warnings.is_empty() {
        let _ = writeln!(text, "<ul>\n{}</ul>", warnings.concat());
    }
    let inspection = Inspection {
        findings: decision.findings.clone(),
        ..Inspection::default()
    };
    for entry in entries(inspection, namespace) {
        let see = ("About this rule", path(&["rules", entry.rule]));
        finding::write(text, &entry, "", Some(see));
    }
}

fn patch(text: &mut String, operations: &[PatchOperation]) {
    if operations.is_empty() {
        text.push_str("<p class=\"mute\">No default is injected.</p>\n");
        return;
    }
    let lines: Vec<String> = operations
        .iter()
        .filter_map(|operation| serde_json::to_string(operation).ok())
        .collect();
    let _ = writeln!(
        text,
        "<h3>Patch</h3>\n<pre tabindex=\"0\" role=\"group\" aria-label=\"Patch\">{}</pre>",
        escaped(&lines.join("\n"))
    );
}
