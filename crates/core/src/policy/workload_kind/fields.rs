//! The fields of a declared kind: which stand where, and what is wrong with that.

use crate::graph::Field;
use crate::policy::check::Mistake;

/// No table of fields may be longer: members are numbered below 64, and one is `metadata`.
const MOST: usize = 60;

/// The fields of a declaration as they are collected.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Each with the member of the declaration that names it.
    named: Vec<(String, Field, String)>,
}

impl Fields {
    /// Adds a field, named at `at` of the declaration.
    pub(super) fn add(&mut self, path: &str, field: Field, at: impl Into<String>) {
        let decides = |(other, own, _): &(String, Field, String)| other == path && *own == Field::Rollout;
        // Several ways may look at one place.
        if field == Field::Rollout && self.named.iter().any(decides) {
            return;
        }
        self.named.push((path.to_owned(), field, at.into()));
    }

    /// Sorts them, and says what is wrong.
    pub(super) fn sorted(mut self, mistakes: &mut Vec<Mistake>) -> Vec<(String, Field)> {
        self.named
            .sort_by(|(one, ..), (other, ..)| one.split('/').cmp(other.split('/')));
        let mut mistake = |at: &str, message: String| {
            mistakes.push(Mistake {
                pointer: at.to_owned(),
                message,
            });
        };
        for (position, (path, _, at)) in self.named.iter().enumerate() {
            if path == "/metadata" || path.starts_with("/metadata/") {
                mistake(at, format!("{path:?} is in the metadata, which is read of every kind"));
            }
            let before = self.named[..position].iter().rev();
            let above = before
                .filter(|(other, ..)| {
                    path.starts_with(other.as_str()) && !path[other.len()..].starts_with(|c| c != '/')
                })
                // What decides about rollouts may be an object with more in it.
                .find(|(other, field, _)| *field != Field::Rollout || other == path);
            match above {
                Some((other, ..)) if other == path => mistake(at, format!("{path:?} is named already")),
                Some((other, ..)) => mistake(at, format!("{path:?} is within {other:?}, which is read as a whole")),
                None => {}
            }
        }
        if self.named.len() > MOST {
            mistake(
                "/spec",
                format!("names {} fields, and {MOST} are the most", self.named.len()),
            );
        }
        self.named.into_iter().map(|(path, field, _)| (path, field)).collect()
    }
}
