//! A YAML node as a cursor: what projections see of a file.

use std::borrow::Cow;
use std::fmt;

use serde_json::Number;
use stateward_yaml::{Entries, Items, Node, Position, Value};

use crate::cursor::{Cursor, Scalar};

/// The node that is read next.
#[derive(Clone, Copy, Debug)]
pub struct NodeCursor<'t>(pub Node<'t>);

/// A value of another type than its field has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistyped {
    message: String,
    position: Position,
}

impl Mistyped {
    /// Where the value stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }
}

impl fmt::Display for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl NodeCursor<'_> {
    fn expected(self, what: &str) -> Mistyped {
        let found = match self.0.value() {
            Value::Bool(bool) => format!("boolean `{bool}`"),
            Value::Float(float) => format!("floating point `{float}`"),
            Value::Integer(integer) => format!("integer `{integer}`"),
            Value::Mapping(_) => "map".to_owned(),
            Value::Null => "null".to_owned(),
            Value::Sequence(_) => "sequence".to_owned(),
            Value::Text(text) => format!("string {text:?}"),
            Value::Unsigned(unsigned) => format!("integer `{unsigned}`"),
        };
        Mistyped {
            message: format!("invalid type: {found}, expected {what}"),
            position: self.0.position(),
        }
    }
}

impl<'t> Cursor<'t> for NodeCursor<'t> {
    type Error = Mistyped;
    type Members = Entries<'t>;
    type Elements = Items<'t>;

    fn object(&mut self) -> Result<Option<Entries<'t>>, Mistyped> {
        match self.0.value() {
            Value::Mapping(entries) => Ok(Some(entries)),
            Value::Null => Ok(None),
            _ => Err(self.expected("an object")),
        }
    }

    /// A key that stands twice is told when the text is read; here the last one counts.
    fn member(
        &mut self,
        members: &mut Entries<'t>,
        number: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Option<usize>, Mistyped> {
        let known = members.find_map(|entry| Some((number(entry.key())?, entry.value)));
        Ok(known.map(|(number, value)| {
            self.0 = value;
            number
        }))
    }

    fn entry(&mut self, members: &mut Entries<'t>) -> Result<Option<Cow<'t, str>>, Mistyped> {
        Ok(members.next().map(|entry| {
            self.0 = entry.value;
            Cow::Borrowed(entry.key())
        }))
    }

    fn array(&mut self) -> Result<Option<Items<'t>>, Mistyped> {
        match self.0.value() {
            Value::Sequence(items) => Ok(Some(items)),
            Value::Null => Ok(None),
            _ => Err(self.expected("a list")),
        }
    }

    fn element(&mut self, elements: &mut Items<'t>) -> Result<bool, Mistyped> {
        let next = elements.next();
        self.0 = next.unwrap_or(self.0);
        Ok(next.is_some())
    }

    fn text(&mut self) -> Result<Option<Cow<'t, str>>, Mistyped> {
        match self.0.value() {
            Value::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Value::Null => Ok(None),
            _ => Err(self.expected("a string")),
        }
    }

    fn integer(&mut self) -> Result<Option<i64>, Mistyped> {
        match self.0.value() {
            Value::Integer(integer) => Ok(Some(integer)),
            Value::Null => Ok(None),
            _ => Err(self.expected("an integer")),
        }
    }

    fn boolean(&mut self) -> Result<Option<bool>, Mistyped> {
        match self.0.value() {
            Value::Bool(bool) => Ok(Some(bool)),
            Value::Null => Ok(None),
            _ => Err(self.expected("a boolean")),
        }
    }

    fn scalar(&mut self) -> Result<Option<Scalar<'t>>, Mistyped> {
        let number = match self.0.value() {
            Value::Text(text) => return Ok(Some(Scalar::Text(Cow::Borrowed(text)))),
            Value::Null => return Ok(None),
            Value::Float(float) => Number::from_f64(float),
            Value::Integer(integer) => Some(integer.into()),
            Value::Unsigned(unsigned) => Some(unsigned.into()),
            Value::Bool(_) | Value::Mapping(_) | Value::Sequence(_) => None,
        };
        let number = number.ok_or_else(|| self.expected("a number or a text"))?;
        Ok(Some(Scalar::Number(number)))
    }

    fn pass(&mut self) -> Result<bool, Mistyped> {
        Ok(!matches!(self.0.value(), Value::Null))
    }
}
