//! Which findings are put into words: of those on one fault, one.

use std::cmp::Reverse;

use super::decision::Judged;
use crate::rules::FAULTS;
use crate::rules::kit::{Finding, Verdict};

/// A finding that is put into words, with those that would say the same.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    pub(super) judged: &'a Judged,
    pub(super) same: Vec<&'a Judged>,
}

/// The findings that speak, each for those on the same fault in one object and about one subject; [`FAULTS`] says
/// which. Precedence merges texts, never enforcement.
pub(super) fn voices(findings: &[Judged]) -> Vec<Voice<'_>> {
    let voices = speakers(findings).into_iter();
    voices
        .map(|(index, others)| Voice {
            judged: &findings[index],
            same: others.into_iter().map(|other| &findings[other]).collect(),
        })
        .collect()
}

/// The findings that speak for all.
pub(super) fn strongest(findings: Vec<Judged>) -> Vec<Judged> {
    // Nearly always there is none.
    if findings.len() < 2 {
        return findings;
    }
    let mut speakers = speakers(&findings).into_iter().map(|(index, _)| index).peekable();
    let findings = findings.into_iter().enumerate();
    findings
        .filter(|(index, _)| speakers.next_if_eq(index).is_some())
        .map(|(_, judged)| judged)
        .collect()
}

/// The findings that speak, in their order, each with those that it speaks for.
fn speakers(findings: &[Judged]) -> Vec<(usize, Vec<usize>)> {
    let places: Vec<Option<Place>> = findings.iter().map(|judged| place(&judged.finding)).collect();
    let says_same = |one: usize, other: usize| {
        let fault = |index: usize| places[index].map(|(fault, _)| fault);
        let (left, right) = (&findings[one].finding, &findings[other].finding);
        one != other
            && fault(one).is_some()
            && fault(one) == fault(other)
            && left.subject == right.subject
            && left.object == right.object
    };
    let rank = |index: usize| {
        let Judged { action, finding, .. } = &findings[index];
        let certain = finding.verdict == Verdict::Violation;
        (*action, certain, finding.extent, Reverse(places[index]), index)
    };
    let mut speakers = Vec::new();
    for index in 0..findings.len() {
        let others: Vec<usize> = (0..findings.len()).filter(|other| says_same(index, *other)).collect();
        if others.iter().all(|other| rank(*other) < rank(index)) {
            speakers.push((index, others));
        }
    }
    speakers
}

/// The fault that a finding tells of, and where it stands in the list of that: both in [`FAULTS`].
type Place = (usize, usize);

fn place(finding: &Finding) -> Option<Place> {
    let mut faults = FAULTS.iter().enumerate();
    faults.find_map(|(index, fault)| Some((index, fault.position(finding)?)))
}
