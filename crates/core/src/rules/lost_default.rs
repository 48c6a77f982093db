//! `lost-default`: an update without the immutable fields that were injected keeps them.

use super::kit::patch::DEFAULTED;
use super::kit::{Draft, Injection, Outcome, PatchOperation, Record, Rule, Surroundings, template};
use crate::graph::{ClassName, Features, Field, Shape, Workload};

/// See `lost-default.md`.
pub(super) static RULE: Rule = Rule {
    id: "lost-default",
    summary: "an update of a StatefulSet lacks an immutable field that was injected",
    page: include_str!("lost-default.md"),
    since: "0.1.0",
    judges: Features::having(Field::ClaimTemplates),
    inject: Some(inject),
    injection: Injection::Always,
    ..Rule::DEFAULTS
};

fn inject(draft: &Draft<'_>, _cx: &Surroundings<'_>) -> Outcome {
    let Draft::Update { before, after, shape } = *draft else {
        return Outcome::Nothing;
    };
    let records: Vec<Record<'_>> = Record::of(before).collect();
    if records.is_empty() || !shape.spec {
        return Outcome::Nothing;
    }
    let mut operations = Vec::new();
    if let Some(name) = &before.service_name
        && after.service_name.is_none()
        && records.contains(&Record::ServiceName)
    {
        operations.push(PatchOperation::add("/spec/serviceName", &**name));
    }
    // Members first, while the new object's own indices still hold.
    lost_members(before, after, &records, &mut operations);
    lost_templates(before, after, shape, &records, &mut operations);

    let kept = after.annotation(DEFAULTED).unwrap_or_default();
    let forgotten = |record: &Record<'_>| {
        let record = record.to_string();
        !kept.split_whitespace().any(|known| known == record)
    };
    if operations.is_empty() && !records.iter().any(forgotten) {
        return Outcome::Nothing;
    }
    Outcome::inject(operations, records.iter().map(ToString::to_string).collect())
}

/// What a template of the new object lacks and the old one had by us. A template that we wrote as a whole is ours in
/// every member.
fn lost_members(before: &Workload, after: &Workload, records: &[Record<'_>], operations: &mut Vec<PatchOperation>) {
    for (index, one) in after.claim_templates.iter().enumerate() {
        let Some(old) = template::named(before, &one.name) else {
            continue;
        };
        let ours = records.contains(&Record::Template(&one.name));
        if one.modes.is_empty() && !old.modes.is_empty() && (ours || records.contains(&Record::AccessModes(&one.name)))
        {
            template::add_modes(index, one, old.modes, operations);
        }
        if let (None, Some(storage)) = (&one.storage, &old.storage)
            && (ours || records.contains(&Record::Resources(&one.name)))
        {
            template::add_storage(index, one, storage, operations);
        }
        if ours && one.class == ClassName::Default {
            template::add_class(index, one, &old.class, operations);
        }
    }
}

/// Whole templates, each at its old place: the API server compares the lists entry by entry.
fn lost_templates(
    before: &Workload,
    after: &Workload,
    shape: Shape,
    records: &[Record<'_>],
    operations: &mut Vec<PatchOperation>,
) {
    let lost = template::lost(before, after, records);
    if !shape.claim_templates {
        let whole: Vec<_> = lost.map(|(_, old)| template::whole(old)).collect();
        if !whole.is_empty() {
            operations.push(PatchOperation::add(template::TEMPLATES, whole));
        }
        return;
    }
    // The list grows by one with each; its length is the last index that an `add` may name.
    for (length, (index, old)) in (after.claim_templates.len()..).zip(lost) {
        let path = template::pointer(index.min(length));
        operations.push(PatchOperation::add(path, template::whole(old)));
    }
}
