//! Lists, watch events and paths of the Kubernetes API, as far as the graph needs them.
//!
//! Objects stay borrowed, unparsed text: each is projected by itself, so that one which cannot be read spoils no other.

use std::borrow::Cow;

use crate::cursor::{Cursor as _, list, members};
use crate::graph::{Kind, Name};
use crate::json::{self, Reader};

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) resource_version: String,
    /// The token of the next page; empty on the last.
    pub(super) next: String,
    pub(super) items: Vec<&'a str>,
}

/// A line of a watch.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Cow<'a, str>,
    pub(super) object: &'a str,
}

/// Who an object is, which is read even where the rest cannot be.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    name: Cow<'a, str>,
    namespace: Cow<'a, str>,
    resource_version: Cow<'a, str>,
}

/// `meta/v1 Status`: what a watch ends with where it fails.
#[derive(Debug, Default)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) message: String,
}

impl<'a> Page<'a> {
    pub(super) fn read(json: &'a str) -> Result<Self, json::Error> {
        json::whole(json, |reader| {
            let mut page = Self::default();
            members!(reader, {
                "metadata" => members!(reader, {
                    "resourceVersion" => page.resource_version = reader.text().unwrap_or_default().into_owned(),
                    "continue" => page.next = reader.text().unwrap_or_default().into_owned(),
                }),
                "items" => page.items = list(reader, raw).unwrap_or_default(),
            });
            page
        })
    }
}

/// Whether a `meta/v1 APIResourceList` has this resource. One that cannot be read may.
pub(super) fn has_resource(json: &str, resource: &str) -> bool {
    let is_it = |reader: &mut Reader<'_>| {
        let mut found = false;
        members!(reader, { "name" => found = reader.text().as_deref() == Some(resource) });
        found
    };
    let read = |reader: &mut Reader<'_>| {
        let mut found = Vec::new();
        members!(reader, { "resources" => found = list(reader, is_it).unwrap_or_default() });
        found.contains(&true)
    };
    json::whole(json, read).unwrap_or(true)
}

impl<'a> Event<'a> {
    /// Reads a line; `None` where it is no event.
    pub(super) fn read(json: &'a [u8]) -> Result<Option<Self>, json::Error> {
        let mut reader = Reader::from_slice(json)?;
        let reader = &mut reader;
        let mut event = Self::default();
        members!(reader, {
            "type" => event.kind = reader.text().unwrap_or_default(),
            "object" => event.object = raw(reader),
        });
        reader.end()?;
        Ok((!event.kind.is_empty() && !event.object.is_empty()).then_some(event))
    }
}

fn raw<'a>(reader: &mut Reader<'a>) -> &'a str {
    reader.raw().unwrap_or("null")
}

impl<'a> Head<'a> {
    /// Reads the head; an empty one where not even that can be read.
    pub(super) fn of(json: &'a str) -> Self {
        let read = |reader: &mut Reader<'a>| {
            let mut head = Self::default();
            members!(reader, {
                "metadata" => members!(reader, {
                    "name" => head.name = reader.text().unwrap_or_default(),
                    "namespace" => head.namespace = reader.text().unwrap_or_default(),
                    "resourceVersion" => head.resource_version = reader.text().unwrap_or_default(),
                }),
            });
            head
        };
        json::whole(json, read).unwrap_or_default()
    }

    pub(super) fn name(&self) -> Name {
        (&*self.name).into()
    }

    /// Empty for an object in no namespace.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn resource_version(&self) -> Option<&str> {
        Some(&*self.resource_version).filter(|text| !text.is_empty())
    }
}

impl Status {
    /// Reads a status; an empty one where it cannot be read.
    pub(super) fn of(json: &str) -> Self {
        let read = |reader: &mut Reader<'_>| {
            let mut status = Self::default();
            members!(reader, {
                "code" => status.code = reader.integer().and_then(|code| u16::try_from(code).ok()).unwrap_or_default(),
                "message" => status.message = reader.text().unwrap_or_default().into_owned(),
            });
            status
        };
        json::whole(json, read).unwrap_or_default()
    }
}

/// The objects of one kind, as the API server serves them.
#[derive(Clone, Debug)]
pub struct Collection {
    pub kind: &'static str,
    pub api_version: &'static str,
    /// The plural, as in a URL.
    pub resource: &'static str,
    /// The only one of them that is wanted.
    pub(super) only: Option<Only>,
    /// The API server may well not have the kind.
    pub(super) awaited: bool,
}

/// Names one object: a list and a watch of it need permission for this name only.
#[derive(Clone, Debug)]
pub struct Only {
    /// `None` for a kind that is in no namespace.
    pub namespace: Option<String>,
    pub name: String,
}

impl Collection {
    /// All of a kind that the client knows.
    #[must_use]
    pub const fn of<K: k8s_openapi::Resource>(resource: &'static str) -> Self {
        Self {
            kind: K::KIND,
            api_version: K::API_VERSION,
            resource,
            only: None,
            awaited: false,
        }
    }

    /// The API group, empty for the core group.
    pub(super) fn group(&self) -> &'static str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The path of all of them, or of the list of the only one.
    pub(super) fn path(&self) -> String {
        let root = self.root();
        match &self.only {
            None => format!("{root}/{}", self.resource),
            Some(Only { namespace, name }) => {
                let namespace = namespace
                    .as_deref()
                    .map(|name| format!("namespaces/{}/", escaped(name)));
                let name = escaped(&format!("metadata.name={name}"));
                let namespace = namespace.unwrap_or_default();
                format!("{root}/{namespace}{}?fieldSelector={name}", self.resource)
            }
        }
    }

    /// The path of the version that they are of.
    pub(super) fn root(&self) -> String {
        let root = if self.group().is_empty() { "api" } else { "apis" };
        format!("/{root}/{}", self.api_version)
    }
}

impl From<Kind> for Collection {
    fn from(kind: Kind) -> Self {
        Self {
            kind: kind.as_str(),
            api_version: kind.api_version(),
            resource: kind.resource(),
            only: None,
            awaited: !kind.is_builtin(),
        }
    }
}

/// The path of all objects of a kind, or of those of one namespace.
pub(super) fn collection(kind: Kind, namespace: Option<&str>) -> String {
    let collection = Collection::from(kind);
    match namespace {
        Some(namespace) => format!(
            "{}/namespaces/{}/{}",
            collection.root(),
            escaped(namespace),
            collection.resource
        ),
        None => collection.path(),
    }
}

/// The path of a page of 500 objects of a collection; as large as kubectl's and client-go's.
pub(super) fn page(collection: &str, next: &str) -> String {
    let mark = mark(collection);
    match next {
        "" => format!("{collection}{mark}limit=500"),
        next => format!("{collection}{mark}limit=500&continue={}", escaped(next)),
    }
}

/// What stands between a path and the next of its parameters.
fn mark(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}

/// The path of a watch of a collection from a version on. It ends before five minutes are over, so that a bookmark,
/// which comes at its end at the latest, keeps the kind from becoming stale.
pub(super) fn watch(collection: &str, version: &str) -> String {
    format!(
        "{collection}{}watch=true&allowWatchBookmarks=true&timeoutSeconds=270&resourceVersion={}",
        mark(collection),
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
        assert_eq!(page(&collection(Kind::NODE, None), ""), "/api/v1/nodes?limit=500");
        assert_eq!(
            page(&collection(Kind::CRON_JOB, None), "a+b="),
            "/apis/batch/v1/cronjobs?limit=500&continue=a%2Bb%3D"
        );
        assert_eq!(
            object(Kind::CLAIM, "shop", "data"),
            "/api/v1/namespaces/shop/persistentvolumeclaims/data"
        );
        assert_eq!(
            page(&collection(Kind::SERVICE, Some("shop")), ""),
            "/api/v1/namespaces/shop/services?limit=500"
        );
        assert_eq!(namespace("shop"), "/api/v1/namespaces/shop");
        let one = Collection {
            kind: "Secret",
            api_version: "v1",
            resource: "secrets",
            only: Some(Only {
                namespace: Some("shop".to_owned()),
                name: "one".to_owned(),
            }),
            awaited: false,
        };
        let path = "/api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Done";
        assert_eq!(page(&one.path(), ""), format!("{path}&limit=500"));
        assert!(watch(&one.path(), "1").starts_with(&format!("{path}&watch=true&")));
    }
}
