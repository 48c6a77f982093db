//! A `WorkloadKind` from its JSON value.

use serde_json::Value;

use super::description::{self, CHILDREN, DOES, NAMING, RUNS, document};
use super::fields::Fields;
use super::{Bound, DeclaredWay, Does, PodTemplate, WorkloadKind};
use crate::graph::{Amount, Field, Kinds, Runs};
use crate::policy::check::{Mistake, check};
use crate::policy::parse::{list, texts, word};

/// KEDA's autoscaler, which runs no pods.
const SCALED_OBJECT: (&str, &str) = ("keda.sh", "ScaledObject");

/// Reads a declaration.
///
/// # Errors
/// Every mistake in it: it is valid as a whole, or not at all.
pub fn parse(declaration: &Value) -> Result<WorkloadKind, Vec<Mistake>> {
    let mut mistakes = check(declaration, &document());
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let kind = read(declaration, &mut mistakes);
    if mistakes.is_empty() { Ok(kind) } else { Err(mistakes) }
}

/// Reads what has the right shape: a member that is not there, and nothing else, is left out below.
fn read(declaration: &Value, mistakes: &mut Vec<Mistake>) -> WorkloadKind {
    let spec = &declaration["spec"];
    let mut text = |name: &str| {
        let text = spec[name].as_str().unwrap_or_default().to_owned();
        let message = if text.is_empty() {
            Some("expected words, found an empty text".to_owned())
        } else {
            // They are parts of a URL.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            (!text.chars().all(is_plain)).then(|| format!("{text:?} has something else than letters, digits, - and ."))
        };
        mistakes.extend(message.map(|message| Mistake {
            pointer: format!("/spec/{name}"),
            message,
        }));
        text
    };
    let (group, version, kind, plural) = (text("group"), text("version"), text("kind"), text("plural"));
    if Kinds::builtin().in_group(&group, &kind).is_some() || (&*group, &*kind) == SCALED_OBJECT {
        mistakes.push(Mistake {
            pointer: "/spec/kind".to_owned(),
            message: format!("{kind} of {group} is known already, and cannot be declared otherwise"),
        });
    }
    let mut fields = Fields::default();
    for (name, field) in [
        ("firstOrdinal", Field::FirstOrdinal),
        ("paused", Field::Paused),
        ("podTemplate", Field::Template),
        ("replicas", Field::Replicas),
        ("reservedOrdinals", Field::ReservedOrdinals),
        ("retention", Field::Retention),
        ("selector", Field::Selector),
        ("serviceName", Field::ServiceName),
        ("suspended", Field::Suspend),
        ("templateOf", Field::TemplateOf),
    ] {
        if let Some(path) = spec[name].as_str() {
            fields.add(path, field, format!("/spec/{name}"));
        }
    }
    if let Some(path) = spec["inTurn"]["when"].as_str() {
        fields.add(path, Field::InTurn, "/spec/inTurn/when");
    }
    let templates = &spec["claimTemplates"];
    if let (Some(path), Some(field)) = (templates["path"].as_str(), word(&templates["naming"], NAMING)) {
        fields.add(path, field, "/spec/claimTemplates/path");
    }
    mistakes.extend(of_pods(spec));
    let pod_templates = list(&spec["podTemplates"]).iter().enumerate();
    let pod_templates: Vec<PodTemplate> = pod_templates
        .map(|(number, entry)| template(entry, &format!("/spec/podTemplates/{number}"), &mut fields))
        .collect();
    let ways = list(&spec["rollout"]).iter().enumerate().map(|(number, entry)| {
        let at = format!("/spec/rollout/{number}");
        mistakes.extend(unasked(entry, &at));
        way(entry, &at, &mut fields)
    });
    let ways: Vec<DeclaredWay> = ways.collect();
    let default_replicas = spec["defaultReplicas"]
        .as_u64()
        .and_then(|count| u32::try_from(count).ok());
    let children = texts(&spec["children"]).filter_map(|name| CHILDREN.iter().find(|(own, _)| *own == name));
    WorkloadKind {
        name: declaration["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        group,
        version,
        kind,
        plural,
        runs: word(&spec["pods"], RUNS).unwrap_or(Runs::Replicas),
        scale: spec["scale"].as_bool().unwrap_or_default(),
        default_replicas: default_replicas.unwrap_or(1),
        pod_template: match pod_templates.first() {
            Some(first) => first.path.clone(),
            None => spec["podTemplate"].as_str().unwrap_or_default().to_owned(),
        },
        pod_templates,
        child_label: spec["childLabel"].as_str().map(str::to_owned),
        in_turn: spec["inTurn"]["is"].as_str().map(str::to_owned),
        ways,
        ends_first: spec["endsFirst"].as_str().map(|said| said.trim().to_owned()),
        children: children.map(|(_, kind)| *kind).collect(),
        fields: fields.sorted(mistakes),
    }
}

/// What an entry has and does not need, or needs and does not have.
fn unasked(entry: &Value, at: &str) -> Vec<Mistake> {
    let rolls = word(&entry["does"], DOES) == Some(description::Does::Rolls);
    let mistake = |name: &str| match (rolls, entry[name].is_null()) {
        (true, true) => Some((at.to_owned(), format!("{name} is missing: Rolls needs it"))),
        (false, false) => Some((format!("{at}/{name}"), format!("{name} is for Rolls alone"))),
        (true, false) | (false, true) => None,
    };
    let mut mistakes: Vec<(String, String)> = ["surge", "unavailable"].into_iter().filter_map(mistake).collect();
    if entry["when"].is_null() && !entry["is"].is_null() {
        mistakes.push((format!("{at}/is"), "nothing is looked at: name it in when".to_owned()));
    }
    let told = mistakes.into_iter();
    told.map(|(pointer, message)| Mistake { pointer, message }).collect()
}

/// What does not go together, or is missing, of what says where templates of pods stand.
fn of_pods(spec: &Value) -> Vec<Mistake> {
    let mistake = |pointer: String, message: String| Mistake { pointer, message };
    let has = |name: &str| !spec[name].is_null();
    let templates = list(&spec["podTemplates"]);
    let mut mistakes = Vec::new();
    match (has("podTemplate"), templates.is_empty()) {
        (false, true) => mistakes.push(mistake(
            "/spec".to_owned(),
            "podTemplate is missing, or podTemplates where there are several".to_owned(),
        )),
        (true, false) => mistakes.push(mistake(
            "/spec/podTemplates".to_owned(),
            "a kind has podTemplate or podTemplates, not both".to_owned(),
        )),
        (true, true) | (false, false) => {}
    }
    let is_shared = spec["claimTemplates"]["naming"] == "Shared";
    let needless = [
        ("templateOf", has("templateOf") && !templates.is_empty(), "podTemplate"),
        ("inTurn", has("inTurn") && templates.is_empty(), "podTemplates"),
        ("claimTemplates", is_shared && templates.is_empty(), "podTemplates"),
    ];
    for (name, is_wrong, other) in needless {
        if is_wrong {
            let what = if name == "claimTemplates" {
                "naming: Shared"
            } else {
                name
            };
            mistakes.push(mistake(
                format!("/spec/{name}"),
                format!("{what} goes with {other} alone"),
            ));
        }
    }
    for (number, entry) in templates.iter().enumerate() {
        let at = format!("/spec/podTemplates/{number}");
        let path = entry["path"].as_str().unwrap_or_default();
        let leads_to = |other: &str| {
            other
                .rsplit_once("[]")
                .is_none_or(|(list, _)| path.starts_with(&format!("{list}[]")))
        };
        let counts = texts(&entry["replicas"]).enumerate();
        let counts = counts.map(|(index, count)| (format!("{at}/replicas/{index}"), count));
        let bound = entry["atMost"].as_str().map(|most| (format!("{at}/atMost"), most));
        for (pointer, count) in counts.chain(bound).filter(|(_, count)| !leads_to(count)) {
            mistakes.push(mistake(
                pointer,
                format!(
                    "{count:?} stands in another list than {path:?}, so that nothing says which of its elements counts"
                ),
            ));
        }
        let earlier = |other: &str| templates[..number].iter().any(|one| one["path"] == other);
        if let Some(other) = entry["orElse"].as_str()
            && (!earlier(other) || path.contains("[]") || other.contains("[]"))
        {
            mistakes.push(mistake(
                format!("{at}/orElse"),
                format!("{other:?} is not the path of a template before this one, both outside of lists"),
            ));
        }
    }
    mistakes
}

fn template(entry: &Value, at: &str, fields: &mut Fields) -> PodTemplate {
    let path = entry["path"].as_str().unwrap_or_default().to_owned();
    fields.add(&path, Field::OneTemplate, format!("{at}/path"));
    let replicas: Vec<String> = texts(&entry["replicas"]).map(str::to_owned).collect();
    for (index, path) in replicas.iter().enumerate() {
        fields.add(path, Field::PodCount, format!("{at}/replicas/{index}"));
    }
    let at_most = entry["atMost"].as_str().map(str::to_owned);
    if let Some(path) = &at_most {
        fields.add(path, Field::PodCount, format!("{at}/atMost"));
    }
    PodTemplate {
        path,
        replicas,
        at_most,
        less: entry["less"]
            .as_u64()
            .and_then(|less| u32::try_from(less).ok())
            .unwrap_or_default(),
        or_else: entry["orElse"].as_str().map(str::to_owned),
    }
}

fn way(entry: &Value, at: &str, fields: &mut Fields) -> DeclaredWay {
    let mut note = |value: &Value, name: &str| {
        let path = value.as_str()?;
        fields.add(path, Field::Rollout, format!("{at}/{name}"));
        Some(path.to_owned())
    };
    let when = note(&entry["when"], "when").map(|path| (path, entry["is"].as_str().map(str::to_owned)));
    let mut bound = |name: &str| Bound {
        path: note(&entry[name]["path"], &format!("{name}/path")),
        default: amount(&entry[name]["default"]),
    };
    let does = match word(&entry["does"], DOES) {
        Some(description::Does::Rolls) => Does::Rolls {
            surge: bound("surge"),
            unavailable: bound("unavailable"),
        },
        Some(description::Does::Overlaps) => Does::Overlaps,
        Some(description::Does::EndsFirst) | None => Does::EndsFirst,
    };
    DeclaredWay { when, does }
}

/// A number of pods or a share of them, as the description has checked.
fn amount(value: &Value) -> Amount {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let text = || value.as_str().and_then(Amount::parse);
    number.map(Amount::Count).or_else(text).unwrap_or(Amount::Count(0))
}
