//! A YAML node as a cursor: what projections see of a file.

use std::borrow::Cow;
use std::fmt;

use serde_json::Number;
use stateward_yaml::{Entries, Items, Node, Position, Value};

use crate::cursor::{Cursor, Form, Scalar};

/// The node that is read next.
#[derive(Clone, Debug)]
pub struct NodeCursor<'t> {
    node: Node<'t>,
    failure: Option<Mistyped>,
}

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

impl<'t> NodeCursor<'t> {
    /// Begins with a node.
    #[must_use]
    pub fn new(node: Node<'t>) -> Self {
        Self { node, failure: None }
    }

    /// Notes that the value here has another type; null has none.
    fn expected(&mut self, what: &str) {
        let found = match self.node.value() {
            Value::Bool(bool) => format!("boolean `{bool}`"),
            Value::Float(float) => format!("floating point `{float}`"),
            Value::Integer(integer) => format!("integer `{integer}`"),
            Value::Mapping(_) => "map".to_owned(),
            Value::Null => return,
            Value::Sequence(_) => "sequence".to_owned(),
            Value::Text(text) => format!("string {text:?}"),
            Value::Unsigned(unsigned) => format!("integer `{unsigned}`"),
        };
        let position = self.node.position();
        self.failure.get_or_insert_with(|| Mistyped {
            message: format!("invalid type: {found}, expected {what}"),
            position,
        });
    }
}

impl<'t> Cursor<'t> for NodeCursor<'t> {
    type Error = Mistyped;
    type Members = Entries<'t>;
    type Elements = Items<'t>;

    fn object(&mut self) -> Option<Entries<'t>> {
        if let Value::Mapping(entries) = self.node.value() {
            return Some(entries);
        }
        self.expected("an object");
        None
    }

    /// A key that stands twice is told when the text is read; here the last one counts.
    fn member(&mut self, members: &mut Entries<'t>, number: &dyn Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        let (number, value) = members.find_map(|entry| Some((number(entry.key().as_bytes())?, entry.value)))?;
        self.node = value;
        Some(number)
    }

    fn entry(&mut self, members: &mut Entries<'t>) -> Option<Cow<'t, str>> {
        let entry = members.next()?;
        self.node = entry.value;
        Some(Cow::Borrowed(entry.key()))
    }

    fn array(&mut self) -> Option<Items<'t>> {
        if let Value::Sequence(items) = self.node.value() {
            return Some(items);
        }
        self.expected("a list");
        None
    }

    fn element(&mut self, elements: &mut Items<'t>) -> bool {
        let next = elements.next();
        self.node = next.unwrap_or(self.node);
        next.is_some()
    }

    fn text(&mut self) -> Option<Cow<'t, str>> {
        if let Value::Text(text) = self.node.value() {
            return Some(Cow::Borrowed(text));
        }
        self.expected("a string");
        None
    }

    fn integer(&mut self) -> Option<i64> {
        if let Value::Integer(integer) = self.node.value() {
            return Some(integer);
        }
        self.expected("an integer");
        None
    }

    fn boolean(&mut self) -> Option<bool> {
        if let Value::Bool(bool) = self.node.value() {
            return Some(bool);
        }
        self.expected("a boolean");
        None
    }

    fn scalar(&mut self) -> Option<Scalar<'t>> {
        let number = match self.node.value() {
            Value::Text(text) => return Some(Scalar::Text(Cow::Borrowed(text))),
            Value::Float(float) => Number::from_f64(float),
            Value::Integer(integer) => Some(integer.into()),
            Value::Unsigned(unsigned) => Some(unsigned.into()),
            Value::Bool(_) | Value::Mapping(_) | Value::Null | Value::Sequence(_) => None,
        };
        if number.is_none() {
            self.expected("a number or a text");
        }
        number.map(Scalar::Number)
    }

    fn form(&mut self) -> Form {
        match self.node.value() {
            Value::Bool(_) => Form::Boolean,
            Value::Float(_) | Value::Integer(_) | Value::Text(_) | Value::Unsigned(_) => Form::Scalar,
            Value::Mapping(_) => Form::Object,
            Value::Null => Form::Null,
            Value::Sequence(_) => Form::List,
        }
    }

    fn pass(&mut self) -> bool {
        !matches!(self.node.value(), Value::Null)
    }

    fn failure(&mut self) -> Option<Mistyped> {
        self.failure.take()
    }
}
