//! The wire format of a request: one borrowed pass over the body.

use std::borrow::Cow;
use std::sync::Arc;

use crate::cursor::{Cursor as _, members};
use crate::graph::project::{ProjectedWorkload, WorkloadSeed};
use crate::graph::{Kind, Kinds, Name, Node, Reach, Shape};
use crate::json;

/// The request of an `admission.k8s.io/v1` AdmissionReview (`docs/kubernetes-facts.md` §3.1), as far as it is read.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// The kinds that play a part.
    pub(super) kinds: &'static Kinds,
    pub(super) uid: Cow<'a, str>,
    pub(super) group: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) resource_group: Cow<'a, str>,
    pub(super) resource: Cow<'a, str>,
    pub(super) sub_resource: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Option<Name>,
    pub(super) operation: Cow<'a, str>,
    pub(super) user: Cow<'a, str>,
    pub(super) dry_run: bool,
    /// How long a deletion waits for a pod to stop, where it says.
    pub(super) grace_seconds: Option<i64>,
    pub(super) object: Payload<'a>,
    pub(super) old_object: Option<&'a str>,
}

/// The object of a request.
#[derive(Debug, Default)]
pub(super) enum Payload<'a> {
    #[default]
    None,
    Raw(&'a str),
    /// A workload, projected in the same pass: the API server sends the kind before the object.
    Projected(Node, Shape),
}

/// Why a body is no request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is not an AdmissionReview: {0}")]
    Json(#[from] json::Error),
    #[error("apiVersion is {0:?}, and only admission.k8s.io/v1 is understood")]
    Version(String),
    #[error("kind is {0:?}, not AdmissionReview")]
    Kind(String),
    #[error("the body is not an AdmissionReview: it is null")]
    Null,
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

/// Reads a body. The second part tells why the object could not be projected, where it could not.
pub(super) fn read<'a>(
    body: &'a [u8],
    kinds: &'static Kinds,
) -> Result<(Request<'a>, Option<json::Error>), Unreadable> {
    let mut reader = json::Reader::from_slice(body)?;
    let reader = &mut reader;
    let (mut api_version, mut kind, mut request) = (None, None, None);
    let there = members!(reader, {
        "kind" => kind = reader.text(),
        "apiVersion" => api_version = reader.text(),
        "request" => request = envelope(reader, kinds),
    });
    reader.end()?;
    if !there {
        return Err(Unreadable::Null);
    }
    let (api_version, kind) = (api_version.unwrap_or_default(), kind.unwrap_or_default());
    if api_version != "admission.k8s.io/v1" {
        return Err(Unreadable::Version(start_of(&api_version)));
    }
    if kind != "AdmissionReview" {
        return Err(Unreadable::Kind(start_of(&kind)));
    }
    request.ok_or(Unreadable::NoRequest)
}

/// As much of a text as an answer may repeat: every kind of Kubernetes is shorter.
pub(super) fn start_of(text: &str) -> String {
    text.chars().take(63).collect()
}

fn envelope<'a>(reader: &mut json::Reader<'a>, kinds: &'static Kinds) -> Option<(Request<'a>, Option<json::Error>)> {
    let mut request = Request::new(kinds);
    let mut unprojected = None;
    let there = members!(reader, {
        "uid" => request.uid = text(reader),
        "kind" => members!(reader, {
            "group" => request.group = text(reader),
            "version" => request.version = text(reader),
            "kind" => request.kind = text(reader),
        }),
        "resource" => members!(reader, {
            "group" => request.resource_group = text(reader),
            "resource" => request.resource = text(reader),
        }),
        "subResource" => request.sub_resource = text(reader),
        "name" => request.name = text(reader),
        "namespace" => request.namespace = reader.text().map(|name| (&*name).into()),
        "operation" => request.operation = text(reader),
        "userInfo" => members!(reader, { "username" => request.user = text(reader) }),
        "object" => (request.object, unprojected) = object(&request, reader),
        "oldObject" => request.old_object = reader.raw(),
        "options" => members!(reader, { "gracePeriodSeconds" => request.grace_seconds = reader.integer() }),
        "dryRun" => request.dry_run = reader.boolean() == Some(true),
    });
    there.then_some((request, unprojected))
}

fn text<'a>(reader: &mut json::Reader<'a>) -> Cow<'a, str> {
    reader.text().unwrap_or_default()
}

/// Projects a workload where what it is was said before it; anything else waits as raw text.
fn object<'a>(request: &Request<'a>, reader: &mut json::Reader<'a>) -> (Payload<'a>, Option<json::Error>) {
    if reader.null() {
        return (Payload::None, None);
    }
    let before = reader.clone();
    let mut unprojected = None;
    let namespace = request.namespace.as_ref();
    let seed = namespace
        .and_then(|namespace| Some(WorkloadSeed::new(request.object_kind()?, namespace)?.among(request.kinds)));
    if let Some(seed) = seed {
        let ProjectedWorkload { workload, shape } = seed.read_from(reader);
        unprojected = reader.failure();
        if unprojected.is_none() {
            return (Payload::Projected(Node::Workload(Arc::new(workload)), shape), None);
        }
    }
    // Either the review is broken or only the object in it: skipping the object tells.
    *reader = before;
    (reader.raw().map_or(Payload::None, Payload::Raw), unprojected)
}

impl Request<'_> {
    fn new(kinds: &'static Kinds) -> Self {
        Self {
            kinds,
            uid: Cow::default(),
            group: Cow::default(),
            version: Cow::default(),
            kind: Cow::default(),
            resource_group: Cow::default(),
            resource: Cow::default(),
            sub_resource: Cow::default(),
            name: Cow::default(),
            namespace: None,
            operation: Cow::default(),
            user: Cow::default(),
            dry_run: false,
            grace_seconds: None,
            object: Payload::None,
            old_object: None,
        }
    }

    /// The kind of the object itself, where requests for it are sent to us; not for subresources.
    pub(super) fn object_kind(&self) -> Option<Kind> {
        if !self.sub_resource.is_empty() {
            return None;
        }
        let kind = self.kinds.in_group(&self.group, &self.kind)?;
        // Any version of what is not projected is read alike.
        let known = kind.group() == self.group && (!kind.is_workload() || kind.version() == self.version);
        (known && kind.reach() != Reach::Watch).then_some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_in_one_pass_and_falls_back() {
        let body = |replicas: &str| {
            format!(
                r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"u",
                "kind":{{"group":"apps","version":"v1","kind":"Deployment"}},"resource":{{"resource":"deployments"}},
                "name":"web","namespace":"shop","operation":"CREATE","userInfo":{{"username":"ann"}},
                "object":{{"metadata":{{"name":"web"}},"spec":{{"replicas":{replicas}}}}},"oldObject":null,"dryRun":false}}}}"#
            )
        };
        let good = body("3");
        let (request, error) = read(good.as_bytes(), Kinds::builtin()).unwrap();
        assert!(error.is_none());
        let Payload::Projected(Node::Workload(workload), _) = request.object else {
            panic!("not projected")
        };
        assert_eq!(workload.replicas, 3);
        assert!(request.old_object.is_none());

        let bad = body("\"three\"");
        let (request, error) = read(bad.as_bytes(), Kinds::builtin()).unwrap();
        assert!(matches!(request.object, Payload::Raw(_)));
        assert!(error.unwrap().to_string().contains("invalid type"));
    }

    #[test]
    fn what_is_no_review_is_said() {
        let why = |body: &str| read(body.as_bytes(), Kinds::builtin()).unwrap_err().to_string();
        assert!(why("[]").contains("not an AdmissionReview"));
        assert!(why("{}").contains("apiVersion is \"\""));
        assert!(why(r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#).contains("v1beta1"));
        assert!(why(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#).contains("no request"));
        assert!(
            why(r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}"#)
                .contains("no request")
        );
    }
}
