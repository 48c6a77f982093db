//! Texts of JSON without copies, and the values that are a number or a text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text borrowed from the JSON where it has no escapes.
///
/// serde borrows a `Cow<str>` only as a field of its own: within an `Option` or a `Vec` it copies.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// An `intstr.IntOrString` that counts, or a quantity: Kubernetes writes texts, people also numbers.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Number(serde_json::Number),
    Text(Cow<'a, str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Scalar<'de>, E> {
        let number = serde_json::Number::from_f64(number).ok_or_else(|| E::custom("not a finite number"))?;
        Ok(Scalar::Number(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrows_what_has_no_escapes() {
        let texts: Vec<Option<Text<'_>>> = serde_json::from_str(r#"["a","\n",null]"#).unwrap();
        assert!(matches!(texts[0], Some(Text(Cow::Borrowed("a")))));
        assert!(matches!(&texts[1], Some(Text(Cow::Owned(text))) if text == "\n"));
        assert!(texts[2].is_none());
    }
}
