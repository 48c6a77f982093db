//! The reader as a cursor: what projections see of it.

use std::borrow::Cow;

use super::error::Error;
use super::reader::Reader;
use crate::cursor::{Cursor, Form, Scalar};

/// How far an object was read.
#[derive(Debug)]
pub struct Members {
    first: bool,
    /// A bit for each number that has come.
    seen: u64,
}

/// How far an array was read.
#[derive(Debug)]
pub struct Elements {
    first: bool,
}

impl<'a> Cursor<'a> for Reader<'a> {
    type Error = Error;
    type Members = Members;
    type Elements = Elements;

    fn object(&mut self) -> Option<Members> {
        let members = Members { first: true, seen: 0 };
        self.enters(b'{', "an object").then_some(members)
    }

    fn member(&mut self, members: &mut Members, number: &dyn Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        loop {
            let known = match self.plain_key(&mut members.first) {
                Some(name) => number(name),
                None => number(self.key(&mut members.first)?.as_bytes()),
            };
            if let Some(number) = known {
                let bit = 1 << number;
                if members.seen & bit != 0 {
                    self.fail("a field stands twice");
                    return None;
                }
                members.seen |= bit;
                return Some(number);
            }
            self.pass_value();
        }
    }

    fn entry(&mut self, members: &mut Members) -> Option<Cow<'a, str>> {
        self.key(&mut members.first)
    }

    fn array(&mut self) -> Option<Elements> {
        let elements = Elements { first: true };
        self.enters(b'[', "a list").then_some(elements)
    }

    fn element(&mut self, elements: &mut Elements) -> bool {
        self.next(&mut elements.first, b']')
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        self.null_or("a string");
        None
    }

    fn integer(&mut self) -> Option<i64> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            self.null_or("an integer");
            return None;
        }
        let place = self.clone();
        let number = self.number()?;
        if !number.is_i64() {
            *self = place;
            self.mistyped("an integer");
        }
        number.as_i64()
    }

    fn boolean(&mut self) -> Option<bool> {
        match self.peek() {
            Some(b't') if self.take("true") => Some(true),
            Some(b'f') if self.take("false") => Some(false),
            _ => {
                self.null_or("a boolean");
                None
            }
        }
    }

    fn scalar(&mut self) -> Option<Scalar<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Scalar::Number),
            _ => {
                self.null_or("a number or a text");
                None
            }
        }
    }

    fn form(&mut self) -> Form {
        match self.peek() {
            Some(b'{') => Form::Object,
            Some(b'[') => Form::List,
            Some(b't' | b'f') => Form::Boolean,
            Some(b'"' | b'-' | b'0'..=b'9') => Form::Scalar,
            _ => Form::Null,
        }
    }

    fn pass(&mut self) -> bool {
        self.skip() != "null"
    }

    fn failure(&mut self) -> Option<Error> {
        self.take_failure()
    }
}

impl Reader<'_> {
    /// Passes the bracket of a container; false where there is null.
    #[inline]
    fn enters(&mut self, bracket: u8, expected: &str) -> bool {
        let enters = self.peek() == Some(bracket);
        if enters {
            self.step();
        } else {
            self.null_or(expected);
        }
        enters
    }

    /// Passes null; anything else is a mistake.
    #[cold]
    fn null_or(&mut self, expected: &str) {
        if !self.null() {
            self.mistyped(expected);
        }
    }
}
