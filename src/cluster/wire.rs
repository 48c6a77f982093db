//! Lists, watch events and paths of the Kubernetes API, as far as the graph needs them.
//!
//! Objects stay borrowed, unparsed text: each is projected by itself, so that one which cannot be read spoils no other.

use std::borrow::Cow;

use serde::Deserialize;

use crate::graph::{Kind, Name};
use crate::json::{self, Raw};

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    #[serde(default)]
    pub(super) metadata: PageMeta,
    #[serde(borrow)]
    items: Option<Vec<Raw<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PageMeta {
    pub(super) resource_version: String,
    /// The token of the next page; empty on the last.
    #[serde(rename = "continue")]
    pub(super) next: String,
}

/// A line of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    object: Raw<'a>,
}

/// Who an object is, which is read even where the rest cannot be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    metadata: HeadMeta<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HeadMeta<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource_version: Option<Cow<'a, str>>,
}

/// `meta/v1 Status`: what a watch ends with where it fails.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) message: String,
}

impl<'a> Page<'a> {
    pub(super) fn items(&self) -> impl Iterator<Item = &'a str> {
        self.items.iter().flatten().map(|item| item.0)
    }
}

impl<'a> Event<'a> {
    pub(super) fn object(&self) -> &'a str {
        self.object.0
    }
}

impl<'a> Head<'a> {
    /// Reads the head; an empty one where not even that can be read.
    pub(super) fn of(json: &'a str) -> Self {
        json::from_str(json).unwrap_or_default()
    }

    pub(super) fn name(&self) -> Name {
        self.metadata.name.as_deref().unwrap_or_default().into()
    }

    /// Empty for an object in no namespace.
    pub(super) fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn resource_version(&self) -> Option<&str> {
        self.metadata
            .resource_version
            .as_deref()
            .filter(|text| !text.is_empty())
    }
}

/// The path of all objects of a kind, or of those of one namespace.
pub(super) fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let version = kind.api_version();
    let root = if version.contains('/') { "apis" } else { "api" };
    let resource = kind.resource();
    match namespace {
        Some(namespace) => format!("/{root}/{version}/namespaces/{}/{resource}", escaped(namespace)),
        None => format!("/{root}/{version}/{resource}"),
    }
}

/// The path of a page of 500 objects; as large as kubectl's and client-go's.
pub(super) fn page(kind: Kind, namespace: Option<&str>, next: &str) -> String {
    let path = collection(kind, namespace);
    match next {
        "" => format!("{path}?limit=500"),
        next => format!("{path}?limit=500&continue={}", escaped(next)),
    }
}

/// The path of a watch from a version on. It ends before five minutes are over, so that a bookmark, which comes
/// at its end at the latest, keeps the kind from becoming stale.
pub(super) fn watch(kind: Kind, version: &str) -> String {
    format!(
        "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds=270&resourceVersion={}",
        collection(kind, None),
        escaped(version)
    )
}

/// The path of one object.
pub(super) fn object(kind: Kind, namespace: &str, name: &str) -> String {
    format!("{}/{}", collection(kind, Some(namespace)), escaped(name))
}

/// The path of a Namespace itself.
pub(super) fn namespace(name: &str) -> String {
    format!("{}/{}", collection(Kind::NAMESPACE, None), escaped(name))
}

/// Escapes all that means something in a URL.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(page(Kind::NODE, None, ""), "/api/v1/nodes?limit=500");
        assert_eq!(
            page(Kind::CRON_JOB, None, "a+b="),
            "/apis/batch/v1/cronjobs?limit=500&continue=a%2Bb%3D"
        );
        assert_eq!(
            object(Kind::CLAIM, "shop", "data"),
            "/api/v1/namespaces/shop/persistentvolumeclaims/data"
        );
        assert_eq!(
            page(Kind::SERVICE, Some("shop"), ""),
            "/api/v1/namespaces/shop/services?limit=500"
        );
        assert_eq!(namespace("shop"), "/api/v1/namespaces/shop");
    }
}
