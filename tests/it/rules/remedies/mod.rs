//! What remedies name, done in the worlds of the pages: the finding goes, and nothing comes that would be denied.

mod change;
mod identity;
mod kind;
mod site;
mod storage;
mod templates;

use std::collections::BTreeSet;

use stateward::graph::{Name, ObjectRef};
use stateward::judge::Judged;
use stateward::policy::Profile;
use stateward::rules::kit::{Action, Rule, Verdict};

use super::world::World;
use super::{for_each_world, none, print};
use site::Site;

/// One way out, by the words of the remedies that name it.
struct Way {
    /// Of the rules that say so.
    rules: &'static [&'static str],
    says: &'static str,
    follow: fn(&mut Site),
}

const fn way(rules: &'static [&'static str], says: &'static str, follow: fn(&mut Site)) -> Way {
    Way { rules, says, follow }
}

fn ways() -> impl Iterator<Item = &'static Way> {
    [change::WAYS, identity::WAYS, kind::WAYS, storage::WAYS, templates::WAYS]
        .into_iter()
        .flatten()
}

#[test]
fn what_a_remedy_names_ends_the_finding_and_brings_nothing_worse() {
    let mut breaches = Vec::new();
    let mut unused: BTreeSet<(&str, &str)> = ways()
        .flat_map(|way| way.rules.iter().map(|rule| (*rule, way.says)))
        .collect();
    for_each_world("Denied", |rule, world, at| {
        let mut seen = BTreeSet::new();
        for profile in [Profile::Strict, Profile::Audit] {
            for (_, judged) in print::judged(&world, rule, profile) {
                let finding = &judged.finding;
                if !seen.insert((finding.text.clone(), finding.remedy.clone())) {
                    continue;
                }
                for remedy in finding.remedy_in_place.iter().chain([&finding.remedy]) {
                    let said: Vec<&Way> = ways()
                        .filter(|way| way.rules.contains(&rule.id) && remedy.contains(way.says))
                        .collect();
                    if said.is_empty() && !remedy.is_empty() {
                        breaches.push(format!("{at}: nobody follows: {remedy}"));
                    }
                    for way in said {
                        unused.remove(&(rule.id, way.says));
                        let worse = followed(&world, rule, profile, &judged, way, remedy);
                        breaches.extend(worse.map(|worse| format!("{at}: {remedy}\n    ({}): {worse}", way.says)));
                    }
                }
            }
        }
    });
    none(&breaches, "these remedies do not do what they promise:");
    let unused: Vec<String> = unused.iter().map(|(rule, says)| format!("{rule}: {says}")).collect();
    none(&unused, "no remedy says so any more:");
}

/// Does what a remedy says, and tells what is wrong then.
fn followed(
    world: &World,
    rule: &'static Rule,
    profile: Profile,
    judged: &Judged,
    way: &Way,
    remedy: &str,
) -> Option<String> {
    let mut site = Site::new(world, judged.finding.clone(), remedy);
    (way.follow)(&mut site);
    let mut after = world.with(site.objects);
    after.forced = site.forced;
    after.updates = site.updates;
    let verdict = judged.finding.verdict;
    let mut before = found(world, rule, profile, verdict);
    before.retain(|(one, _)| *one != identity(judged));
    // What is left may be a lesser matter, which the graver one hid.
    let left = found(&after, rule, profile, verdict).into_iter().find(|(one, action)| {
        let lesser = *action < judged.action || rule.cases[one.3].strict < rule.cases[judged.finding.case].strict;
        !lesser && !before.iter().any(|(other, _)| other == one)
    });
    if let Some(((_, object, subject, case), _)) = left {
        return Some(format!("still found: {object:?} {subject}, case {case}"));
    }
    // Once the fact is there that was not known, it may be a bad one.
    if verdict == Verdict::Unknown {
        return None;
    }
    let former = errors(world, rule);
    let new = errors(&after, rule)
        .into_iter()
        .find(|(error, _)| !former.iter().any(|(one, _)| one == error));
    new.map(|(_, message)| format!("new: {message}"))
}

/// Rule, object, subject and case.
type Identity = (&'static str, ObjectRef, Name, usize);

fn identity(judged: &Judged) -> Identity {
    let finding = &judged.finding;
    (
        finding.rule.id,
        finding.object.clone(),
        finding.subject.clone(),
        finding.case,
    )
}

fn found(world: &World, rule: &'static Rule, profile: Profile, verdict: Verdict) -> Vec<(Identity, Action)> {
    let judged = print::judged(world, rule, profile).into_iter();
    judged
        .filter(|(_, judged)| judged.finding.verdict == verdict)
        .map(|(_, judged)| (identity(&judged), judged.action))
        .collect()
}

/// What is denied, by rule and object, whichever rule says so.
fn errors(world: &World, rule: &'static Rule) -> Vec<((&'static str, ObjectRef), String)> {
    let decisions = world.judged(rule, Profile::Strict).into_iter();
    decisions
        .flat_map(|(_, decision)| decision.findings)
        .filter(|judged| judged.action == Action::Deny)
        .map(|judged| {
            let (rule, object, ..) = identity(&judged);
            ((rule, object), format!("{rule}: {}", judged.message))
        })
        .collect()
}
