//! `metadata`, as far as it is read.

use std::borrow::Cow;

use super::super::labels::Labels;
use super::super::names::Name;
use super::super::workload::Owner;
use crate::cursor::{Cursor, list, members};

/// The fields of `metadata` that some node needs.
#[derive(Debug, Default)]
pub struct ObjectMeta<'a> {
    pub name: Option<Cow<'a, str>>,
    pub generate_name: Option<Cow<'a, str>>,
    pub namespace: Option<Cow<'a, str>>,
    pub generation: Option<i64>,
    pub uid: Option<Cow<'a, str>>,
    pub creation_timestamp: Option<Cow<'a, str>>,
    /// There is a `deletionTimestamp`.
    pub deleting: bool,
    pub labels: Labels,
    /// Those that mean something to us; `None` where there are none at all (a patch below them needs the parent).
    pub annotations: Option<Labels>,
    pub owner_references: Vec<OwnerReference<'a>>,
}

#[derive(Debug, Default)]
pub struct OwnerReference<'a> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    name: Cow<'a, str>,
    controller: bool,
}

impl<'a> ObjectMeta<'a> {
    pub(super) fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut meta = Self::default();
        members!(cursor, {
            "name" => meta.name = cursor.text(),
            "generateName" => meta.generate_name = cursor.text(),
            "namespace" => meta.namespace = cursor.text(),
            "generation" => meta.generation = cursor.integer(),
            "uid" => meta.uid = cursor.text(),
            "creationTimestamp" => meta.creation_timestamp = cursor.text(),
            "deletionTimestamp" => meta.deleting = cursor.pass(),
            "labels" => meta.labels = Labels::read(cursor).unwrap_or_default(),
            "annotations" => meta.annotations = Labels::read_kept(cursor),
            "ownerReferences" => meta.owner_references = list(cursor, OwnerReference::read).unwrap_or_default(),
        });
        meta
    }

    /// The name, empty where it is still to be generated.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name.as_deref().unwrap_or_default().into()
    }

    /// The value of an annotation, if it is one of those that are kept.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key)
    }

    /// The owner that controls the object.
    #[must_use]
    pub fn controller(&self) -> Option<Owner> {
        let owner = self.owner_references.iter().find(|owner| owner.controller)?;
        Some(Owner {
            api_version: (&*owner.api_version).into(),
            kind: (&*owner.kind).into(),
            name: (&*owner.name).into(),
            declared: None,
        })
    }

    /// The kinds of all owners, controlling or not.
    pub fn owner_kinds(&self) -> impl Iterator<Item = &str> {
        self.owner_references.iter().map(|owner| &*owner.kind)
    }
}

impl<'a> OwnerReference<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut owner = Self::default();
        members!(cursor, {
            "apiVersion" => owner.api_version = cursor.text().unwrap_or_default(),
            "kind" => owner.kind = cursor.text().unwrap_or_default(),
            "name" => owner.name = cursor.text().unwrap_or_default(),
            "controller" => owner.controller = cursor.boolean() == Some(true),
        });
        owner
    }
}
