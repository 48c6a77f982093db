//! The wire format of an answer.

use std::borrow::Cow;

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use serde::Serialize;

use crate::judge::message;
use crate::rules::kit::PatchOperation;

/// An `AdmissionReview` with a response (`docs/kubernetes-facts.md` §3.1). Fields are left out where they say nothing:
/// an empty patch with a patchType is an error to the API server.
#[derive(Debug, Default)]
pub(super) struct Answer<'a> {
    pub(super) uid: &'a str,
    pub(super) denial: Option<String>,
    pub(super) warnings: Vec<String>,
    pub(super) annotations: Vec<(&'static str, String)>,
    pub(super) patch: Vec<PatchOperation>,
}

const HEAD: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"#;
const ALLOWED: &str = r#","allowed":true"#;
const DENIED: &str = r#","allowed":false,"status":{"code":403,"reason":"Forbidden","message":"#;
const TAIL: &str = "}}";

/// Room for a patch operation: most write a short value at a short path.
const OPERATION: usize = 256;

impl Answer<'_> {
    /// The JSON body, written into one buffer. For a plain allow the buffer has its exact size, so that nothing is
    /// allocated again when it becomes a body.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.size());
        put(&mut body, HEAD);
        write(&mut body, self.uid);
        match &self.denial {
            None => put(&mut body, ALLOWED),
            Some(message) => {
                put(&mut body, DENIED);
                write(&mut body, &printable(message, "\n"));
                put(&mut body, "}");
            }
        }
        if !self.patch.is_empty() {
            put(&mut body, r#","patch":""#);
            let mut encoder = EncoderWriter::new(&mut body, &STANDARD);
            write(&mut encoder, &self.patch);
            let finished = encoder.finish();
            debug_assert!(finished.is_ok(), "writing to a buffer cannot fail");
            drop(encoder);
            put(&mut body, r#"","patchType":"JSONPatch""#);
        }
        if !self.warnings.is_empty() {
            put(&mut body, r#","warnings":"#);
            // Escaped first, for that makes a line longer.
            let lines = self.warnings.iter().map(|line| printable(line, "").into_owned());
            write(&mut body, &message::within_budget(lines));
        }
        if !self.annotations.is_empty() {
            put(&mut body, r#","auditAnnotations":"#);
            write(&mut body, &Annotations(&self.annotations));
        }
        put(&mut body, TAIL);
        body
    }

    /// The size of a plain allow; with anything to say, about the size of what is said.
    fn size(&self) -> usize {
        let plain = HEAD.len() + self.uid.len() + 2 + ALLOWED.len() + TAIL.len();
        let denial = self.denial.as_ref().map_or(0, |message| DENIED.len() + message.len());
        let warnings: usize = self.warnings.iter().map(|warning| 32 + warning.len()).sum();
        let annotations = self.annotations.iter();
        let annotations: usize = annotations.map(|(key, value)| 32 + key.len() + value.len()).sum();
        plain + denial + warnings + annotations + self.patch.len() * OPERATION
    }
}

/// A text as people may read it: what controls a terminal, and may stand in the name of a claim, is escaped.
fn printable<'t>(text: &'t str, but: &str) -> Cow<'t, str> {
    let controls = |char: char| char.is_control() && !but.contains(char);
    if !text.contains(controls) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|char| {
        if controls(char) {
            char.escape_default().to_string()
        } else {
            char.to_string()
        }
    });
    Cow::Owned(escaped.collect())
}

fn put(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

fn write(to: impl std::io::Write, value: &(impl Serialize + ?Sized)) {
    let written = serde_json::to_writer(to, value);
    debug_assert!(written.is_ok(), "strings and numbers always serialise");
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
        assert_eq!(plain.len(), plain.capacity());
        let expected =
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u","allowed":true}}"#;
        assert_eq!(String::from_utf8(plain).unwrap(), expected);
        let full = Answer {
            warnings: vec!["claim \"a\n\u{1b}[2J\"".to_owned(), "\u{7f}".repeat(300)],
            uid: "u",
            denial: Some("no\n\u{7}".to_owned()),
            patch: vec![PatchOperation::add("/a", 1)],
            annotations: vec![("decision", "denied".to_owned())],
        };
        let full: serde_json::Value = serde_json::from_slice(&full.to_json()).unwrap();
        assert_eq!(full["response"]["status"]["code"], 403);
        assert_eq!(full["response"]["status"]["message"], "no\n\\u{7}");
        assert_eq!(full["response"]["warnings"][0], "claim \"a\\n\\u{1b}[2J\"");
        let longest = full["response"]["warnings"][1].as_str().unwrap();
        assert_eq!(longest.chars().count(), 256);
        assert_eq!(
            full["response"]["patch"],
            "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2EiLCJ2YWx1ZSI6MX1d"
        );
        assert_eq!(full["response"]["auditAnnotations"]["decision"], "denied");
    }
}
