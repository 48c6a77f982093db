//! Small pieces of wording that every message shares.

use crate::graph::{Modes, ObjectRef, Workload};

/// `3 replicas`, `1 replica`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Whether a path of files is another one, or leads into it.
#[must_use]
pub fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(parts: &[impl AsRef<str>]) -> String {
    let mut list = String::new();
    for (index, part) in parts.iter().enumerate() {
        list.push_str(match index {
            0 => "",
            _ if index + 1 == parts.len() => " and ",
            _ => ", ",
        });
        list.push_str(part.as_ref());
    }
    list
}

/// `Deployment shop/web`.
#[must_use]
pub fn object(workload: &Workload) -> String {
    named(&workload.namespace, &workload.id)
}

/// `PersistentVolumeClaim shop/data`.
#[must_use]
pub fn named(namespace: &str, object: &ObjectRef) -> String {
    format!("{} {namespace}/{}", object.kind, object.name)
}

/// `ReadWriteOnce (read-write on one node only)`: users take the mode's name for "one pod"; only one mode is.
#[must_use]
pub fn modes_explained(modes: Modes) -> String {
    if modes.is_single_pod() {
        format!("{modes} (one pod only)")
    } else {
        format!("{modes} (read-write on one node only)")
    }
}

/// `"data-db-1", "data-db-2" and 5 more`: the first of so many, at most as many as shall be named.
#[must_use]
pub fn quoted(names: &[String], most: usize, count: u64) -> String {
    let named: Vec<String> = names.iter().take(most).map(|name| format!("\"{name}\"")).collect();
    let more = match count.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}
