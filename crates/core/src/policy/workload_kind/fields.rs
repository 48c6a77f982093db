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
        // Several ways, or several templates, may look at one place.
        let may_repeat = matches!(field, Field::Rollout | Field::PodCount);
        let is_named = |(other, own, _): &(String, Field, String)| other == path && *own == field;
        if may_repeat && self.named.iter().any(is_named) {
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
        for (position, (path, field, at)) in self.named.iter().enumerate() {
            if path == "/metadata" || path.starts_with("/metadata/") {
                mistake(at, format!("{path:?} is in the metadata, which is read of every kind"));
            }
            if path.contains("[]") && !leads_through_lists(*field) {
                mistake(
                    at,
                    format!("{path:?} leads through a list, as only podTemplates, inTurn and Shared claims may"),
                );
            }
            if let Some(list) = self.named.iter().find_map(|(other, ..)| list_above(path, other)) {
                mistake(
                    at,
                    format!("{path:?} is no path through {list:?}, which is a list in another one"),
                );
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

/// The list of another path that a path leads through as if it were none.
fn list_above<'o>(path: &str, other: &'o str) -> Option<&'o str> {
    let lists = other.match_indices("[]").map(|(end, _)| &other[..end]);
    let mut above = lists.filter(|list| {
        let rest = path.strip_prefix(*list);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    above.next()
}

/// Whether what stands there may stand in every element of a list.
const fn leads_through_lists(field: Field) -> bool {
    matches!(
        field,
        Field::InTurn | Field::OneTemplate | Field::PodCount | Field::SharedClaims
    )
}
