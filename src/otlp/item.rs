//! What is sent, a log record or a span: a text of JSON with attributes in it.

use std::borrow::Cow;

use serde::Serialize;

/// One of many in a batch. As a text, so that what waits is as large as it looks.
pub(super) type Item = Box<str>;

/// Longer texts are cut: rules write some 200 characters, but names may be long.
const TEXT: usize = 1_000;

/// An attribute. All of ours are texts: stores keep attributes in maps of texts.
#[derive(Serialize)]
pub(super) struct KeyValue<'a> {
    key: &'static str,
    value: AnyValue<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnyValue<'a> {
    pub(super) string_value: Cow<'a, str>,
}

/// Attributes of these names and texts, without those that say nothing.
pub(super) fn attributes<'a>(pairs: impl IntoIterator<Item = (&'static str, Cow<'a, str>)>) -> Vec<KeyValue<'a>> {
    let told = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(key, value)| KeyValue {
        key,
        value: AnyValue { string_value: value },
    })
    .collect()
}

/// As much of a text as is sent.
pub(super) fn clipped<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let text = text.into();
    if text.len() <= TEXT {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT)]).into()
}

/// Writes an item of texts and numbers alone: there is nothing in it that JSON could not say.
pub(super) fn written(item: &impl Serialize) -> Item {
    serde_json::to_string(item).unwrap_or_default().into()
}
