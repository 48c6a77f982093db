//! Reads nodes straight into types with serde; errors know where they are.
//!
//! Null is read as Go reads it: a field that is null is absent, and a null among strings is the empty string. So
//! `emptyDir:` and `labels:` with nothing behind them mean here what they mean to the API server.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use stateward_nearest::nearest;

use crate::node::{Entries, Items, Node, Value};
use crate::position::Position;

/// A value that does not have the shape that a type wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    message: String,
    position: Option<Position>,
}

impl ShapeError {
    /// Where the value is that does not fit, or the key that nobody knows.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position.unwrap_or(Position::START)
    }

    fn at(mut self, node: Node<'_>) -> Self {
        self.position.get_or_insert_with(|| node.position());
        self
    }

    fn unknown(what: &str, name: &str, expected: &'static [&'static str]) -> Self {
        let message = match (nearest(name, expected.iter().copied()), expected) {
            (Some(meant), _) => format!("unknown {what} `{name}`: did you mean `{meant}`?"),
            (None, []) => format!("unknown {what} `{name}`: there is none"),
            (None, _) => format!("unknown {what} `{name}`: expected one of {}", expected.join(", ")),
        };
        de::Error::custom(message)
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            position: None,
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("field", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::unknown("value", variant, expected)
    }
}

impl<'t> Node<'t> {
    /// Reads the node into a type. Fields that are null count as absent, as for the API server.
    ///
    /// # Errors
    /// The first value that does not have the shape of the type.
    pub fn to<T: Deserialize<'t>>(self) -> Result<T, ShapeError> {
        T::deserialize(self)
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.value() {
            Value::Bool(bool) => visitor.visit_bool(bool),
            Value::Float(float) => visitor.visit_f64(float),
            Value::Integer(integer) => visitor.visit_i64(integer),
            Value::Mapping(entries) => visitor.visit_map(Fields {
                entries,
                nulls: Nulls::Kept,
                value: None,
            }),
            Value::Null => visitor.visit_unit(),
            Value::Sequence(items) => visitor.visit_seq(Elements { items }),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Unsigned(unsigned) => visitor.visit_u64(unsigned),
        }
        .map_err(|error| error.at(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.value() {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self.value() {
            Value::Mapping(entries) => visitor
                .visit_map(Fields {
                    entries,
                    nulls: Nulls::Absent,
                    value: None,
                })
                .map_err(|error| error.at(self)),
            // Serde would take a list for the fields in their order.
            Value::Sequence(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
        .map_err(|error: ShapeError| error.at(self))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.value() {
            Value::Null => visitor
                .visit_borrowed_str("")
                .map_err(|error: ShapeError| error.at(self)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self).map_err(|error| error.at(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        match self.value() {
            Value::Text(text) => {
                let variant = Key(text).deserialize_enum(name, variants, visitor);
                variant.map_err(|error| error.at(self))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier
    }
}

/// What becomes of fields that are null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Absent,
    Kept,
}

struct Fields<'r> {
    entries: Entries<'r>,
    nulls: Nulls,
    value: Option<Node<'r>>,
}

impl<'r> MapAccess<'r> for Fields<'r> {
    type Error = ShapeError;

    fn next_key_seed<K: de::DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        let absent = |node: Node<'_>| self.nulls == Nulls::Absent && matches!(node.value(), Value::Null);
        let Some(entry) = self.entries.find(|entry| !absent(entry.value)) else {
            return Ok(None);
        };
        self.value = Some(entry.value);
        seed.deserialize(Key(entry.key()))
            .map(Some)
            .map_err(|error| error.at(entry.name))
    }

    fn next_value_seed<S: de::DeserializeSeed<'r>>(&mut self, seed: S) -> Result<S::Value, ShapeError> {
        let value = self
            .value
            .take()
            .expect("invariant: serde asks for a value after its key");
        seed.deserialize(value).map_err(|error| error.at(value))
    }
}

/// A key, or the name of a variant; serde's own deserializer of strings knows no newtypes.
struct Key<'r>(&'r str);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let text: StrDeserializer<'_, ShapeError> = self.0.into_deserializer();
        visitor.visit_enum(text)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Elements<'r> {
    items: Items<'r>,
}

impl<'r> SeqAccess<'r> for Elements<'r> {
    type Error = ShapeError;

    fn next_element_seed<S: de::DeserializeSeed<'r>>(&mut self, seed: S) -> Result<Option<S::Value>, ShapeError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        seed.deserialize(item).map(Some).map_err(|error| error.at(item))
    }
}
