//! The wire format of an answer.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::rules::kit::Operation;

/// An `AdmissionReview` with a response (`docs/kubernetes-facts.md` §3.1). Fields are left out where they say nothing:
/// an empty patch with a patchType is an error to the API server.
#[derive(Debug, Default)]
pub(super) struct Answer<'a> {
    pub(super) uid: &'a str,
    pub(super) denial: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) annotations: Vec<(&'static str, String)>,
    pub(super) patch: Vec<Operation>,
}

impl Answer<'_> {
    /// The JSON body.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(256);
        let review = Review {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            response: self,
        };
        let written = serde_json::to_writer(&mut body, &review);
        debug_assert!(written.is_ok(), "strings and numbers always serialise");
        body
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: &'a Answer<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    reason: &'static str,
    message: &'a str,
}

impl Serialize for Answer<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("uid", self.uid)?;
        map.serialize_entry("allowed", &self.denial.is_none())?;
        if let Some(message) = &self.denial {
            map.serialize_entry(
                "status",
                &Status {
                    code: 403,
                    reason: "Forbidden",
                    message,
                },
            )?;
        }
        if !self.patch.is_empty() {
            let patch = serde_json::to_vec(&self.patch).map_err(serde::ser::Error::custom)?;
            use base64::Engine as _;
            map.serialize_entry("patch", &base64::engine::general_purpose::STANDARD.encode(patch))?;
            map.serialize_entry("patchType", "JSONPatch")?;
        }
        if !self.warnings.is_empty() {
            map.serialize_entry("warnings", &self.warnings)?;
        }
        if !self.annotations.is_empty() {
            map.serialize_entry("auditAnnotations", &Annotations(&self.annotations))?;
        }
        map.end()
    }
}

struct Annotations<'a>(&'a [(&'static str, String)]);

impl Serialize for Annotations<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_says_nothing() {
        let plain = Answer {
            uid: "u",
            ..Answer::default()
        }
        .to_json();
        let expected =
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true}}"#;
        assert_eq!(String::from_utf8(plain).unwrap(), expected);
        let full = Answer {
            uid: "u",
            denial: Some("no".to_owned()),
            patch: vec![Operation::add("/a", 1)],
            annotations: vec![("decision", "denied".to_owned())],
            ..Answer::default()
        };
        let full: serde_json::Value = serde_json::from_slice(&full.to_json()).unwrap();
        assert_eq!(full["response"]["status"]["code"], 403);
        assert_eq!(
            full["response"]["patch"],
            "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2EiLCJ2YWx1ZSI6MX1d"
        );
        assert_eq!(full["response"]["auditAnnotations"]["decision"], "denied");
    }
}
