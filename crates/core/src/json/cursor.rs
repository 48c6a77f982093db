//! The reader as a cursor: what projections see of it.

use std::borrow::Cow;

use super::error::Error;
use super::reader::Reader;
use crate::cursor::{Cursor, Scalar};

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

    fn object(&mut self) -> Result<Option<Members>, Error> {
        if self.enters(b'{', "an object")? {
            Ok(Some(Members { first: true, seen: 0 }))
        } else {
            Ok(None)
        }
    }

    fn member(
        &mut self,
        members: &mut Members,
        number: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Option<usize>, Error> {
        while let Some(name) = self.key(&mut members.first)? {
            if let Some(number) = number(&name) {
                let bit = 1 << number;
                if members.seen & bit != 0 {
                    return Err(self.wrong("a field stands twice"));
                }
                members.seen |= bit;
                return Ok(Some(number));
            }
            self.skip()?;
        }
        Ok(None)
    }

    fn entry(&mut self, members: &mut Members) -> Result<Option<Cow<'a, str>>, Error> {
        self.key(&mut members.first)
    }

    fn array(&mut self) -> Result<Option<Elements>, Error> {
        if self.enters(b'[', "a list")? {
            Ok(Some(Elements { first: true }))
        } else {
            Ok(None)
        }
    }

    fn element(&mut self, elements: &mut Elements) -> Result<bool, Error> {
        self.next(&mut elements.first, b']')
    }

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, Error> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            _ => self.null_or("a string").map(|()| None),
        }
    }

    fn integer(&mut self) -> Result<Option<i64>, Error> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.null_or("an integer").map(|()| None);
        }
        let place = self.clone();
        match self.number()?.as_i64() {
            Some(integer) => Ok(Some(integer)),
            None => {
                *self = place;
                Err(self.mistyped("an integer"))
            }
        }
    }

    fn boolean(&mut self) -> Result<Option<bool>, Error> {
        match self.peek() {
            Some(b't') if self.take("true") => Ok(Some(true)),
            Some(b'f') if self.take("false") => Ok(Some(false)),
            _ => self.null_or("a boolean").map(|()| None),
        }
    }

    fn scalar(&mut self) -> Result<Option<Scalar<'a>>, Error> {
        match self.peek() {
            Some(b'"') => self.string().map(|text| Some(Scalar::Text(text))),
            Some(b'-' | b'0'..=b'9') => self.number().map(|number| Some(Scalar::Number(number))),
            _ => self.null_or("a number or a text").map(|()| None),
        }
    }

    fn pass(&mut self) -> Result<bool, Error> {
        self.skip().map(|text| text != "null")
    }
}

impl Reader<'_> {
    /// Passes the bracket of a container; false where there is null.
    #[inline]
    fn enters(&mut self, bracket: u8, expected: &str) -> Result<bool, Error> {
        if self.peek() == Some(bracket) {
            self.step();
            return Ok(true);
        }
        self.null_or(expected).map(|()| false)
    }

    /// Passes null; anything else is a mistake.
    fn null_or(&mut self, expected: &str) -> Result<(), Error> {
        if self.null() {
            Ok(())
        } else {
            Err(self.mistyped(expected))
        }
    }
}
