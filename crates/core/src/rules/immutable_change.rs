//! `immutable-change`: an update of a StatefulSet that the API server refuses, without saying which field is to blame.

use super::kit::{
    Action, Case, Finding, Phase, Quantity, Record, Rule, Surroundings, Transition, governing, template, text,
};
use crate::graph::{ClaimTemplate, ClassName, Features, Field, Name, PodManagement, Selector, Workload};

/// See `immutable-change.md`.
pub(super) static RULE: Rule = Rule {
    id: "immutable-change",
    summary: "an update changes what can never change in a StatefulSet",
    page: include_str!("immutable-change.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judges: Features::having(Field::ClaimTemplates),
    judge_change: Some(judge_change),
    // The API server refuses it before anything is validated (`docs/kubernetes-facts.md` §0.1).
    phase: Phase::Mutating,
    ..Rule::DEFAULTS
};

/// A longer change is named by its field alone in a warning.
const SHORT: usize = 32;

/// What differs.
struct Difference {
    /// JSON pointer, on the new object.
    path: String,
    /// `serviceName`, `storage of claim template "data"`.
    what: String,
    /// Old and new, where they are known.
    values: Option<(String, String)>,
}

fn judge_change(transition: &Transition<'_>, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some((before, after)) = transition.updated().filter(|(_, after)| !after.deleting) else {
        return;
    };
    // What can change in a kind that is declared, its own API server says.
    if after.id.kind.declared().is_some() {
        return;
    }
    let records: Vec<Record<'_>> = Record::of(before).collect();
    let (mut larger, mut others) = (Vec::new(), Vec::new());
    of_spec(before, after, &records, &mut others);
    of_templates(before, after, &records, &mut larger, &mut others);

    let recreate = text::orphaning(after);
    if !larger.is_empty() {
        findings.push(
            finding(after, "storage", &larger, "expand each claim instead").remedy(format!(
                "Raise spec.resources.requests.storage of the claims that are there, if their class allows expansion; \
                 for the next ones {recreate}, and apply again"
            )),
        );
    }
    if !others.is_empty() {
        // Pods that the new selector does not match are in the way of those that would replace them.
        let (remedy, brief) = if before.selector == after.selector {
            (
                format!("Put it back, or {recreate}, and apply again: pods and claims stay"),
                "recreate (--cascade=orphan)",
            )
        } else {
            (
                "Put it back, or delete the StatefulSet with its pods and apply again; whenDeleted: Retain keeps the \
                 claims"
                    .to_owned(),
                "put it back, or delete its pods too",
            )
        };
        findings.push(finding(after, "spec", &others, brief).remedy(remedy));
    }
}

fn finding(after: &Workload, subject: &str, differences: &[Difference], brief: &str) -> Finding {
    let all: Vec<String> = differences.iter().map(Difference::told).collect();
    let (first, more) = (&differences[0], all.len() - 1);
    let (all, more) = match more {
        0 => (all.concat(), String::new()),
        more => (
            format!("{} and {}", all[..more].join(", "), all[more]),
            format!(" and {more} more"),
        ),
    };
    Finding::violation(&RULE, &after.id, subject)
        .says(
            format!("the API server refuses to change {all}"),
            format!("{}{more} cannot change: {brief}", first.briefly()),
        )
        .at(&*first.path)
}

fn of_spec(before: &Workload, after: &Workload, records: &[Record<'_>], differences: &mut Vec<Difference>) {
    let mut add = |field: &str, old: String, new: String| {
        differences.push(Difference {
            path: format!("/spec/{field}"),
            what: field.to_owned(),
            values: Some((old, new)),
        });
    };
    let (old, new) = (before.options().management, after.options().management);
    let known = |management| management != PodManagement::Other;
    if old != new && known(old) && known(new) {
        let said = |management| format!("{management:?}");
        add("podManagementPolicy", said(old), said(new));
    }
    if before.selector != after.selector {
        add(
            "selector",
            said_of_selector(&before.selector),
            said_of_selector(&after.selector),
        );
    }
    let (old, new) = (&before.service_name, &after.service_name);
    let kept = new.is_none() && records.contains(&Record::ServiceName);
    if old != new && !kept {
        let said = |name: &Option<_>| name.as_ref().map_or("none".to_owned(), |name| format!("\"{name}\""));
        add("serviceName", said(old), said(new));
    }
}

fn of_templates(
    before: &Workload,
    after: &Workload,
    records: &[Record<'_>],
    larger: &mut Vec<Difference>,
    others: &mut Vec<Difference>,
) {
    let mut kept: Vec<&ClaimTemplate> = after.claim_templates.iter().collect();
    for (index, old) in template::lost(before, after, records) {
        kept.insert(index.min(kept.len()), old);
    }
    let of_list = |what: String| Difference {
        path: template::TEMPLATES.to_owned(),
        what,
        values: None,
    };
    let was: Vec<&Name> = before.claim_templates.iter().map(|one| &one.name).collect();
    let is: Vec<&Name> = kept.iter().map(|one| &one.name).collect();
    let gone = was.iter().filter(|name| !is.contains(name));
    let new = is.iter().filter(|name| !was.contains(name));
    let listed: Vec<(&&Name, &str)> = gone
        .map(|name| (name, "gone"))
        .chain(new.map(|name| (name, "new")))
        .collect();
    if listed.is_empty() && was != is {
        others.push(of_list("the order of the claim templates".to_owned()));
    }
    let listed = listed.into_iter();
    others.extend(listed.map(|(name, what)| of_list(format!("the claim templates: \"{name}\" is {what}"))));
    for (index, one) in after.claim_templates.iter().enumerate() {
        if let Some(old) = template::named(before, &one.name) {
            of_template(index, old, one, records, larger, others);
        }
    }
}

/// The members of a template, but for those that we injected and the new object lacks: these come back.
fn of_template(
    index: usize,
    old: &ClaimTemplate,
    new: &ClaimTemplate,
    records: &[Record<'_>],
    larger: &mut Vec<Difference>,
    others: &mut Vec<Difference>,
) {
    let name = &new.name;
    let difference = |path: &str, what: &str, values| Difference {
        path: format!("{}/{path}", template::pointer(index)),
        what: format!("{what} of claim template \"{name}\""),
        values,
    };
    let whole = records.contains(&Record::Template(name));
    let lost_modes = new.modes.is_empty() && (whole || records.contains(&Record::AccessModes(name)));
    if old.modes != new.modes && !lost_modes {
        let values = (said_of_modes(old), said_of_modes(new));
        others.push(difference("spec/accessModes", "access modes", Some(values)));
    }
    let lost_storage = new.storage.is_none() && (whole || records.contains(&Record::Resources(name)));
    let quantities = quantity(old).zip(quantity(new));
    let same = quantities
        .as_ref()
        .map_or(old.storage == new.storage, |(old, new)| old == new);
    if !same && !lost_storage {
        let said = |one: &ClaimTemplate| one.storage.as_ref().map_or("none".to_owned(), ToString::to_string);
        let grows = quantities.is_some_and(|(old, new)| old < new);
        let list = if grows { larger } else { &mut *others };
        let values = (said(old), said(new));
        list.push(difference("spec/resources/requests/storage", "storage", Some(values)));
    }
    let lost_class = new.class == ClassName::Default && whole;
    if old.class != new.class && !lost_class {
        let values = (said_of_class(&old.class), said_of_class(&new.class));
        others.push(difference("spec/storageClassName", "the class", Some(values)));
    }
    if old.block != new.block {
        let said = |block| if block { "Block" } else { "Filesystem" }.to_owned();
        let values = (said(old.block), said(new.block));
        others.push(difference("spec/volumeMode", "volumeMode", Some(values)));
    }
    for (path, what, differs) in [
        ("metadata/labels", "labels", old.unread.labels != new.unread.labels),
        (
            "metadata/annotations",
            "annotations",
            old.unread.annotations != new.unread.annotations,
        ),
        ("spec", "other fields", old.unread.spec != new.unread.spec),
    ] {
        if differs {
            others.push(difference(path, what, None));
        }
    }
}

fn quantity(template: &ClaimTemplate) -> Option<Quantity> {
    Quantity::parse(template.storage.as_deref()?)
}

fn said_of_modes(template: &ClaimTemplate) -> String {
    if template.modes.is_empty() {
        return "none".to_owned();
    }
    template.modes.to_string()
}

fn said_of_class(class: &ClassName) -> String {
    match class {
        ClassName::Default => "the default".to_owned(),
        ClassName::Named(name) => format!("\"{name}\""),
        ClassName::None => "none".to_owned(),
    }
}

fn said_of_selector(selector: &Selector) -> String {
    let labels = governing::pairs(&selector.match_labels);
    match (selector.match_expressions.len() as u64, labels.is_empty()) {
        (0, true) => "none".to_owned(),
        (0, false) => labels,
        (count, true) => text::counted(count, "expression"),
        (count, false) => format!("{labels} and {}", text::counted(count, "expression")),
    }
}

impl Difference {
    fn told(&self) -> String {
        match &self.values {
            Some((old, new)) => format!("{} from {old} to {new}", self.what),
            None => self.what.clone(),
        }
    }

    /// For a warning.
    fn briefly(&self) -> String {
        let what = self
            .what
            .replace("claim template ", "")
            .replace("the claim templates: ", "template ");
        match &self.values {
            Some((old, new)) => {
                let full = format!("{what} {old} to {new}");
                if full.chars().count() > SHORT { what } else { full }
            }
            None => what,
        }
    }
}
