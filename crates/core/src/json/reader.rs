//! The cursor over a text.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeSeed;

use super::error::Error;
use super::skip;

/// A place in a JSON text. After an error it stands where reading stopped.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// A number as the text has it.
pub(super) enum Number {
    Float(f64),
    Negative(i64),
    Positive(u64),
}

impl<'a> Reader<'a> {
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Begins with bytes. To check them once is cheaper than to check every text in them.
    ///
    /// # Errors
    /// They are no UTF-8.
    pub fn from_slice(bytes: &'a [u8]) -> Result<Self, Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(text)),
            Err(error) => {
                let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                Err(Error::new("invalid UTF-8").or_at(valid, error.valid_up_to()))
            }
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// It is no JSON, or of another type.
    pub fn value<T: Deserialize<'a>>(&mut self) -> Result<T, Error> {
        self.seed(PhantomData)
    }

    /// Reads a value with a seed.
    ///
    /// # Errors
    /// It is no JSON, or of another type.
    pub fn seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let result = seed.deserialize(&mut *self);
        result.map_err(|error| self.locate(error))
    }

    /// Reads an object; `member` is told each key and reads or skips the value.
    ///
    /// # Errors
    /// It is no object, or a member failed.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<(), Error>) -> Result<(), Error> {
        if self.peek() != Some(b'{') {
            return Err(self.locate(Error::new("expected an object")));
        }
        self.at += 1;
        let mut first = true;
        loop {
            let key = self.key(&mut first);
            let Some(key) = key.map_err(|error| self.locate(error))? else {
                return Ok(());
            };
            member(self, &key)?;
        }
    }

    /// Skips a value and returns its text; `None` where it is `null`.
    ///
    /// # Errors
    /// It is no JSON, as far as that shows.
    pub fn raw(&mut self) -> Result<Option<&'a str>, Error> {
        let skipped = self.skip().map_err(|error| self.locate(error))?;
        Ok((skipped != "null").then_some(skipped))
    }

    /// Passes `null` where it stands here.
    pub fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take("null")
    }

    /// Checks that nothing but blanks follows.
    ///
    /// # Errors
    /// Something does.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.locate(Error::new("trailing characters"))),
        }
    }

    fn locate(&self, error: Error) -> Error {
        error.or_at(self.text, self.at)
    }

    /// The next byte that is not blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes the byte that was peeked.
    pub(super) fn pass(&mut self) {
        self.at += 1;
    }

    /// Passes `word` where it stands here.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let taken = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if taken {
            self.at += word.len();
        }
        taken
    }

    /// Goes to the next element of a container that ends with `end`, past the comma; false at its end.
    pub(super) fn next(&mut self, first: &mut bool, end: u8) -> Result<bool, Error> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                return Ok(false);
            }
            Some(_) if *first => *first = false,
            Some(b',') => {
                self.at += 1;
                if self.peek() == Some(end) {
                    return Err(Error::new("trailing comma"));
                }
            }
            _ => return Err(Error::new("expected a comma or the end")),
        }
        Ok(true)
    }

    /// The next key of an object, past the colon; `None` at its end.
    pub(super) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.next(first, b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(Error::new("expected a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(Error::new("expected a colon"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// The string that begins here.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        match self.pass_plain() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.odd_string(),
        }
    }

    /// Passes the string that begins here where nothing in it is escaped, as in nearly all.
    #[inline]
    fn pass_plain(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let end = start + skip::plain(&self.text.as_bytes()[start..]);
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// The string that begins here, with something in it that is escaped, or should not be there.
    #[cold]
    fn odd_string(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.at;
        let escaped = self.pass_string()?;
        if escaped {
            let text = serde_json::from_str(&self.text[start..self.at]);
            text.map(Cow::Owned).map_err(|_| Error::new("invalid escape"))
        } else {
            Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]))
        }
    }

    /// Passes the string that begins here, and tells whether something in it is escaped.
    fn pass_string(&mut self) -> Result<bool, Error> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += skip::plain(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') if self.at + 1 < bytes.len() => {
                    escaped = true;
                    self.at += 2;
                }
                Some(b'\\') | None => return Err(Error::new("EOF while parsing a string")),
                Some(_) => return Err(Error::new("control character within a string")),
            }
        }
    }

    /// The number that begins here.
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let text = self.pass_scalar();
        let digits = text.strip_prefix('-').unwrap_or(text);
        // Rust takes the leading zeros that JSON forbids.
        if digits.len() == 1 || !digits.starts_with('0') {
            if let Ok(number) = text.parse() {
                return Ok(Number::Positive(number));
            }
            if let Ok(number) = text.parse() {
                return Ok(Number::Negative(number));
            }
        }
        serde_json::from_str(text)
            .map(Number::Float)
            .map_err(|_| Error::new("invalid number"))
    }

    /// Passes what is neither string nor container.
    fn pass_scalar(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':' | b'"' | b'[' | b'{' | ..=b' ');
        let length = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Passes a value of any type, and returns its text.
    pub(super) fn skip(&mut self) -> Result<&'a str, Error> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'{' | b'[') => {
                let length = skip::nested(&self.text.as_bytes()[start..]);
                self.at += length.ok_or_else(|| Error::new("EOF while parsing an array or object"))?;
            }
            Some(b'"') => {
                if self.pass_plain().is_none() {
                    self.pass_string()?;
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            Some(_) if self.take("null") || self.take("true") || self.take("false") => {}
            _ => return Err(Error::new("expected a value")),
        }
        Ok(&self.text[start..self.at])
    }
}
