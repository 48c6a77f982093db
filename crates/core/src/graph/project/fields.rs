//! The fields of a workload, found by where the table says that they stand.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::super::kind::Field;
use super::super::labels::Labels;
use super::super::selector::Selector;
use super::meta::ObjectMeta;
use super::null_default;
use super::pods::{PodSpec, Template};
use super::storage::WireTemplate;
use super::text::{Scalar, Text};

/// What an object says in the fields of its kind.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) metadata: ObjectMeta<'a>,
    /// `spec` is there.
    pub(super) spec: bool,
    pub(super) claim_templates: Option<Vec<WireTemplate<'a>>>,
    pub(super) completions: Option<i64>,
    pub(super) concurrency: Option<Text<'a>>,
    pub(super) first_ordinal: Option<i64>,
    /// A condition or the phase says that it has ended.
    pub(super) over: bool,
    pub(super) paused: Option<bool>,
    pub(super) pod_spec: Option<PodSpec<'a>>,
    pub(super) replicas: Option<i64>,
    pub(super) selector: Selector,
    pub(super) service_name: Option<Text<'a>>,
    pub(super) strategy: Option<Strategy<'a>>,
    pub(super) suspend: Option<bool>,
    pub(super) template: Option<Template<'a>>,
}

/// `spec.strategy` of a Deployment.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Strategy<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) rolling_update: Option<RollingUpdate<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RollingUpdate<'a> {
    #[serde(borrow)]
    pub(super) max_surge: Option<Scalar<'a>>,
    #[serde(borrow)]
    pub(super) max_unavailable: Option<Scalar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

/// Where the fields of a kind stand: JSON pointers, sorted.
type Table = [(&'static str, Field)];

/// Reads the fields of `table` out of an object.
pub(super) fn read<'de, D: Deserializer<'de>>(table: &'static Table, deserializer: D) -> Result<Fields<'de>, D::Error> {
    let mut fields = Fields::default();
    let walk = Walk {
        table,
        depth: 0,
        fields: &mut fields,
    };
    deserializer.deserialize_map(walk)?;
    Ok(fields)
}

/// On the way through an object: the fields below where we stand.
struct Walk<'f, 'a> {
    table: &'static Table,
    /// How many bytes of their pointers lead here.
    depth: usize,
    fields: &'f mut Fields<'a>,
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { table, depth, fields } = self;
        let key = Key { table, depth };
        if depth > 0 {
            // The only parent that a patch may have to rely on is the first one.
            fields.spec |= table.first().is_some_and(|(path, _)| &path[..depth] == "/spec");
        }
        // A member that stands twice means different things to different readers, so that it means nothing to us.
        let mut seen = 0_u32;
        while let Some((bit, next)) = map.next_key_seed(key)? {
            if seen & bit != 0 {
                return Err(A::Error::custom("a field stands twice"));
            }
            seen |= bit;
            match next {
                Next::Metadata => fields.metadata = map.next_value()?,
                Next::Field(field) => fields.take(field, &mut map)?,
                Next::Parent(table, depth) => map.next_value_seed(Walk {
                    table,
                    depth,
                    fields: &mut *fields,
                })?,
                Next::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

/// What a member of an object is to us.
enum Next {
    Field(Field),
    Metadata,
    Other,
    /// It holds these fields, so many bytes down their pointers.
    Parent(&'static Table, usize),
}

/// Tells a member by its name, without a copy of it.
#[derive(Clone, Copy)]
struct Key {
    table: &'static Table,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Key {
    /// A bit for each member that is read, and what it is.
    type Value = (u32, Next);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(u32, Next), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = (u32, Next);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(u32, Next), E> {
        let depth = self.depth + 1 + name.len();
        let leads_on = |path: &str| path.get(self.depth + 1..depth) == Some(name) && !is_within_name(path, depth);
        let Some(first) = self.table.iter().position(|(path, _)| leads_on(path)) else {
            let metadata = self.depth == 0 && name == "metadata";
            return Ok(if metadata {
                (1, Next::Metadata)
            } else {
                (0, Next::Other)
            });
        };
        let table = &self.table[first..];
        let count = table.iter().take_while(|(path, _)| leads_on(path)).count();
        let next = match table[0] {
            (path, field) if path.len() == depth => Next::Field(field),
            _ => Next::Parent(&table[..count], depth),
        };
        Ok((2 << first, next))
    }
}

/// Returns true where a pointer's step goes on after so many bytes.
fn is_within_name(path: &str, depth: usize) -> bool {
    path.as_bytes().get(depth).is_some_and(|byte| *byte != b'/')
}

impl<'a> Fields<'a> {
    /// Reads the value of a field.
    fn take<A: MapAccess<'a>>(&mut self, field: Field, map: &mut A) -> Result<(), A::Error> {
        match field {
            Field::ClaimTemplates => self.claim_templates = map.next_value()?,
            Field::Completions => self.completions = map.next_value()?,
            Field::ConcurrencyPolicy => self.concurrency = map.next_value()?,
            Field::Conditions => {
                let conditions: Option<Vec<Condition<'a>>> = map.next_value()?;
                self.over = conditions.iter().flatten().any(|condition| {
                    matches!(condition.kind.as_deref(), Some("Complete" | "Failed"))
                        && condition.status.as_deref() == Some("True")
                });
            }
            Field::FirstOrdinal => self.first_ordinal = map.next_value()?,
            Field::MatchLabels => {
                let Labelled(match_labels) = map.next_value()?;
                self.selector = Selector {
                    match_labels,
                    ..Selector::default()
                };
            }
            Field::Paused => self.paused = map.next_value()?,
            Field::Phase => {
                let phase: Option<Text<'a>> = map.next_value()?;
                self.over = matches!(phase.as_deref(), Some("Succeeded" | "Failed"));
            }
            Field::PodSpec => {
                self.pod_spec = map.next_value()?;
                self.spec = self.pod_spec.is_some();
            }
            Field::Replicas => self.replicas = map.next_value()?,
            Field::Selector => self.selector = map.next_value::<Option<Selector>>()?.unwrap_or_default(),
            Field::ServiceName => self.service_name = map.next_value()?,
            Field::Strategy => self.strategy = map.next_value()?,
            Field::Suspend => self.suspend = map.next_value()?,
            Field::Template => self.template = map.next_value()?,
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Labelled(#[serde(deserialize_with = "null_default")] Labels);
