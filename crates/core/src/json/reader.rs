//! The place in a text, and what stands there.

use std::borrow::Cow;

use serde_json::Number;

use super::error::Error;
use super::skip;

/// A place in a JSON text. After a failure nothing more stands there.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    failure: Option<Error>,
}

impl<'a> Reader<'a> {
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            failure: None,
        }
    }

    /// Begins with bytes. To check them once is cheaper than to check every text in them.
    ///
    /// # Errors
    /// They are no UTF-8.
    pub fn from_slice(bytes: &'a [u8]) -> Result<Self, Error> {
        // It does not tell where.
        simdutf8::basic::from_utf8(bytes).map(Self::new).map_err(|_| {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            Error::new("invalid UTF-8", valid, valid.len())
        })
    }

    /// Passes a value and returns its text; `None` where it is `null`.
    pub fn raw(&mut self) -> Option<&'a str> {
        let skipped = self.skip();
        (skipped != "null").then_some(skipped)
    }

    /// Passes `null` where it stands here.
    pub fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take("null")
    }

    /// Ends reading.
    ///
    /// # Errors
    /// What went wrong first; or something else than blanks follows.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.peek().is_some() {
            self.fail("trailing characters");
        }
        self.take_failure().map_or(Ok(()), Err)
    }

    pub(super) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Notes what is wrong at this place, unless something was before.
    #[cold]
    pub(super) fn fail(&mut self, message: &str) {
        let (text, at) = (self.text, self.at);
        self.failure.get_or_insert_with(|| Error::new(message, text, at));
        (self.text, self.at) = ("", 0);
    }

    /// Notes that the value here has another type than was expected. It does not tell the value, which is somebody's.
    #[cold]
    pub(super) fn mistyped(&mut self, expected: &str) {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => return self.fail("expected a value"),
            None => return self.fail("EOF while parsing a value"),
        };
        self.fail(&format!("invalid type: {found}, expected {expected}"));
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
    pub(super) fn next(&mut self, first: &mut bool, end: u8) -> bool {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                return false;
            }
            Some(b',') if !*first => self.at += 1,
            Some(_) if *first => *first = false,
            _ => {
                self.fail("expected a comma or the end");
                return false;
            }
        }
        true
    }

    /// The next key of an object, past the colon; `None` behind it.
    pub(super) fn key(&mut self, first: &mut bool) -> Option<Cow<'a, str>> {
        if !self.next(first, b'}') {
            return None;
        }
        if self.peek() != Some(b'"') {
            self.fail("expected a key");
            return None;
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            self.fail("expected a colon");
            return None;
        }
        self.at += 1;
        Some(key)
    }

    /// The same where the key stands as programs write it, without blanks and escapes; `None` anywhere else, and nothing
    /// is passed then.
    #[inline]
    pub(super) fn plain_key(&mut self, first: &mut bool) -> Option<&'a [u8]> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let (skipped, name) = match rest {
            [b',', b'"', name @ ..] if !*first => (2, name),
            [b'"', name @ ..] if *first => (1, name),
            _ => return None,
        };
        let (name, after) = name.split_at_checked(skip::plain(name))?;
        if !after.starts_with(b"\":") {
            return None;
        }
        *first = false;
        self.at += skipped + name.len() + 2;
        Some(name)
    }

    /// The string that begins here.
    #[inline]
    pub(super) fn string(&mut self) -> Option<Cow<'a, str>> {
        match self.plain_string() {
            Some(text) => Some(Cow::Borrowed(text)),
            None => self.odd_string(),
        }
    }

    /// Passes the string that begins here where nothing in it is escaped, as in nearly all.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let length = skip::plain(rest);
        if rest.get(length) != Some(&b'"') {
            return None;
        }
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// The string that begins here, with something in it that is escaped, or should not be there.
    #[cold]
    fn odd_string(&mut self) -> Option<Cow<'a, str>> {
        let text = self.text;
        let start = self.at;
        self.pass_string();
        let read = serde_json::from_str(text.get(start..self.at)?);
        if read.is_err() {
            self.fail("invalid escape");
        }
        read.ok().map(Cow::Owned)
    }

    /// Passes the string that begins here.
    fn pass_string(&mut self) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            self.at += skip::plain(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(b'\\') if self.at + 1 < bytes.len() => self.at += 2,
                Some(b'\\') | None => return self.fail("EOF while parsing a string"),
                Some(_) => return self.fail("control character within a string"),
            }
        }
    }

    /// The number that begins here.
    pub(super) fn number(&mut self) -> Option<Number> {
        let text = self.pass_scalar();
        let digits = text.strip_prefix('-').unwrap_or(text);
        // Rust takes the leading zeros that JSON forbids.
        if digits.len() == 1 || !digits.starts_with('0') {
            if let Ok(number) = text.parse::<u64>() {
                return Some(number.into());
            }
            if let Ok(number) = text.parse::<i64>() {
                return Some(number.into());
            }
        }
        let number = serde_json::from_str(text);
        if number.is_err() {
            self.fail("invalid number");
        }
        number.ok()
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
    pub(super) fn skip(&mut self) -> &'a str {
        self.peek();
        let (text, start) = (self.text, self.at);
        self.pass_value();
        text.get(start..self.at).unwrap_or_default()
    }

    /// Passes a value of any type. What nobody reads need only have an end: nonsense in it must not change an answer.
    pub(super) fn pass_value(&mut self) {
        match self.peek() {
            Some(b'"') => {
                if self.plain_string().is_none() {
                    self.pass_any_string();
                }
            }
            Some(b'{' | b'[') => match skip::nested(&self.text.as_bytes()[self.at..]) {
                Some(length) => self.at += length,
                None => self.fail("EOF while parsing an array or object"),
            },
            Some(_) => {
                if self.pass_scalar().is_empty() {
                    self.fail("expected a value");
                }
            }
            None => self.fail("EOF while parsing a value"),
        }
    }

    /// Passes the string that begins here, whatever is in it.
    #[cold]
    fn pass_any_string(&mut self) {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let mut escaped = false;
        let end = rest.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        match end {
            Some(length) => self.at += length + 2,
            None => self.fail("EOF while parsing a string"),
        }
    }
}
