//! From a namespace and what was found in it to a picture.

use std::collections::{BTreeMap, BTreeSet};

use super::describe;
use super::model::{Change, Column, Edge, Id, Mark, Meaning, Node, Picture, Presence};
use crate::audit::Entry;
use crate::audit::report::Object;
use crate::graph::{Autoscaler, Claim, Kind, Lookup, Name, ObjectRef, Ownership, View, Workload};

/// Draws a namespace, and what was found of it. Workloads that others made are not there: those are judged in their
/// place. Nor are Services that lead to nobody.
#[must_use]
pub fn draw(view: &View<'_>, entries: &[Entry]) -> Picture {
    let mut sketch = Sketch {
        view,
        subjects: entries.iter().map(|entry| &*entry.subject).collect(),
        nodes: BTreeMap::new(),
        objects: BTreeMap::new(),
        edges: BTreeMap::new(),
        ends: BTreeMap::new(),
    };
    let workloads: Vec<&Workload> = view
        .workloads()
        .into_iter()
        .filter(|workload| view.ownership(workload) != Ownership::Owned)
        .collect();
    for workload in &workloads {
        sketch.put(
            Id::of(Column::Workloads, workload.id.kind, &workload.id.name),
            describe::workload(workload),
            Presence::Here,
        );
    }
    for workload in &workloads {
        sketch.storage(workload);
    }
    sketch.lone_claims();
    sketch.services(&workloads);
    sketch.autoscalers();
    sketch.finish(entries)
}

struct Sketch<'v, 'a> {
    view: &'v View<'a>,
    subjects: BTreeSet<&'v str>,
    nodes: BTreeMap<Id, Node>,
    /// The first node of each object.
    objects: BTreeMap<Named<'static>, Id>,
    edges: BTreeMap<Between, Edge>,
    /// The edges at each node: there may be tens of thousands, and findings as many.
    ends: BTreeMap<Id, BTreeSet<Between>>,
}

/// An edge, by what is between whom.
type Between = (Id, Id, Meaning);

/// An object as others name it: kind, API version and name.
type Named<'n> = (&'n str, &'n str, Name);

impl Sketch<'_, '_> {
    fn put(&mut self, id: Id, lines: Vec<String>, presence: Presence) {
        let first = self.objects.entry((id.kind, id.api_version, id.name.clone()));
        let first = first.or_insert_with(|| id.clone());
        if id < *first {
            *first = id.clone();
        }
        self.nodes.entry(id.clone()).or_insert_with(|| Node {
            id,
            lines,
            presence,
            change: Change::Stays,
            marks: Vec::new(),
        });
    }

    fn join(&mut self, from: &Id, to: &Id, meaning: Meaning, label: &str) {
        let key = (from.clone(), to.clone(), meaning);
        for end in [from, to] {
            self.ends.entry(end.clone()).or_default().insert(key.clone());
        }
        self.edges.entry(key).or_insert_with(|| Edge {
            from: from.clone(),
            to: to.clone(),
            meaning,
            label: label.to_owned(),
            change: Change::Stays,
            marks: Vec::new(),
        });
    }

    /// The claims of a workload: those that it names, its templates, and of what these make what others name too.
    fn storage(&mut self, workload: &Workload) {
        let own = Id::of(Column::Workloads, workload.id.kind, &workload.id.name);
        for (name, read_only) in workload.claims() {
            let claim = self.claim(name);
            self.join(&own, &claim, Meaning::Mounts, if read_only { "read-only" } else { "" });
        }
        for template in &workload.claim_templates {
            let id = Id::template(&workload.id.name, &template.name);
            self.put(id.clone(), describe::template(template, workload), Presence::Here);
            self.join(&own, &id, Meaning::Makes, "");
        }
        for (_, name) in self.view.borrowed_claims(workload) {
            let claim = self.claim(&name);
            self.join(&own, &claim, Meaning::Makes, "");
        }
    }

    /// A claim that somebody names.
    fn claim(&mut self, name: &Name) -> Id {
        let id = Id::of(Column::Claims, Kind::CLAIM, name);
        match self.view.claim(name) {
            Lookup::Known(claim) => self.known_claim(claim, &id),
            Lookup::Absent | Lookup::Unknown if self.is_made(name) => {
                let lines = vec!["made of a claim template".to_owned()];
                self.put(id.clone(), lines, Presence::Here);
            }
            Lookup::Absent => self.put(id.clone(), Vec::new(), Presence::Missing),
            Lookup::Unknown => self.put(id.clone(), Vec::new(), Presence::Unknown),
        }
        id
    }

    /// Whether a StatefulSet makes a claim of this name for a pod that it has.
    fn is_made(&self, name: &str) -> bool {
        let maker = self.view.template_user(name);
        maker.is_some_and(|(set, ordinal)| set.ordinals().contains(ordinal))
    }

    fn known_claim(&mut self, claim: &Claim, id: &Id) {
        self.put(id.clone(), describe::claim(claim), Presence::Here);
        let Some(volume) = &claim.volume_name else { return };
        let to = Id::of(Column::Volumes, Kind::VOLUME, volume);
        let presence = match &claim.volume {
            Lookup::Known(_) => Presence::Here,
            Lookup::Absent => Presence::Missing,
            Lookup::Unknown => Presence::Unknown,
        };
        self.put(to.clone(), describe::volume(&claim.volume), presence);
        self.join(id, &to, Meaning::Binds, "");
    }

    /// Claims that nobody names. Those that a StatefulSet makes for its pods stand in its templates, unless something was
    /// found of them.
    fn lone_claims(&mut self) {
        for claim in self.view.claims() {
            let id = Id::of(Column::Claims, Kind::CLAIM, &claim.name);
            if self.nodes.contains_key(&id) {
                continue;
            }
            let maker = self.view.template_user(&claim.name);
            let is_needed = maker.is_some_and(|(set, ordinal)| set.ordinals().contains(ordinal));
            if is_needed && !self.subjects.contains(&*claim.name) {
                continue;
            }
            self.known_claim(claim, &id);
            if let Some((set, _)) = maker {
                let set = Id::of(Column::Workloads, set.id.kind, &set.id.name);
                if self.nodes.contains_key(&set) {
                    self.join(&set, &id, Meaning::Makes, if is_needed { "" } else { "once" });
                }
            } else if let Some(node) = self.nodes.get_mut(&id) {
                node.lines.push("no workload names it".to_owned());
            }
        }
    }

    fn services(&mut self, workloads: &[&Workload]) {
        let services = self.view.services();
        for workload in workloads {
            let own = Id::of(Column::Workloads, workload.id.kind, &workload.id.name);
            let governing = workload.service_name.as_ref();
            if let Some(name) = governing {
                let id = Id::of(Column::Steering, Kind::SERVICE, name);
                match self.view.service(name) {
                    Lookup::Known(service) => self.put(id.clone(), describe::service(service), Presence::Here),
                    Lookup::Absent => self.put(id.clone(), Vec::new(), Presence::Missing),
                    Lookup::Unknown => self.put(id.clone(), Vec::new(), Presence::Unknown),
                }
                self.join(&id, &own, Meaning::Governs, "");
            }
            for service in &services {
                if service.selects(&workload.pods.labels) && governing != Some(&service.name) {
                    let id = Id::of(Column::Steering, Kind::SERVICE, &service.name);
                    self.put(id.clone(), describe::service(service), Presence::Here);
                    self.join(&id, &own, Meaning::Selects, "");
                }
            }
        }
    }

    fn autoscalers(&mut self) {
        let all = self.view.all_autoscalers();
        for autoscaler in &all {
            // What KEDA made says what its ScaledObject says, which is what people edit.
            let tells = |other: &&&Autoscaler| other.keda && !other.is_made() && other.target == autoscaler.target;
            if autoscaler.is_made() && all.iter().any(|other| tells(&other)) {
                continue;
            }
            let id = Id::of(Column::Steering, autoscaler.id.kind, &autoscaler.id.name);
            let mut lines = vec![describe::range(autoscaler)];
            if autoscaler.deleting {
                lines.push("is being deleted".to_owned());
            }
            self.put(id.clone(), lines, Presence::Here);
            let Some(target) = &autoscaler.target else { continue };
            let to = Id::of(Column::Workloads, target.kind, &target.name);
            if !self.nodes.contains_key(&to) {
                let presence = match self.view.workload(target) {
                    Lookup::Unknown => Presence::Unknown,
                    // One that others made is there, and drawn by its owner.
                    Lookup::Known(_) => Presence::Here,
                    Lookup::Absent => Presence::Missing,
                };
                self.put(to.clone(), Vec::new(), presence);
            }
            self.join(&id, &to, Meaning::Scales, "");
        }
    }

    /// Puts what was found where it belongs.
    fn finish(mut self, entries: &[Entry]) -> Picture {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        // Stable: of one level they stay in the order of the report.
        sorted.sort_by_key(|entry| std::cmp::Reverse(entry.level));
        let mut marks = Vec::new();
        for entry in sorted {
            let Some(on) = self.found(&entry.object) else { continue };
            self.mark(entry, &on, marks.len());
            marks.push(Mark {
                rule: entry.rule,
                level: entry.level,
                is_unknown: entry.verdict() == "unknown",
                is_let_pass: entry.is_let_pass(),
                on,
                subject: entry.subject.clone(),
                extent: entry.extent,
                message: entry.message.clone(),
                remedy: entry.remedy.clone(),
                change: Change::Stays,
            });
        }
        Picture {
            title: format!("Namespace {}", self.view.namespace()),
            nodes: self.nodes.into_values().collect(),
            edges: self.edges.into_values().collect(),
            marks,
            left_out: 0,
            untold: 0,
        }
    }

    /// The node of an object.
    fn find(&self, object: &Object) -> Option<Id> {
        let name: Named<'_> = (&object.kind, &object.api_version, object.name.clone());
        self.objects.get(&name).cloned()
    }

    /// The node of an object on which something was found, drawn for that alone where it is not there otherwise.
    fn found(&mut self, object: &Object) -> Option<Id> {
        if let Some(id) = self.find(object) {
            return Some(id);
        }
        let is_it = |id: &&ObjectRef| {
            *id.kind.as_str() == *object.kind && *id.kind.api_version() == *object.api_version && id.name == object.name
        };
        let (workloads, autoscalers) = (self.view.workloads(), self.view.all_autoscalers());
        let workload = workloads.iter().map(|one| &one.id).find(is_it);
        let autoscaler = autoscalers.iter().map(|one| &one.id).find(is_it);
        let (column, id) = match (workload, autoscaler) {
            (Some(id), _) => (Column::Workloads, id),
            (None, Some(id)) => (Column::Steering, id),
            (None, None) => return None,
        };
        let id = Id::of(column, id.kind, &id.name);
        self.put(id.clone(), Vec::new(), Presence::Here);
        Some(id)
    }

    /// Marks the object, and the edges that cause the finding: between it or the others that play a part and what it is
    /// about; or where there are none, between it and the others.
    fn mark(&mut self, entry: &Entry, on: &Id, number: usize) {
        if let Some(node) = self.nodes.get_mut(on) {
            node.marks.push(number);
        }
        let related: BTreeSet<Id> = entry.related.iter().filter_map(|one| self.find(&one.object)).collect();
        let is_subject = |id: &Id| !entry.subject.is_empty() && id.name == entry.subject && id != on;
        let plays = |id: &Id| id == on || related.contains(id);
        let mut is_on_edge = false;
        let ends = std::iter::once(on).chain(&related).filter_map(|id| self.ends.get(id));
        for between in ends.flatten().collect::<BTreeSet<_>>() {
            let Some(edge) = self.edges.get_mut(between) else {
                continue;
            };
            let (from, to) = (&edge.from, &edge.to);
            let of_subject = (plays(from) && is_subject(to)) || (plays(to) && is_subject(from));
            let of_both = plays(from) && plays(to);
            if of_subject || of_both {
                edge.marks.push(number);
                is_on_edge = true;
            }
        }
        if is_on_edge {
            return;
        }
        // Two workloads with nothing drawn between them.
        let others = related.iter().filter(|id| id.column == on.column && *id != on);
        for other in others {
            let (from, to) = if on < other { (on, other) } else { (other, on) };
            self.join(from, to, Meaning::Conflicts, "");
            if let Some(edge) = self.edges.get_mut(&(from.clone(), to.clone(), Meaning::Conflicts)) {
                edge.marks.push(number);
            }
        }
    }
}
