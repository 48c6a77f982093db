//! `--fix` and `--diff`: what the webhook would inject, written into the files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use json_patch::Patch;
use serde_json::{Value as Json, json};
use similar::TextDiff;
use stateward_yaml::Problem;
use stateward_yaml::edit::rewrite;

use super::judge::Judge;
use crate::graph::project::{ProjectedWorkload, WorkloadSeed};
use crate::graph::store::locked;
use crate::graph::view::Reservations;
use crate::graph::{Actor, Change, Facts, Kind, Knowledge, Name, Node, Old, Operation, Overlay, States, View};
use crate::judge::World as Judging;
use crate::judge::allow::Allowances;
use crate::judge::defaults::{Defaults, Services, defaults};
use crate::manifests::corpus::Corpus;
use crate::manifests::file::File;
use crate::manifests::worlds::{World, plans};
use crate::manifests::{Manifest, files};
use crate::policy::Policies;
use crate::rules::RULES;
use crate::rules::kit::patch::Operation as Patched;

/// The files that change, in their order, and what stays as it is though something could be said of it.
#[derive(Debug, Default)]
pub struct Fixes {
    pub files: Vec<Fixed>,
    /// File and place with the reason, lower-case and without a final period.
    pub left: Vec<String>,
}

/// A file that changes.
#[derive(Debug)]
pub struct Fixed {
    path: PathBuf,
    name: Arc<str>,
    before: String,
    after: String,
}

impl Fixes {
    /// Finds what can be repaired.
    #[must_use]
    pub fn of(corpus: &Corpus, judge: &Judge<'_>) -> Self {
        let mut wanted: BTreeMap<(usize, usize), Json> = BTreeMap::new();
        for plan in plans(corpus).0 {
            add(
                &plan.build(corpus, judge.base, judge.threads),
                corpus,
                judge.policies,
                &mut wanted,
            );
        }
        let mut fixes = Self::default();
        for (number, file) in corpus.files.iter().enumerate() {
            let documents: Vec<_> = wanted.range((number, 0)..(number + 1, 0)).collect();
            if !documents.is_empty() {
                let wanted: Vec<_> = documents.into_iter().map(|((_, index), json)| (*index, json)).collect();
                fixes.add_file(file, &wanted);
            }
        }
        fixes
    }

    fn add_file(&mut self, file: &File, wanted: &[(usize, &Json)]) {
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
        let wanted = wanted
            .iter()
            .filter_map(|(number, json)| Some((manifests.get(*number)?.root().id(), *json)));
        let rewritten = rewrite(manifests.reading(), &wanted.collect::<Vec<_>>());
        let left = rewritten.left.iter();
        self.left.extend(left.map(|error| format!("{name}:{error}")));
        if let Some(after) = rewritten.text {
            self.files.push(Fixed {
                path: file.path.clone(),
                name: name.clone(),
                before: manifests.reading().text().to_owned(),
                after,
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
        for file in &self.files {
            let now = if file.path == std::path::Path::new(files::STDIN) {
                None
            } else {
                files::load(&file.path).ok()
            };
            if now.as_deref() == Some(file.before.as_bytes()) {
                files::replace(&file.path, &file.after)
                    .with_context(|| format!("--fix: cannot write {}", file.name))?;
            } else {
                self.left
                    .push(format!("{}: what was read cannot be written back", file.name));
            }
        }
        Ok(())
    }
}

/// Adds what the workloads of a world should be.
fn add(world: &World<'_>, corpus: &Corpus, policies: &Policies, wanted: &mut BTreeMap<(usize, usize), Json>) {
    for (_, loaded) in corpus.objects() {
        let namespace = &loaded.namespace;
        if !loaded.unnamed
            && let Some(seed) = WorkloadSeed::new(loaded.kind, namespace)
            && let Some(place) = world.place(loaded.kind, namespace, &loaded.name)
            && !wanted.contains_key(&place)
            && let Some(manifest) = corpus.files[place.0].manifests.get(place.1)
            && let Some(repaired) = repaired(seed, namespace, manifest, world, policies)
        {
            wanted.insert(place, repaired);
        }
    }
}

/// What an object should hold; `None` where it is fine, or nothing is sure enough.
fn repaired(
    seed: WorkloadSeed<'_>,
    namespace: &Name,
    manifest: Manifest<'_>,
    world: &World<'_>,
    policies: &Policies,
) -> Option<Json> {
    let text = manifest.to_json().to_string();
    let ProjectedWorkload { workload, shape } = seed.read(&text).ok()?;
    let workload = Arc::new(workload);
    let change = Change {
        namespace: namespace.clone(),
        operation: Operation::Create,
        actor: Actor::User,
        target: workload.id.clone(),
        states: States::Object {
            before: Old::none(),
            after: Some(Node::Workload(workload.clone())),
            shape,
        },
    };
    let known = world.graph.facts();
    let services_are_known = known.knowledge(Kind::SERVICE) == Knowledge::Complete;
    let mut facts = Facts::clone(&known);
    // A Service among the files is the one that is meant; of those that are not, nothing is concluded below.
    facts.set_knowledge(Kind::SERVICE, Knowledge::Complete);
    let shard = world.graph.shard(namespace);
    let shard = locked(&shard);
    let fetched = Overlay::default();
    let judging = Judging {
        shard: &shard,
        facts: &facts,
        fetched: &fetched,
        policies,
        rules: RULES,
    };
    let Defaults { operations, rules, .. } = defaults(&change, &judging, Services::Confirmed);
    let view = View::new(&shard, &facts, &fetched, Reservations::Ignored);
    let labels = view.namespace_facts().map(|facts| &facts.labels);
    let settings = policies.resolve(namespace, labels, &workload.labels)?;
    let allowances = Allowances::of(&workload, settings.overrides, RULES);
    if rules.iter().any(|rule| allowances.reason(rule).is_some()) {
        return None;
    }
    let written: Vec<Patched> = operations
        .into_iter()
        .filter(|Patched::Add { path, value }| match path.as_str() {
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
