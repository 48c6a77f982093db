//! From what the judge found in a namespace to the entries of a report.

use super::report::{Entry, IGNORED_OVERRIDE, Level, Location, Object, Related};
use crate::graph::{Kind, Name, ObjectRef};
use crate::judge::allow::ALLOW;
use crate::judge::{Inspection, Judged};
use crate::rules::kit::{Finding, Verdict};

/// Where objects stand, if anywhere.
pub trait Places {
    /// The version that the object is written in.
    fn api_version(&self, kind: Kind, namespace: &Name, name: &Name) -> Option<Name>;

    /// The place of the value at a JSON pointer, or of its nearest existing parent.
    fn location(&self, kind: Kind, namespace: &Name, name: &Name, path: &str) -> Option<Location>;
}

/// Objects of a cluster stand nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Nowhere;

impl Places for Nowhere {
    fn api_version(&self, _kind: Kind, _namespace: &Name, _name: &Name) -> Option<Name> {
        None
    }

    fn location(&self, _kind: Kind, _namespace: &Name, _name: &Name, _path: &str) -> Option<Location> {
        None
    }
}

/// Returns the entries of what was found in a namespace.
#[must_use]
pub fn entries(inspection: Inspection, namespace: &Name, places: &impl Places) -> Vec<Entry> {
    let scene = Scene { namespace, places };
    let mut entries: Vec<Entry> = inspection
        .findings
        .into_iter()
        .map(|judged| scene.finding(judged))
        .collect();
    let problems = inspection.problems.iter();
    entries.extend(problems.map(|(workload, problem)| scene.problem(workload, problem)));
    entries
}

struct Scene<'a, P> {
    namespace: &'a Name,
    places: &'a P,
}

impl<P: Places> Scene<'_, P> {
    fn finding(&self, judged: Judged) -> Entry {
        let Judged {
            finding,
            action,
            allowed_because,
            message,
            standing: _,
        } = judged;
        let object = finding.workload.clone();
        let location = self.location(&object, &finding.path);
        let Finding {
            rule,
            verdict,
            subject,
            extent,
            path,
            remedy,
            related,
            ..
        } = finding;
        let related = related.into_iter().map(|one| Related {
            object: self.object(&one.object),
            location: self.location(&one.object, &one.path),
            path: one.path,
            message: one.message,
        });
        Entry {
            rule,
            verdict,
            level: Level::of(verdict, action),
            object: self.object(&object),
            subject,
            extent,
            path,
            location,
            message,
            remedy,
            related: related.collect(),
            allowed_because,
        }
    }

    fn problem(&self, workload: &ObjectRef, problem: &str) -> Entry {
        let object = workload.clone();
        let path = format!("/metadata/annotations/{}", ALLOW.replace('/', "~1"));
        let title = self.object(&object);
        Entry {
            rule: IGNORED_OVERRIDE,
            verdict: Verdict::Violation,
            level: Level::Warning,
            message: format!("{}: {problem}", title.title()),
            object: title,
            subject: problem.into(),
            extent: 1,
            location: self.location(&object, &path),
            path,
            remedy: String::new(),
            related: Vec::new(),
            allowed_because: None,
        }
    }

    fn object(&self, object: &ObjectRef) -> Object {
        let ObjectRef { kind, name } = object;
        let namespace = self.namespace_of(*kind);
        let written = self.places.api_version(*kind, &namespace, name);
        Object {
            kind: kind.as_str().into(),
            api_version: written.unwrap_or_else(|| kind.api_version().into()),
            name: name.clone(),
            namespace,
        }
    }

    fn location(&self, object: &ObjectRef, path: &str) -> Option<Location> {
        let namespace = self.namespace_of(object.kind);
        self.places.location(object.kind, &namespace, &object.name, path)
    }

    fn namespace_of(&self, kind: Kind) -> Name {
        if kind.is_namespaced() {
            self.namespace.clone()
        } else {
            "".into()
        }
    }
}
