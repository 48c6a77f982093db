//! `--fix` and `--diff`: what the webhook would inject, written into the files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use json_patch::Patch;
use serde_json::{Value as Json, json};
use similar::TextDiff;
use stateward_yaml::Problem;
use stateward_yaml::edit::rewrite;

use super::judge::Judge;
use crate::cli::tell;
use crate::graph::project::NodeSeed;
use crate::graph::store::locked;
use crate::graph::view::Reservations;
use crate::graph::{Actor, Change, Facts, Graph, Kind, Knowledge, Old, Operation, Overlay, States, View};
use crate::judge::Basis;
use crate::judge::allow::Allowances;
use crate::judge::defaults::{Defaults, Services, defaults};
use crate::manifests::corpus::Corpus;
use crate::manifests::file::{File, Loaded, Placed};
use crate::manifests::files;
use crate::manifests::worlds::worlds;
use crate::rules::RULES;
use crate::rules::kit::{PatchOperation, text};

/// The files that change, in their order, and what stays as it is though something could be said of it.
#[derive(Debug, Default)]
pub struct Fixes {
    pub files: Vec<Fixed>,
    /// File and place with the reason, lower-case and without a final period.
    pub left: Vec<String>,
}

/// What objects of files should hold, by the numbers of the objects.
type Wanted<'c> = BTreeMap<&'c Path, BTreeMap<usize, Json>>;

/// A file that changes.
#[derive(Debug)]
pub struct Fixed {
    path: PathBuf,
    name: Arc<str>,
    before: String,
    after: String,
    /// How many objects of it change.
    objects: usize,
}

impl Fixes {
    /// Finds what can be repaired.
    #[must_use]
    pub fn of(corpus: &Corpus, judge: &Judge<'_>) -> Self {
        let mut wanted = Wanted::new();
        for world in worlds(corpus).0 {
            let graph = judge.graph(&world, judge.threads);
            for placed in world.own().filter(|placed| !placed.object.unnamed) {
                let objects = wanted.entry(&*placed.file.path).or_default();
                if let Entry::Vacant(place) = objects.entry(placed.object.number)
                    && let Some(repaired) = repaired(placed, &graph, judge)
                {
                    place.insert(repaired);
                }
            }
        }
        let mut fixes = Self::default();
        for file in &corpus.files {
            if let Some(wanted) = wanted.get(&*file.path).filter(|wanted| !wanted.is_empty()) {
                fixes.add_file(file, wanted);
            }
        }
        fixes
    }

    fn add_file(&mut self, file: &File, wanted: &BTreeMap<usize, Json>) {
        let name = &file.name;
        if let Some(problem) = file
            .manifests
            .problems()
            .iter()
            .find(|problem| !Problem::is_warning(problem))
        {
            self.left.push(format!("{name}:{problem}"));
            return;
        }
        let manifests = &file.manifests;
        let wanted: Vec<_> = wanted
            .iter()
            .filter_map(|(number, json)| Some((manifests.get(*number)?.root().id(), json)))
            .collect();
        let rewritten = rewrite(manifests.reading(), &wanted);
        let left = rewritten.left.iter();
        self.left.extend(left.map(|error| format!("{name}:{error}")));
        if let Some(after) = rewritten.text {
            self.files.push(Fixed {
                path: file.path.clone(),
                name: name.clone(),
                before: manifests.reading().text().to_owned(),
                after,
                objects: wanted.len(),
            });
        }
    }

    /// A unified diff of all files, for `patch -p0` or a reader.
    #[must_use]
    pub fn diff(&self) -> String {
        let diff = |file: &Fixed| {
            TextDiff::from_lines(&file.before, &file.after)
                .unified_diff()
                .header(&file.name, &file.name)
                .to_string()
        };
        self.files.iter().map(diff).collect()
    }

    /// Writes the files; one that is no longer what was read is left alone.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self) -> anyhow::Result<()> {
        for file in std::mem::take(&mut self.files) {
            let now = files::load(&file.path).ok();
            if now.as_deref() == Some(file.before.as_bytes()) {
                files::replace(&file.path, &file.after)
                    .with_context(|| format!("--fix: cannot write {}", file.name))?;
                self.files.push(file);
            } else {
                self.left.push(format!("{}: it has changed meanwhile", file.name));
            }
        }
        Ok(())
    }

    /// Says what was written, and what was not.
    pub fn tell(&self) {
        for Fixed { name, objects, .. } in &self.files {
            let objects = text::counted(*objects as u64, "object");
            tell(&format!("fixed: {objects} in {name}"));
        }
        if self.files.is_empty() && self.left.is_empty() {
            tell("nothing was fixed: nothing has one right remedy that a file lacks");
        }
        self.tell_left();
    }

    /// Names what is left alone.
    pub fn tell_left(&self) {
        for left in &self.left {
            tell(&format!("left alone: {left}"));
        }
    }
}

/// What an object should hold; `None` where it is fine, or nothing is sure enough.
fn repaired(placed: Placed<'_>, graph: &Graph, judge: &Judge<'_>) -> Option<Json> {
    let Judge { policies, time, .. } = *judge;
    let Loaded { kind, namespace, .. } = placed.object;
    let known = graph.facts();
    let seed = NodeSeed {
        kind: *kind,
        kinds: known.kinds,
        sent_to: namespace,
    };
    let manifest = placed.manifest()?;
    let (object, shape) = seed.read_to_patch(&manifest.to_json().to_string()).ok()?;
    let workload = object.workload().cloned();
    let change = Change {
        namespace: namespace.clone(),
        operation: Operation::Create,
        actor: Actor::User,
        forced: false,
        target: object.object(),
        states: States::Object {
            before: Old::none(),
            after: Some(object),
            shape,
        },
    };
    let services_are_known = known.knowledge(Kind::SERVICE) == Knowledge::Complete;
    let mut facts = Facts::clone(&known);
    // A Service among the files is the one that is meant; of those that are not, nothing is concluded below.
    facts.set_knowledge(Kind::SERVICE, Knowledge::Complete);
    let shard = graph.shard(namespace);
    let shard = locked(&shard);
    let fetched = Overlay::default();
    let basis = Basis {
        shard: &shard,
        facts: &facts,
        fetched: &fetched,
        policies,
        rules: RULES,
        time,
    };
    let Defaults { operations, rules, .. } = defaults(&change, &basis, Services::Confirmed);
    let view = View::new(&shard, &facts, &fetched, Reservations::Ignored);
    let labels = view.namespace_facts().map(|facts| &facts.labels);
    if let Some(workload) = &workload {
        let settings = policies.resolve(namespace, labels, &workload.labels)?;
        let allowances = Allowances::of(workload, settings.overrides, RULES);
        if rules.iter().any(|rule| allowances.reason(rule).is_some()) {
            return None;
        }
    }
    let written: Vec<PatchOperation> = operations
        .into_iter()
        .filter(|PatchOperation::Add { path, value }| match path.as_str() {
            // What is written in the file needs no memory of what was injected.
            path if path.starts_with("/metadata/annotations") => false,
            "/spec/serviceName" => {
                services_are_known || value.as_str().is_some_and(|name| shard.service(name).is_some())
            }
            _ => true,
        })
        .collect();
    if written.is_empty() {
        return None;
    }
    let patch: Patch = serde_json::from_value(json!(written)).ok()?;
    let mut json = manifest.root().to_json();
    json_patch::patch(&mut json, &patch).ok()?;
    Some(json)
}
