//! The YAML that nearly all manifests are written in, read line by line, in a fraction of the time that the parser takes.
//!
//! That is: ASCII; mappings and lists by indentation; strings that stand on one line, quoted ones without escapes;
//! literal blocks; `{}`, and lists of strings in brackets; comments. A document that has anything else, or anything
//! wrong, is left to the parser as a whole. So the parser decides what YAML is: what is read here must be read as it
//! reads it, to the byte (`tests/plain.rs` compares the two).

mod value;

use std::ops::Range;

use granit_parser::ScalarStyle;

use crate::builder::Builder;
use crate::position::small;

/// A longer key is left to the parser, which has a limit of its own.
const KEY_LIMIT: usize = 500;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Plain {
    /// From its `---`, or else the first line of its content, to the next `---` or the end of the text. Empty where there
    /// is neither.
    pub(crate) span: Range<usize>,
    /// Whether it holds anything but comments.
    pub(crate) has_content: bool,
}

/// Reads the document that begins at `from`, the beginning of a line. `None` leaves an unfinished one in the builder.
pub(crate) fn read(builder: &mut Builder, text: &str, from: usize) -> Option<Plain> {
    let mut lines = Lines {
        text,
        at: from,
        has_content: false,
        levels: Vec::new(),
        pending: None,
        builder,
    };
    let is_explicit = lines.marker(from)?;
    if is_explicit {
        lines.at = text[from..].find('\n').map_or(text.len(), |newline| from + newline + 1);
    }
    let mut start = is_explicit.then_some(from);
    while let Some(line) = lines.next()? {
        start.get_or_insert(line.start);
        lines.entry(line)?;
    }
    while !lines.levels.is_empty() {
        lines.close()?;
    }
    Some(Plain {
        span: start.unwrap_or(lines.at)..lines.at,
        has_content: lines.has_content,
    })
}

struct Lines<'t, 'b> {
    text: &'t str,
    /// Where the next line begins.
    at: usize,
    has_content: bool,
    /// The open collections.
    levels: Vec<Level>,
    /// Where a null stands, unless what follows is the value of the last key or item.
    pending: Option<usize>,
    builder: &'b mut Builder,
}

/// A line with content.
struct Line {
    start: usize,
    /// Without the spaces around it.
    content: Range<usize>,
    /// Its newline, or the end of the text.
    end: usize,
}

/// An open collection.
#[derive(Clone, Copy)]
struct Level {
    /// The column of its keys or dashes, from 0.
    column: usize,
    is_sequence: bool,
}

/// Every function returns `None` for what is left to the parser.
impl Lines<'_, '_> {
    /// Whether `---` stands at the beginning of a line.
    fn marker(&self, line: usize) -> Option<bool> {
        let rest = &self.text.as_bytes()[line..];
        if rest.starts_with(b"---") {
            let behind = rest[3..].iter().find(|&&byte| byte != b' ');
            behind.is_none_or(|&byte| byte == b'\n').then_some(true)
        } else {
            (!rest.starts_with(b"...")).then_some(false)
        }
    }

    /// The end of the line that begins here: its newline, or the end of the text.
    fn end_of(&self, line: usize) -> Option<usize> {
        let rest = &self.text.as_bytes()[line..];
        let length = rest.iter().position(|byte| !(b' '..=b'~').contains(byte));
        match length {
            None => Some(self.text.len()),
            Some(length) => (rest[length] == b'\n').then_some(line + length),
        }
    }

    /// Takes the next line with content; the inner `None` is the end of the document.
    fn next(&mut self) -> Option<Option<Line>> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let line = self.at;
            if self.marker(line)? {
                return Some(None);
            }
            let end = self.end_of(line)?;
            self.at = (end + 1).min(bytes.len());
            let start = self.skip_spaces(line..end);
            if start == end {
                continue;
            }
            if bytes[start] != b'#' {
                let trimmed = self.text[start..end].trim_end_matches(' ').len();
                return Some(Some(Line {
                    start: line,
                    content: start..start + trimmed,
                    end,
                }));
            }
        }
        Some(None)
    }

    /// Reads the entry of a collection: `- item`, `key: value`, or `- - key: value`.
    fn entry(&mut self, line: Line) -> Option<()> {
        let bytes = self.text.as_bytes();
        let mut content = line.content;
        let mut owner = None;
        while bytes[content.start] == b'-' && (content.len() == 1 || bytes[content.start + 1] == b' ') {
            let (start, column) = (content.start, content.start - line.start);
            content.start = self.skip_spaces(start + 1..content.end);
            let is_end = self.is_end(&content);
            let value = if is_end { line.end } else { content.start };
            self.enter(column, Some(value), start)?;
            self.pending = Some(value);
            if is_end {
                return Some(());
            }
            owner = Some(column);
        }
        let (start, column) = (content.start, content.start - line.start);
        let Some(colon) = self.key(content.clone()) else {
            return match owner {
                Some(dash) => self.value(content, dash),
                None => self.lone_value(content, column),
            };
        };
        self.enter(column, None, start)?;
        if matches!(bytes[start], b'"' | b'\'') {
            self.quoted(start..colon)?;
        } else {
            self.scalar(start..colon, start..colon, ScalarStyle::Plain)?;
        }
        content.start = self.skip_spaces(colon + 1..content.end);
        self.pending = Some(colon);
        if self.is_end(&content) {
            return Some(());
        }
        self.value(content, column)
    }

    /// Closes what ends before a key or dash in this column, and opens what begins with it. `item` is where the value of
    /// a dash begins.
    fn enter(&mut self, column: usize, item: Option<usize>, start: usize) -> Option<()> {
        let is_sequence = item.is_some();
        while self.levels.last().is_some_and(|top| top.column > column) {
            self.close()?;
        }
        // The items of a key's list may stand in the column of the key.
        if let [.., outer, top] = self.levels[..]
            && top.is_sequence
            && !is_sequence
            && top.column == column
            && outer.column == column
        {
            self.close()?;
        }
        if let Some(top) = self.levels.last()
            && top.column == column
            && top.is_sequence == is_sequence
        {
            return self.settle();
        }
        let start = match self.levels.last() {
            // The root is opened once.
            None => (!self.has_content).then_some(start)?,
            Some(_) if self.pending.take().is_none() => return None,
            Some(top) if top.column < column => start,
            // In the column of its key, the parser lets a list begin with its first item.
            Some(top) if !top.is_sequence => item?,
            Some(_) => return None,
        };
        self.has_content = true;
        self.levels.push(Level { column, is_sequence });
        self.builder.open(small(start), 0, !is_sequence).ok()
    }

    fn close(&mut self) -> Option<()> {
        self.settle()?;
        self.levels.pop();
        self.builder.close(0, 0).ok()
    }

    /// Makes a null of a value that did not come.
    fn settle(&mut self) -> Option<()> {
        match self.pending.take() {
            Some(place) => self.scalar(place..place, place..place, ScalarStyle::Plain),
            None => Some(()),
        }
    }

    /// Returns the colon behind a key that begins here.
    fn key(&self, content: Range<usize>) -> Option<usize> {
        let bytes = &self.text.as_bytes()[content.clone()];
        let length = match bytes[0] {
            quote @ (b'"' | b'\'') => 2 + bytes[1..].iter().position(|&byte| byte == quote)?,
            b'-' => return None,
            _ => bytes.iter().position(|&byte| !is_word(byte))?,
        };
        let fits = (1..=KEY_LIMIT).contains(&length) && bytes.get(length) == Some(&b':');
        let ends = bytes.get(length + 1).is_none_or(|&behind| behind == b' ');
        (fits && ends).then_some(content.start + length)
    }

    /// Reads the `{}` or `[]` that stands on the line below its key.
    fn lone_value(&mut self, content: Range<usize>, column: usize) -> Option<()> {
        let top = self.levels.last()?;
        let fits =
            self.pending.is_some() && top.column < column && b"{[".contains(&self.text.as_bytes()[content.start]);
        if fits { self.value(content, column) } else { None }
    }

    fn scalar(&mut self, value: Range<usize>, span: Range<usize>, style: ScalarStyle) -> Option<()> {
        let span = small(span.start)..small(span.end);
        let value = &self.text[value];
        self.builder.scalar(self.text, value, style, None, span).ok()?;
        Some(())
    }

    /// Whether nothing but a comment is left of a line.
    fn is_end(&self, rest: &Range<usize>) -> bool {
        rest.is_empty() || self.text[rest.clone()].starts_with('#')
    }

    fn skip_spaces(&self, range: Range<usize>) -> usize {
        let bytes = &self.text.as_bytes()[range.clone()];
        bytes
            .iter()
            .position(|&byte| byte != b' ')
            .map_or(range.end, |spaces| range.start + spaces)
    }
}

/// The bytes of keys, and of strings in brackets, that need no quotes.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-')
}
