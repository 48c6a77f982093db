//! Which findings are put into words: of those on one fault, one; and of those on several claims, one that lists them.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::decision::Judged;
use crate::rules::FAULTS;
use crate::rules::kit::{Finding, Verdict, text};

/// A finding that is put into words, with those that would say the same.
#[derive(Debug)]
pub(super) struct Voice<'a> {
    pub(super) judged: Cow<'a, Judged>,
    pub(super) same: Vec<&'a Judged>,
    /// The claims that it is about, where there are several.
    claims: Vec<&'a str>,
}

/// The findings that speak, each for those on the same fault in one object and about one subject ([`FAULTS`] says
/// which), and for those that differ in nothing but their claim. Precedence merges texts, never enforcement.
pub(super) fn voices(findings: &[Judged]) -> Vec<Voice<'_>> {
    let mut voices: Vec<Voice<'_>> = Vec::new();
    for (index, others) in speakers(findings) {
        let judged = &findings[index];
        let same = others.into_iter().map(|other| &findings[other]);
        match voices.iter_mut().find(|voice| is_alike(voice, judged)) {
            Some(voice) => {
                voice.claims.push(&judged.finding.subject);
                voice.same.push(judged);
                voice.same.extend(same);
            }
            None => voices.push(Voice {
                judged: Cow::Borrowed(judged),
                same: same.collect(),
                claims: vec![&judged.finding.subject],
            }),
        }
    }
    for voice in voices.iter_mut().filter(|voice| voice.claims.len() > 1) {
        let judged = voice.judged.to_mut();
        let claim = judged.finding.subject.clone();
        let finding = &mut judged.finding;
        for words in [&mut judged.message, &mut finding.remedy, &mut finding.brief] {
            if let Some(of_all) = text::of_claims(words, &claim, &voice.claims) {
                *words = of_all;
            }
        }
    }
    voices
}

/// Whether a finding differs from what is put into words already in nothing but its claim.
fn is_alike(voice: &Voice<'_>, other: &Judged) -> bool {
    let words = |judged: &Judged| text::but_for_claim(&judged.message, &judged.finding.remedy, &judged.finding.subject);
    let own = &*voice.judged;
    own.finding.rule == other.finding.rule
        && own.finding.object == other.finding.object
        && own.finding.subject != other.finding.subject
        && own.finding.verdict == other.finding.verdict
        && (own.action, own.standing, own.denied_after) == (other.action, other.standing, other.denied_after)
        && (&own.allowed_because, &own.exemption) == (&other.allowed_because, &other.exemption)
        && words(own).is_some_and(|own| Some(own) == words(other))
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
