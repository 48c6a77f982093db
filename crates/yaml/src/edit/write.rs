//! Values as YAML or JSON text.

use serde_json::Value as Json;

use crate::node::Node;
use crate::scalar::{self, Scalar};

/// How a flow collection is written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Keys stand in quotes: JSON.
    pub(super) quotes_keys: bool,
    /// Strings stand in quotes: JSON and KYAML.
    pub(super) quotes_strings: bool,
    /// No blank after a colon or a comma.
    pub(super) is_tight: bool,
}

impl Style {
    /// The style of a flow mapping; of any other node YAML's plain one.
    pub(super) fn of(text: &str, node: Node<'_>) -> Self {
        let plain = Self {
            quotes_keys: false,
            quotes_strings: false,
            is_tight: false,
        };
        if !node.is_flow() {
            return plain;
        }
        node.entries().first().map_or(plain, |entry| {
            let after = text[entry.name.span().end..].trim_start();
            let quotes_keys = text[entry.name.span()].starts_with('"');
            Self {
                quotes_keys,
                quotes_strings: true,
                is_tight: quotes_keys && !after[1..].starts_with([' ', '\n', '\r', '\t']),
            }
        })
    }

    /// `key: value`.
    pub(super) fn entry(self, key: &str, value: &Json) -> String {
        let key = if self.quotes_keys {
            double_quoted(key)
        } else {
            string(key)
        };
        let blank = self.blank();
        format!("{key}:{blank}{}", self.value(value))
    }

    /// The value on one line.
    pub(super) fn value(self, value: &Json) -> String {
        let joined = |parts: Vec<String>| parts.join(&format!(",{}", self.blank()));
        match value {
            Json::Array(items) => format!("[{}]", joined(items.iter().map(|item| self.value(item)).collect())),
            Json::Object(members) => {
                let members = members.iter().map(|(key, value)| self.entry(key, value));
                format!("{{{}}}", joined(members.collect()))
            }
            Json::String(text) if !self.quotes_strings => string(text),
            other => other.to_string(),
        }
    }

    pub(super) const fn blank(self) -> &'static str {
        if self.is_tight { "" } else { " " }
    }
}

/// A string without quotes where it stays one.
fn string(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "._/-".contains(one))
        && matches!(scalar::resolve(text), Scalar::Text);
    if is_plain { text.to_owned() } else { double_quoted(text) }
}

pub(super) fn double_quoted(text: &str) -> String {
    Json::from(text).to_string()
}

pub(super) fn single_quoted(text: &str) -> String {
    if text.contains(char::is_control) {
        double_quoted(text)
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// An entry of a block mapping, as lines without indentation.
pub(super) fn block_entry(key: &str, value: &Json, step: usize, style: Style) -> Vec<String> {
    let key = string(key);
    match value {
        Json::Object(members) if !members.is_empty() => {
            let mut lines = vec![format!("{key}:")];
            lines.extend(
                block_members(value, step, style)
                    .into_iter()
                    .map(|line| indented(&line, step)),
            );
            lines
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            let mut lines = vec![format!("{key}:")];
            lines.extend(items.iter().flat_map(|item| block_item(item, step, style)));
            lines
        }
        value => vec![format!("{key}: {}", style.value(value))],
    }
}

/// The entries of an object as lines; anything else on one line.
pub(super) fn block_members(value: &Json, step: usize, style: Style) -> Vec<String> {
    match value {
        Json::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(key, value)| block_entry(key, value, step, style))
            .collect(),
        value => vec![style.value(value)],
    }
}

/// An item of a block sequence, as lines that begin at the dash.
pub(super) fn block_item(value: &Json, step: usize, style: Style) -> Vec<String> {
    let lines = block_members(value, step, style).into_iter().enumerate();
    lines
        .map(|(number, line)| {
            if number == 0 {
                format!("- {line}")
            } else {
                indented(&line, 2)
            }
        })
        .collect()
}

pub(super) fn indented(line: &str, columns: usize) -> String {
    format!("{:columns$}{line}", "")
}
