//! The place in a text, and what stands there.

use std::borrow::Cow;

use serde_json::Number;

use super::error::Error;
use super::skip;

/// A place in a JSON text. After an error it stands where reading stopped.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
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
                Err(Self {
                    text: valid,
                    at: error.valid_up_to(),
                }
                .wrong("invalid UTF-8"))
            }
        }
    }

    /// Passes a value and returns its text; `None` where it is `null`.
    ///
    /// # Errors
    /// It is no JSON, as far as that shows.
    pub fn raw(&mut self) -> Result<Option<&'a str>, Error> {
        let skipped = self.skip()?;
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
            Some(_) => Err(self.wrong("trailing characters")),
        }
    }

    /// An error at this place.
    #[cold]
    pub(super) fn wrong(&self, message: &str) -> Error {
        Error::new(message, self.text, self.at)
    }

    /// The error of a value that has another type than was expected. It does not tell the value, which is somebody's.
    #[cold]
    pub(super) fn mistyped(&mut self, expected: &str) -> Error {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => return self.wrong("expected a value"),
            None => return self.wrong("EOF while parsing a value"),
        };
        self.wrong(&format!("invalid type: {found}, expected {expected}"))
    }

    /// The next byte that is not blank.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            // Nothing but what people wrote has blanks.
            Some(b' ' | b'\n' | b'\r' | b'\t') => self.peek_past_blanks(),
            byte => byte.copied(),
        }
    }

    #[cold]
    fn peek_past_blanks(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blanks = rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.at += blanks.unwrap_or(rest.len());
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes the byte that was peeked.
    #[inline]
    pub(super) fn step(&mut self) {
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

    /// Goes to the next element of a container that ends with `end`, past the comma; false behind it.
    #[inline]
    pub(super) fn next(&mut self, first: &mut bool, end: u8) -> Result<bool, Error> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if !*first => self.at += 1,
            Some(_) if *first => *first = false,
            _ => return Err(self.wrong("expected a comma or the end")),
        }
        Ok(true)
    }

    /// The next key of an object, past the colon; `None` behind it.
    #[inline]
    pub(super) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.next(first, b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.wrong("expected a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.wrong("expected a colon"));
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
        self.pass_string()?;
        let text = serde_json::from_str(&self.text[start..self.at]);
        text.map(Cow::Owned).map_err(|_| self.wrong("invalid escape"))
    }

    /// Passes the string that begins here.
    fn pass_string(&mut self) -> Result<(), Error> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            self.at += skip::plain(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') if self.at + 1 < bytes.len() => self.at += 2,
                Some(b'\\') | None => return Err(self.wrong("EOF while parsing a string")),
                Some(_) => return Err(self.wrong("control character within a string")),
            }
        }
    }

    /// The number that begins here.
    pub(super) fn number(&mut self) -> Result<Number, Error> {
        let text = self.pass_scalar();
        let digits = text.strip_prefix('-').unwrap_or(text);
        // Rust takes the leading zeros that JSON forbids.
        if digits.len() == 1 || !digits.starts_with('0') {
            if let Ok(number) = text.parse::<u64>() {
                return Ok(number.into());
            }
            if let Ok(number) = text.parse::<i64>() {
                return Ok(number.into());
            }
        }
        serde_json::from_str(text).map_err(|_| self.wrong("invalid number"))
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
            Some(b'"') => {
                if self.pass_plain().is_none() {
                    self.pass_string()?;
                }
            }
            Some(b'{' | b'[') => match skip::nested(&self.text.as_bytes()[start..]) {
                Some(length) => self.at += length,
                None => return Err(self.wrong("EOF while parsing an array or object")),
            },
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            Some(_) if self.take("null") || self.take("true") || self.take("false") => {}
            Some(_) => return Err(self.wrong("expected a value")),
            None => return Err(self.wrong("EOF while parsing a value")),
        }
        Ok(&self.text[start..self.at])
    }
}
