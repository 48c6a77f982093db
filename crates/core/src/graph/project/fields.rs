//! The fields of a workload, found by where the table says that they stand.

use std::borrow::Cow;

use super::super::claim::ClaimTemplate;
use super::super::kind::Field;
use super::super::kinds::Kinds;
use super::super::labels::Labels;
use super::super::names::ObjectRef;
use super::super::ordinals::Reserved;
use super::super::pods::Pods;
use super::super::selector::Selector;
use super::super::set_options::{ClaimFate, PodManagement, SetOptions, UpdateStrategy};
use super::super::workload::Amount;
use super::count;
use super::digest::digest;
use super::meta::ObjectMeta;
use super::several::Seen;
use super::workload::amount;
use crate::cursor::{Cursor, Form, Scalar, list, members};

/// What an object says in the fields of its kind.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    /// `spec` is there.
    pub(super) spec: bool,
    pub(super) claim_templates: Option<Vec<ClaimTemplate>>,
    pub(super) completions: Option<i64>,
    pub(super) concurrency: Option<Cow<'a, str>>,
    pub(super) first_ordinal: Option<i64>,
    /// A condition or the phase says that it has ended.
    pub(super) over: bool,
    pub(super) options: SetOptions,
    pub(super) paused: bool,
    pub(super) pods: Pods,
    /// The spec of the pods is there.
    pub(super) pod_spec: bool,
    pub(super) replicas: Option<i64>,
    /// What is there of that which decides how a declared kind replaces its pods: where, and what it says.
    pub(super) rollout: Vec<(&'static str, Option<Scalar<'a>>)>,
    pub(super) selector: Selector,
    pub(super) service_name: Option<Cow<'a, str>>,
    /// What kinds with several templates have instead of one.
    pub(super) several: Option<Box<Seen<'a>>>,
    pub(super) strategy: Strategy<'a>,
    pub(super) suspend: bool,
    pub(super) template_of: Option<ObjectRef>,
}

/// `spec.strategy` of a Deployment.
#[derive(Debug, Default)]
pub(super) struct Strategy<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) max_surge: Option<Scalar<'a>>,
    pub(super) max_unavailable: Option<Scalar<'a>>,
}

/// Where the fields of a kind stand: JSON pointers, sorted.
type Table = [(&'static str, Field)];

/// The number of `metadata`, which every kind has; no table is so long.
const METADATA: usize = 63;

impl<'a> Fields<'a> {
    /// Reads the fields of `table` out of an object.
    pub(super) fn read<C: Cursor<'a>>(cursor: &mut C, table: &'static Table) -> Self {
        let mut fields = Self::default();
        let mut again = cursor.clone();
        fields.walk(cursor, table, 0);
        // Rare, and only then worth a second look.
        if fields.options.update.partition() > 0 {
            members!(again, {
                "spec" => members!(again, { "template" => fields.options.template = Some(digest(&mut again, &[])) }),
            });
        }
        fields
    }

    /// Reads the fields below here, `depth` bytes down their pointers.
    fn walk<C: Cursor<'a>>(&mut self, cursor: &mut C, table: &'static Table, depth: usize) {
        let Some(mut members) = cursor.object() else {
            return;
        };
        if depth > 0 {
            // The only parent that a patch may have to rely on is the first one.
            self.spec |= table.first().is_some_and(|(path, _)| &path[..depth] == "/spec");
        }
        let number = |name: &[u8]| match table.iter().position(|(path, _)| leads_on(path, depth, name)) {
            None if depth == 0 && name == b"metadata" => Some(METADATA),
            number => number,
        };
        while let Some(first) = cursor.member(&mut members, &number) {
            if first == METADATA {
                self.metadata = ObjectMeta::read(cursor);
                continue;
            }
            let (path, field) = table[first];
            let below = path[depth + 1..]
                .find('/')
                .map_or(path.len(), |length| depth + 1 + length);
            let table = &table[first..];
            if path.as_bytes()[below - 1] == b']' {
                self.walk_list(cursor, table, below);
            } else if below < path.len() {
                self.walk(cursor, beneath(table, below), below);
            } else if field == Field::Rollout {
                self.note(cursor, table, below);
            } else {
                self.take(cursor, path, field);
            }
        }
    }

    /// Reads the fields in every element of a list, `depth` bytes down their pointers.
    fn walk_list<C: Cursor<'a>>(&mut self, cursor: &mut C, table: &'static Table, depth: usize) {
        let Some(mut elements) = cursor.array() else {
            return;
        };
        let (path, field) = table[0];
        let mut index = 0;
        while cursor.element(&mut elements) {
            self.several.get_or_insert_default().enter(index);
            if depth < path.len() {
                self.walk(cursor, beneath(table, depth), depth);
            } else {
                self.take(cursor, path, field);
            }
            self.several.get_or_insert_default().leave();
            index += 1;
        }
    }

    /// Notes that something is there which decides how pods are replaced, and what it says; the fields below it too.
    fn note<C: Cursor<'a>>(&mut self, cursor: &mut C, table: &'static Table, depth: usize) {
        let [(path, _), rest @ ..] = table else { return };
        let is_below = |(other, _): &&(&str, Field)| {
            other.len() > depth && other.as_bytes()[depth] == b'/' && other.starts_with(path)
        };
        let below = &rest[..rest.iter().take_while(is_below).count()];
        if cursor.form() == Form::Object && !below.is_empty() {
            self.walk(cursor, below, depth);
            self.rollout.push((path, None));
        } else {
            self.rollout.extend(said(cursor).map(|said| (*path, said)));
        }
    }

    /// Reads the value of a field.
    fn take<C: Cursor<'a>>(&mut self, cursor: &mut C, path: &'static str, field: Field) {
        match field {
            Field::ClaimTemplates | Field::PodClaims => self.claim_templates = list(cursor, ClaimTemplate::read),
            Field::Completions => self.completions = cursor.integer(),
            Field::ConcurrencyPolicy => self.concurrency = cursor.text(),
            Field::Conditions => self.over = list(cursor, read_end).is_some_and(|ends| ends.contains(&true)),
            Field::FirstOrdinal => self.first_ordinal = cursor.integer(),
            Field::InTurn | Field::OneTemplate | Field::PodCount | Field::SharedClaims => {
                self.pod_spec |= self.several.get_or_insert_default().take(cursor, path, field);
            }
            Field::MatchLabels => self.selector.match_labels = Labels::read(cursor).unwrap_or_default(),
            Field::Paused => self.paused = cursor.boolean() == Some(true),
            Field::Phase => self.over = matches!(cursor.text().as_deref(), Some("Succeeded" | "Failed")),
            Field::PodManagement => {
                self.options.management = PodManagement::named(&cursor.text().unwrap_or_default());
            }
            Field::PodSpec => {
                let pods = Pods::read(cursor);
                self.pod_spec = pods.is_some();
                self.spec = self.pod_spec;
                self.pods = pods.unwrap_or_default();
            }
            Field::Replicas => self.replicas = cursor.integer(),
            Field::ReservedOrdinals => self.options.reserved = Reserved::read(cursor),
            Field::Retention => self.read_retention(cursor),
            // It stands in no table without a place for what it says.
            Field::Rollout => {
                cursor.pass();
            }
            Field::Selector => self.selector = Selector::read(cursor).unwrap_or_default(),
            Field::ServiceName => self.service_name = cursor.text(),
            Field::Strategy => self.strategy = Strategy::read(cursor),
            Field::Suspend => self.suspend = cursor.boolean() == Some(true),
            Field::Template => (self.pods, self.pod_spec) = Pods::read_template(cursor),
            Field::TemplateOf => self.template_of = read_reference(cursor),
            Field::UpdateStrategy => self.options.update = UpdateStrategy::read(cursor),
        }
    }

    fn read_retention<C: Cursor<'a>>(&mut self, cursor: &mut C) {
        let fate = |cursor: &mut C| ClaimFate::named(&cursor.text().unwrap_or_default());
        let retention = &mut self.options.retention;
        members!(cursor, {
            "whenDeleted" => retention.when_deleted = fate(cursor),
            "whenScaled" => retention.when_scaled = fate(cursor),
        });
    }
}

/// What is there: a number or a text, also of a boolean, or something else; `None` for nothing.
pub(super) fn said<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Option<Scalar<'a>>> {
    match cursor.form() {
        Form::Scalar => Some(cursor.scalar()),
        Form::Boolean => {
            let said = cursor.boolean();
            Some(said.map(|said| Scalar::Text(said.to_string().into())))
        }
        Form::List | Form::Null | Form::Object => cursor.pass().then_some(None),
    }
}

/// Returns true where what is there is this word, if one is asked for.
pub(super) fn says(said: Option<&Scalar<'_>>, word: Option<&str>) -> bool {
    word.is_none_or(|word| matches!(said, Some(Scalar::Text(text)) if *text == *word))
}

/// Returns true where a pointer goes on with `name` after so many bytes.
fn leads_on(path: &str, depth: usize, name: &[u8]) -> bool {
    let rest = path.as_bytes()[depth + 1..].strip_prefix(name);
    rest.is_some_and(|rest| matches!(rest, [] | [b'/' | b'[', ..]))
}

/// The fields of a table that stand below its first, so many bytes down.
fn beneath(table: &'static Table, depth: usize) -> &'static Table {
    let Some((path, _)) = table.first() else { return table };
    let is_beneath = |(other, _): &&(&str, Field)| other.starts_with(&path[..=depth]);
    &table[..table.iter().take_while(is_beneath).count()]
}

/// Reads a condition: whether it says that a Job has ended.
fn read_end<'a, C: Cursor<'a>>(cursor: &mut C) -> bool {
    let (mut kind, mut status) = (None, None);
    members!(cursor, {
        "type" => kind = cursor.text(),
        "status" => status = cursor.text(),
    });
    matches!(kind.as_deref(), Some("Complete" | "Failed")) && status.as_deref() == Some("True")
}

/// Reads a reference to a built-in workload.
fn read_reference<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<ObjectRef> {
    let (mut version, mut kind, mut name) = (Cow::default(), Cow::default(), Cow::default());
    members!(cursor, {
        "apiVersion" => version = cursor.text().unwrap_or_default(),
        "kind" => kind = cursor.text().unwrap_or_default(),
        "name" => name = cursor.text().unwrap_or_default(),
    });
    let kind = Kinds::builtin().of(&version, &kind).filter(|kind| kind.is_workload())?;
    Some(ObjectRef::new(kind, &*name))
}

impl<'a> Strategy<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut strategy = Self::default();
        members!(cursor, {
            "type" => strategy.kind = cursor.text(),
            "rollingUpdate" => members!(cursor, {
                "maxSurge" => strategy.max_surge = cursor.scalar(),
                "maxUnavailable" => strategy.max_unavailable = cursor.scalar(),
            }),
        });
        strategy
    }
}

impl UpdateStrategy {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut kind, mut partition, mut max_unavailable) = (None, None, None);
        members!(cursor, {
            "type" => kind = cursor.text(),
            "rollingUpdate" => members!(cursor, {
                "maxUnavailable" => max_unavailable = cursor.scalar(),
                "partition" => partition = cursor.integer(),
            }),
        });
        match kind.as_deref() {
            None | Some("" | "RollingUpdate") => Self::RollingUpdate {
                partition: count(partition, 0),
                // One is what becomes of none.
                max_unavailable: max_unavailable
                    .map(|value| amount(Some(value)))
                    .filter(|amount| *amount != Amount::Count(1)),
            },
            Some("OnDelete") => Self::OnDelete,
            Some("Recreate") => Self::Recreate,
            Some(_) => Self::Other,
        }
    }
}
