//! One finding, not five: what several entries of a report say of one thing is said once.
//!
//! Only reports do so. What is known, compared or excepted is told of each claim and each workload, for those come and
//! go one by one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::report::{Entry, Related, Report};
use crate::rules::kit::text;

/// Gathers the entries of a report, whose order stays.
pub fn gather(report: &mut Report) {
    leave_other_sides(&mut report.entries);
    gather_claims(&mut report.entries);
}

/// A claim that several workloads share is told of once, on the one that weighs most; the others are related places
/// there. An entry is left out where one that stays names its object, and is named by it.
pub fn leave_other_sides(entries: &mut Vec<Entry>) {
    let names = |one: &Entry, other: &Entry| one.related.iter().any(|related| related.object == other.object);
    let is_other_side = |one: &Entry, other: &Entry| {
        one.verdict == other.verdict
            && one.is_let_pass() == other.is_let_pass()
            && names(one, other)
            && names(other, one)
    };
    let mut order: Vec<usize> = (0..entries.len())
        .filter(|index| !entries[*index].related.is_empty())
        .collect();
    order.sort_by_key(|index| Reverse((entries[*index].level, entries[*index].related.len())));
    let mut stay: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let mut leave = vec![false; entries.len()];
    for index in order {
        let entry = &entries[index];
        let of_claim = stay
            .entry((entry.rule, &entry.object.namespace, &entry.subject))
            .or_default();
        leave[index] = of_claim.iter().any(|other| is_other_side(&entries[*other], entry));
        if !leave[index] {
            of_claim.push(index);
        }
    }
    let mut leave = leave.into_iter();
    entries.retain(|_| leave.next() != Some(true));
}

/// Claims of one workload with one fault and one remedy are told of in one entry, which lists them.
fn gather_claims(entries: &mut Vec<Entry>) {
    let mut gathered: Vec<(Entry, Vec<Entry>)> = Vec::with_capacity(entries.len());
    // By rule and object, so that a report of thousands is gone through once.
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for entry in entries.drain(..) {
        let of_object = places.entry((entry.rule, entry.object.clone())).or_default();
        match of_object.iter().find(|place| is_alike(&gathered[**place].0, &entry)) {
            Some(place) => gathered[*place].1.push(entry),
            None => {
                of_object.push(gathered.len());
                gathered.push((entry, Vec::new()));
            }
        }
    }
    entries.extend(
        gathered
            .into_iter()
            .map(|(first, rest)| if rest.is_empty() { first } else { together(first, rest) }),
    );
}

/// Whether two entries on one object differ in nothing but their claim.
fn is_alike(one: &Entry, other: &Entry) -> bool {
    let words = |entry: &Entry| text::but_for_claim(&entry.message, &entry.remedy, &entry.subject);
    one.subject != other.subject
        && (one.verdict, one.level, &one.allowed_because) == (other.verdict, other.level, &other.allowed_because)
        && (one.denied_after, &one.exemption) == (other.denied_after, &other.exemption)
        && words(one).is_some_and(|words_of_one| Some(words_of_one) == words(other))
}

fn together(mut first: Entry, rest: Vec<Entry>) -> Entry {
    let claims: Vec<&str> = std::iter::once(&first)
        .chain(&rest)
        .map(|entry| &*entry.subject)
        .collect();
    let all = |text: &str| text::of_claims(text, &first.subject, &claims);
    let (message, remedy) = (all(&first.message), all(&first.remedy));
    first.message = message.unwrap_or(first.message);
    first.remedy = remedy.unwrap_or(first.remedy);
    for entry in rest {
        first.extent = first.extent.max(entry.extent);
        let own = Related {
            object: entry.object,
            message: format!("claim \"{}\" is named here", entry.subject),
            path: entry.path,
            location: entry.location,
        };
        let own = Some(own).filter(|own| own.path != first.path);
        let further = own.into_iter().chain(entry.related);
        let further: Vec<Related> = further.filter(|related| !first.related.contains(related)).collect();
        first.related.extend(further);
    }
    first
}
