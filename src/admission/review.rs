//! The wire format of a request: one borrowed pass over the body.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::graph::project::{ProjectedWorkload, Text, WorkloadSeed};
use crate::graph::{Kind, Name};

/// The request of an `admission.k8s.io/v1` AdmissionReview (`docs/kubernetes-facts.md` §3.1), as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) uid: Cow<'a, str>,
    pub(super) group: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) resource: Cow<'a, str>,
    pub(super) sub_resource: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) namespace: Option<Name>,
    pub(super) operation: Cow<'a, str>,
    pub(super) user: Cow<'a, str>,
    pub(super) dry_run: bool,
    pub(super) object: Object<'a>,
    pub(super) old_object: Option<&'a RawValue>,
}

/// The object of a request.
#[derive(Debug, Default)]
pub(super) enum Object<'a> {
    #[default]
    None,
    Raw(&'a RawValue),
    /// Projected in the same pass: the API server sends the kind before the object.
    Workload(Box<ProjectedWorkload>),
}

/// Why a body is no request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is not an AdmissionReview: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the body is not an AdmissionReview: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    #[error("apiVersion is {0:?}, and only admission.k8s.io/v1 is understood")]
    Version(String),
    #[error("kind is {0:?}, not AdmissionReview")]
    Kind(String),
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

/// Reads a body. The second part tells why the object could not be projected, where it could not.
pub(super) fn read(body: &[u8]) -> Result<(Request<'_>, Option<serde_json::Error>), Unreadable> {
    // Once for the whole body is cheaper than for every text in it.
    let body = std::str::from_utf8(body)?;
    match parse(body, Pass::Projecting) {
        Ok(review) => Ok((review.into_request()?, None)),
        // Either the review is broken or only the object in it: the second pass, which leaves objects alone, tells.
        Err(error) => Ok((parse(body, Pass::Envelope)?.into_request()?, Some(error))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Envelope,
    Projecting,
}

fn parse(body: &str, pass: Pass) -> Result<Review<'_>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let review = deserializer.deserialize_map(ReviewVisitor(pass))?;
    deserializer.end()?;
    Ok(review)
}

#[derive(Default)]
struct Review<'a> {
    api_version: Cow<'a, str>,
    kind: Cow<'a, str>,
    request: Option<Request<'a>>,
}

impl<'a> Review<'a> {
    fn into_request(self) -> Result<Request<'a>, Unreadable> {
        if self.api_version != "admission.k8s.io/v1" {
            return Err(Unreadable::Version(self.api_version.into_owned()));
        }
        if self.kind != "AdmissionReview" {
            return Err(Unreadable::Kind(self.kind.into_owned()));
        }
        self.request.ok_or(Unreadable::NoRequest)
    }
}

struct ReviewVisitor(Pass);

impl<'de> Visitor<'de> for ReviewVisitor {
    type Value = Review<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionReview")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Review<'de>, A::Error> {
        let mut review = Review::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "apiVersion" => review.api_version = map.next_value::<Text<'de>>()?.0,
                "kind" => review.kind = map.next_value::<Text<'de>>()?.0,
                "request" => review.request = map.next_value_seed(Optional(RequestSeed(self.0)))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(review)
    }
}

struct RequestSeed(Pass);

impl<'de> DeserializeSeed<'de> for RequestSeed {
    type Value = Request<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Request<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RequestSeed {
    type Value = Request<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionRequest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request<'de>, A::Error> {
        let mut request = Request::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "uid" => request.uid = map.next_value::<Text<'de>>()?.0,
                "kind" => {
                    let kind: GroupVersionKind<'de> = map.next_value()?;
                    (request.group, request.version, request.kind) = (kind.group, kind.version, kind.kind);
                }
                "resource" => request.resource = map.next_value::<Resource<'de>>()?.resource,
                "subResource" => request.sub_resource = text(map.next_value()?),
                "name" => request.name = text(map.next_value()?),
                "namespace" => request.namespace = map.next_value::<Option<Text<'de>>>()?.map(|name| (&*name.0).into()),
                "operation" => request.operation = map.next_value::<Text<'de>>()?.0,
                "userInfo" => request.user = map.next_value::<Option<User<'de>>>()?.unwrap_or_default().username,
                "dryRun" => request.dry_run = map.next_value::<Option<bool>>()? == Some(true),
                "object" => request.object = object(&request, self.0, &mut map)?,
                "oldObject" => request.old_object = raw(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(request)
    }
}

/// Projects a workload where what it is was said before it; anything else waits as raw text.
fn object<'de, A: MapAccess<'de>>(request: &Request<'de>, pass: Pass, map: &mut A) -> Result<Object<'de>, A::Error> {
    let kind = request.workload_kind().filter(|_| pass == Pass::Projecting);
    if let (Some(kind), Some(namespace)) = (kind, &request.namespace) {
        let workload = map.next_value_seed(Optional(WorkloadSeed { kind, namespace }))?;
        return Ok(workload.map_or(Object::None, |workload| Object::Workload(Box::new(workload))));
    }
    Ok(raw(map.next_value()?).map_or(Object::None, Object::Raw))
}

impl Request<'_> {
    /// The kind of workload that the object itself is; not for subresources.
    pub(super) fn workload_kind(&self) -> Option<Kind> {
        let kind = Kind::parse(&self.kind)?;
        let (group, version) = kind.api_version().rsplit_once('/').unwrap_or(("", kind.api_version()));
        (self.group == group && self.version == version && self.sub_resource.is_empty()).then_some(kind)
    }
}

/// A seed for a value that may be `null`.
struct Optional<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Optional<S> {
    type Value = Option<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

#[derive(Deserialize)]
struct GroupVersionKind<'a> {
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    resource: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    username: Cow<'a, str>,
}

fn text(value: Option<Text<'_>>) -> Cow<'_, str> {
    value.map(|text| text.0).unwrap_or_default()
}

fn raw(value: Option<&RawValue>) -> Option<&RawValue> {
    value.filter(|value| value.get() != "null")
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
        let (request, error) = read(good.as_bytes()).unwrap();
        assert!(error.is_none());
        let Object::Workload(projected) = request.object else {
            panic!("not projected")
        };
        assert_eq!(projected.workload.replicas, 3);
        assert!(request.old_object.is_none());

        let bad = body("\"three\"");
        let (request, error) = read(bad.as_bytes()).unwrap();
        assert!(matches!(request.object, Object::Raw(_)));
        assert!(error.unwrap().to_string().contains("invalid type"));
    }

    #[test]
    fn what_is_no_review_is_said() {
        let why = |body: &str| read(body.as_bytes()).unwrap_err().to_string();
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
