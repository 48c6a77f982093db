//! Words: the one message of a denial, the warnings, the audit annotations.

use std::collections::BTreeSet;

use super::allow::{ALLOW, with_entries};
use super::decision::{Decision, Exemption, Judged, Standing};
use super::voices::{Voice, voices};
use crate::graph::{Change, ObjectRef, Operation, States};
use crate::rules::kit::{Action, Finding, Injection, PatchOperation, Rule, text};
use crate::time::Time;

/// kubectl shows a line of this many characters well (`docs/kubernetes-facts.md` §3.1).
const WARNING_WANTED: usize = 120;
/// The API server cuts every warning to this many characters once the total is over its budget.
const WARNING_MOST: usize = 256;
/// No word that we write is longer: what is, is a name.
const LONG_WORD: usize = 24;
/// Below the API server's total budget of 4,096.
const WARNINGS_TOTAL: usize = 4_000;
/// More findings than this help nobody at once.
const MOST_IN_MESSAGE: usize = 10;

/// A longer value of an annotation is not repeated.
const ANNOTATION_MOST: usize = 1_000;

/// What whoever is denied may do all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayOut<'a> {
    /// Add to the annotation, which is this.
    Annotate(&'a str),
    /// Ask for an exception.
    Except,
    Nothing,
}

/// The whole sentence of a finding: `Deployment shop/web: 3 replicas …`. `removed` says that the change takes away what
/// it rests on.
#[must_use]
pub fn sentence(finding: &Finding, change: &Change<'_>, removed: bool) -> String {
    let object = text::named(&change.namespace, &finding.object);
    if let States::Scale { before, after } = &change.states {
        let from = before.map(|before| format!(" from {before}")).unwrap_or_default();
        return format!("scaling {object}{from} to {after}: {}", finding.text);
    }
    if finding.object == change.target {
        return format!("{object}: {}", finding.text);
    }
    let doing = match change.operation {
        Operation::Create => "creating",
        Operation::Delete => "deleting",
        Operation::Update => "updating",
    };
    let target = text::named(&change.namespace, &change.target);
    match &finding.loss {
        Some(loss) if removed => format!("{doing} {target} {}", loss.text),
        _ => format!("{doing} {target}: {object}: {}", finding.text),
    }
}

/// A refusal that rests only on a write under way.
#[must_use]
pub fn while_another_is_created(denial: &str) -> String {
    format!("{denial}\nThe other workload is being created at this moment; try again in a few seconds")
}

/// A `scale` request whose parent nobody knows.
#[must_use]
pub fn unchecked_scale(namespace: &str, id: &ObjectRef) -> String {
    let ObjectRef { kind, name } = id;
    format!("{kind} {namespace}/{name} is not known, so scaling it was not checked")
}

/// A workload that was judged although it names an owner that would have been judged in its place.
#[must_use]
pub fn claims_owner(namespace: &str, id: &ObjectRef, owner: &ObjectRef) -> String {
    // Nobody checks what a name of an owner is made of.
    let name = owner.name.escape_debug();
    let problem = format!(
        "claims to be owned by {} \"{name}\", which is not there or makes no such",
        owner.kind
    );
    warning_line(namespace, id, &problem)
}

/// A warning about an object that is no finding.
#[must_use]
pub fn warning_line(namespace: &str, object: &ObjectRef, problem: &str) -> String {
    format!("{}: {problem}", text::named(namespace, object))
}

/// A warning that a rule did not inject into an object what it is asked to.
#[must_use]
pub fn declined(rule: &Rule, object: &str, why: &str) -> String {
    format!("{}: {object}: {why}", rule.id)
}

/// What a rule injected, one warning a field: field and value, for the manifest that lacks them.
pub fn injected(
    rule: &Rule,
    object: &str,
    operations: &[PatchOperation],
    immutable: bool,
) -> impl Iterator<Item = String> {
    let did = match rule.injection {
        Injection::Always => "kept the injected",
        Injection::Never | Injection::OptIn | Injection::OptOut => "injected",
    };
    // A parent that was missing says nothing by itself, and what we remember is nothing for a manifest.
    let said = operations.iter().filter(|PatchOperation::Add { path, value }| {
        *value != serde_json::json!({}) && !path.starts_with("/metadata/")
    });
    said.map(move |PatchOperation::Add { path, value }| {
        let path = path.strip_prefix("/spec").unwrap_or(path);
        let field = match path.strip_suffix("/-") {
            Some(list) => format!("one more of {}", dotted(list)),
            None => dotted(path),
        };
        let said = format!("{}: {object}: {did} {field}", rule.id);
        // A template is longer than a warning; of what cannot be written later, the audit prints the lines.
        let mut ways = vec![
            format!("{said}: {value}. Write it into the manifest"),
            format!("{said}: {value}"),
        ];
        if immutable {
            ways.push(format!("{said}; stateward audit --defaulted prints it"));
            ways.push(format!("{said}; see audit --defaulted"));
        }
        let fits = ways.iter().position(|way| way.chars().count() <= WARNING_WANTED);
        match fits {
            Some(way) => ways.swap_remove(way),
            None => clip(&ways.swap_remove(ways.len() - 1), WARNING_WANTED),
        }
    })
}

/// Fills in denial, warnings and annotations from the findings; `way_out` is asked of an object in which something is
/// denied.
pub fn compose<'a>(
    change: &Change<'_>,
    decision: &mut Decision,
    problems: Vec<String>,
    now: Time,
    way_out: &dyn Fn(&ObjectRef) -> Option<WayOut<'a>>,
) {
    let voices = voices(&decision.findings);
    if voices.iter().any(|voice| voice.judged.action == Action::Deny) {
        decision.denial = Some(denial(change, &voices, way_out));
    }
    let warned = voices.iter().map(|voice| &*voice.judged);
    let warned = warned.filter(|judged| judged.action == Action::Warn);
    let (old, told): (Vec<&Judged>, Vec<&Judged>) = warned.partition(|judged| is_old_news(judged));
    let told = told.into_iter().map(|judged| warning(change, judged, now));
    decision.warnings = told.chain(remaining(&change.namespace, &old)).chain(problems).collect();
    decision.annotations = annotations(decision);
}

/// Nothing to say of it that was not said when it came.
fn is_old_news(judged: &Judged) -> bool {
    judged.standing == Standing::Existing && void(judged).is_none()
}

/// One line for all that the change has nothing to do with: whoever changes an image is not told of everything again.
fn remaining(namespace: &str, old: &[&Judged]) -> Option<String> {
    let mut rules: Vec<&str> = old.iter().map(|judged| judged.finding.rule.id).collect();
    rules.sort_unstable();
    rules.dedup();
    let more = rules.split_off(rules.len().min(3)).len();
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let rules = rules.join(", ");
    let (remain, them) = match old.len() {
        0 => return None,
        1 => ("1 finding from before remains".to_owned(), "it"),
        count => (format!("{count} findings from before remain"), "them"),
    };
    Some(format!(
        "{remain}: {rules}{more} (stateward audit -n {namespace} shows {them})"
    ))
}

fn denial<'a>(
    change: &Change<'_>,
    voices: &[Voice<'_>],
    ways_out: &dyn Fn(&ObjectRef) -> Option<WayOut<'a>>,
) -> String {
    let denies = |judged: &&Judged| judged.action == Action::Deny;
    let mut message = String::new();
    let mut denied = Vec::new();
    let mut more = 0;
    for voice in voices.iter().filter(|voice| denies(&&*voice.judged)) {
        let said = denied.len();
        denied.push(&*voice.judged);
        denied.extend(voice.same.iter().copied().filter(denies));
        if said >= MOST_IN_MESSAGE {
            more += 1;
            continue;
        }
        if !message.is_empty() {
            message.push('\n');
        }
        let mut rules: Vec<&str> = Vec::new();
        for judged in &denied[said..] {
            if !rules.contains(&judged.finding.rule.id) {
                rules.push(judged.finding.rule.id);
            }
        }
        message.push_str(&format!("{}: {}", rules.join(", "), explained(&voice.judged)));
    }
    if more > 0 {
        message.push_str(&format!("\nand {more} more"));
    }
    let void = denied.iter().filter_map(|judged| void(judged));
    let void: BTreeSet<&str> = void.collect();
    for line in void.into_iter().chain(way_out(change, &denied, ways_out).as_deref()) {
        message.push('\n');
        message.push_str(line);
    }
    message
}

/// Why an exception does not let a finding pass that it is meant for.
fn void(judged: &Judged) -> Option<&str> {
    match &judged.exemption {
        Some(Exemption::Void(why)) => Some(why),
        Some(Exemption::Granted(_)) | None => None,
    }
}

/// The one-line way out: an annotation on the workload, or on the one that a finding on another object is about. An
/// object that does not exist yet cannot be annotated: its manifest can.
fn way_out<'a>(
    change: &Change<'_>,
    denied: &[&Judged],
    ways_out: &dyn Fn(&ObjectRef) -> Option<WayOut<'a>>,
) -> Option<String> {
    let annotated = denied.iter().map(|judged| &judged.finding);
    let annotated: Vec<(&ObjectRef, &Finding)> = annotated
        .filter_map(|finding| Some((finding.bearer()?, finding)))
        .collect();
    let (id, _) = *annotated.first()?;
    let mut rules: Vec<&str> = annotated.iter().map(|(_, finding)| finding.rule.id).collect();
    rules.dedup();
    let (kind, name) = (id.kind.as_str().to_lowercase(), &id.name);
    let namespace = &change.namespace;
    let present = match ways_out(id).unwrap_or(WayOut::Annotate("")) {
        WayOut::Annotate(present) => present,
        WayOut::Except => {
            return Some(format!(
                "To let it pass until a day: a WorkloadPolicyException in namespace {namespace}"
            ));
        }
        WayOut::Nothing => return None,
    };
    let value = with_entries(present, &rules);
    if value.chars().count() > ANNOTATION_MOST {
        let added = with_entries("", &rules);
        return Some(format!(
            "To allow it all the same, add to its annotation {ALLOW}: \"; {added}\""
        ));
    }
    if change.is_of_workload() && change.operation == Operation::Create {
        return Some(format!(
            "To allow it all the same, give it the annotation {ALLOW}: \"{value}\""
        ));
    }
    let overwrite = if present.is_empty() { "" } else { " --overwrite" };
    // As a shell reads it between single quotes.
    let value = value.replace('\'', r"'\''");
    Some(format!(
        "To allow it all the same: kubectl annotate {kind} {name} -n {namespace} {ALLOW}='{value}'{overwrite}"
    ))
}

/// A finding in full: what is wrong, what to do, and where. Something that cannot be told has no remedy.
#[must_use]
pub fn explained(judged: &Judged) -> String {
    let Finding { path, remedy, .. } = &judged.finding;
    let remedy = if remedy.is_empty() {
        String::new()
    } else {
        format!(". {remedy}")
    };
    format!("{}{remedy} (field {})", judged.message, dotted(path))
}

/// A finding as one line for kubectl.
#[must_use]
pub fn warning(change: &Change<'_>, judged: &Judged, now: Time) -> String {
    let finding = &judged.finding;
    let already = match judged.standing {
        Standing::Existing | Standing::Lessened => Some("already there".to_owned()),
        Standing::Introduced | Standing::Unclear => None,
    };
    let denied = judged.denied_after.map(|date| denied_from(date, now));
    let void = void(judged).map(str::to_owned);
    let asides: Vec<String> = already.into_iter().chain(denied).chain(void).collect();
    let asides = match &*asides {
        [] => String::new(),
        asides => format!(" ({})", asides.join("; ")),
    };
    let line =
        |name: &str, brief: &str| format!("{}: {} {name}: {brief}{asides}", finding.rule.id, finding.object.kind);
    let over = |line: &str| line.chars().count().saturating_sub(WARNING_WANTED);
    let mut name = format!("{}/{}", change.namespace, finding.object.name);
    let mut brief = finding.brief.clone();
    let full = line(&name, &brief);
    if over(&full) == 0 {
        return full;
    }
    name = shorten(&name, over(&full), 12);
    // Then other names: of volumes, of Services, of other workloads.
    loop {
        let said = line(&name, &brief);
        let longest = brief
            .split(' ')
            .max_by_key(|word| word.chars().count())
            .unwrap_or_default();
        if over(&said) == 0 || longest.chars().count() <= LONG_WORD {
            return said;
        }
        brief = brief.replacen(longest, &shorten(longest, over(&said), 10), 1);
    }
}

/// Says when a warning becomes a denial.
#[must_use]
pub fn denied_from(date: Time, now: Time) -> String {
    format!("denied from {} on, {}", date.in_words(), date.seen_from(now))
}

/// Takes `over` characters, and one for the `…`, out of the middle; leaves at least `least`.
fn shorten(name: &str, over: usize, least: usize) -> String {
    let chars: Vec<char> = name.chars().collect();
    let keep = chars.len().saturating_sub(over + 1).max(least);
    if keep >= chars.len() {
        return name.to_owned();
    }
    let head = keep.div_ceil(2);
    let tail = keep - head;
    chars[..head]
        .iter()
        .chain(['…'].iter())
        .chain(chars[chars.len() - tail..].iter())
        .collect()
}

fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Warnings as the API server passes them on whole: each once, none too long, all together within its budget.
pub fn within_budget(warnings: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let mut left = WARNINGS_TOTAL - WARNING_MOST;
    let mut kept: Vec<String> = Vec::new();
    let total = warnings.len();
    for warning in warnings {
        let warning = clip(&warning, WARNING_MOST);
        // The API server drops repeated texts; so do we, and save the room.
        if kept.contains(&warning) {
            continue;
        }
        let size = warning.chars().count();
        if size > left {
            let more = total - kept.len();
            kept.push(format!("and {more} more warnings"));
            break;
        }
        left -= size;
        kept.push(warning);
    }
    kept
}

fn annotations(decision: &Decision) -> Vec<(&'static str, String)> {
    let mut annotations = Vec::new();
    if !decision.findings.is_empty() {
        let word = if decision.denial.is_some() {
            "denied"
        } else if decision.warnings.is_empty() {
            "allowed"
        } else {
            "warned"
        };
        annotations.push(("decision", word.to_owned()));
        let rules = decision
            .findings
            .iter()
            .map(|judged| format!("{}={}", judged.finding.rule.id, judged.action));
        annotations.push(("findings", joined(rules)));
        let overrides = decision.findings.iter().filter_map(|judged| {
            judged
                .allowed_because
                .as_ref()
                .map(|reason| format!("{}: {}", judged.finding.rule.id, clip(reason, WARNING_MOST)))
        });
        let exceptions = decision.findings.iter().filter_map(|judged| {
            let granted = judged.granted()?;
            let (exception, expires) = (&granted.exception, granted.expires);
            Some(format!("{}: {exception} until {expires}", judged.finding.rule.id))
        });
        for (key, value) in [("overrides", joined(overrides)), ("exceptions", joined(exceptions))] {
            if !value.is_empty() {
                annotations.push((key, value));
            }
        }
    }
    if !decision.unknown.is_empty() {
        annotations.push((
            "incomplete-data",
            joined(decision.unknown.iter().map(ToString::to_string)),
        ));
    }
    annotations
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.take(2 * MOST_IN_MESSAGE).collect();
    parts.dedup();
    parts.join(", ")
}

/// `/spec/template/spec/volumes/0` as people write it: `spec.template.spec.volumes[0]`.
fn dotted(pointer: &str) -> String {
    let mut dotted = String::new();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            dotted.push_str(&format!("[{part}]"));
        } else {
            if !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    dotted
}
