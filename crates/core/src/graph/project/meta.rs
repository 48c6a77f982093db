//! `metadata`, as far as it is read.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::labels::{Labels, kept_annotations};
use super::super::names::Name;
use super::super::workload::Owner;
use super::text::Text;

/// The fields of `metadata` that some node needs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub generate_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub resource_version: Option<Text<'a>>,
    pub generation: Option<i64>,
    #[serde(borrow)]
    pub creation_timestamp: Option<Text<'a>>,
    pub deletion_timestamp: Option<IgnoredAny>,
    pub labels: Labels,
    #[serde(deserialize_with = "annotations")]
    pub annotations: Annotations,
    #[serde(borrow)]
    pub owner_references: Option<Vec<OwnerReference<'a>>>,
}

/// The annotations kept, and whether there are any at all (a patch below them needs the parent).
#[derive(Debug, Default)]
pub struct Annotations {
    pub kept: Labels,
    pub present: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    controller: Option<bool>,
}

impl ObjectMeta<'_> {
    /// The name, empty where it is still to be generated.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name.as_deref().unwrap_or_default().into()
    }

    /// The owner that controls the object.
    #[must_use]
    pub fn controller(&self) -> Option<Box<Owner>> {
        let mut owners = self.owner_references.iter().flatten();
        let owner = owners.find(|owner| owner.controller == Some(true))?;
        Some(Box::new(Owner {
            api_version: (&*owner.api_version).into(),
            kind: (&*owner.kind).into(),
            name: (&*owner.name).into(),
        }))
    }

    /// The kinds of all owners, controlling or not.
    pub fn owner_kinds(&self) -> impl Iterator<Item = &str> {
        self.owner_references.iter().flatten().map(|owner| &*owner.kind)
    }
}

fn annotations<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Annotations, D::Error> {
    #[derive(Deserialize)]
    struct Kept(#[serde(deserialize_with = "kept_annotations")] Labels);
    let kept = Option::<Kept>::deserialize(deserializer)?;
    Ok(Annotations {
        present: kept.is_some(),
        kept: kept.map(|kept| kept.0).unwrap_or_default(),
    })
}
