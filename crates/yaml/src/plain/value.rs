//! Values: plain and quoted strings, literal blocks, brackets.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{Lines, is_word};
use crate::position::small;

/// As for all of [`Lines`], `None` is what is left to the parser.
impl Lines<'_, '_> {
    /// Reads the value of a key or item that stands in column `owner`.
    pub(super) fn value(&mut self, content: Range<usize>, owner: usize) -> Option<()> {
        let bytes = self.text.as_bytes();
        let start = content.start;
        self.pending = None;
        match bytes[start] {
            b'|' => match &self.text[content] {
                "|" => self.literal(owner, "\n"),
                "|-" => self.literal(owner, ""),
                _ => None,
            },
            b'"' | b'\'' => {
                let end = self.quoted(content.clone())?;
                self.ends(end..content.end)
            }
            b'{' | b'[' => {
                let end = self.brackets(content.clone())?;
                self.ends(end..content.end)
            }
            _ => {
                let end = self.plain(content)?;
                self.scalar(start..end, start..end, ScalarStyle::Plain)
            }
        }
    }

    /// Returns the end of a plain string.
    fn plain(&self, content: Range<usize>) -> Option<usize> {
        let bytes = &self.text.as_bytes()[content.clone()];
        let second = bytes.get(1).copied().unwrap_or(b' ');
        let fits = match bytes[0] {
            b'-' => second != b' ',
            first => !b"?:,[]{}#&*!|>'\"%@`".contains(&first),
        };
        if !fits {
            return None;
        }
        let mut last = bytes[0];
        for (at, &byte) in bytes.iter().enumerate() {
            let is_mark = match byte {
                b'#' => last == b' ',
                b':' => bytes.get(at + 1).is_none_or(|&behind| behind == b' '),
                _ => false,
            };
            if is_mark {
                let here = content.start + at;
                let before = self.text[content.start..here].trim_end_matches(' ');
                return (byte == b'#').then_some(content.start + before.len());
            }
            last = byte;
        }
        Some(content.end)
    }

    /// Reads a quoted string that ends on its line; returns its end.
    pub(super) fn quoted(&mut self, content: Range<usize>) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let quote = bytes[content.start];
        let inner = content.start + 1;
        let is_special = |&byte: &u8| byte == quote || byte == b'\\' && quote == b'"';
        let close = inner + bytes[inner..content.end].iter().position(is_special)?;
        if bytes[close] != quote || bytes.get(close + 1) == Some(&b'\'') {
            return None;
        }
        let style = if quote == b'"' {
            ScalarStyle::DoubleQuoted
        } else {
            ScalarStyle::SingleQuoted
        };
        self.scalar(inner..close, content.start..close + 1, style)?;
        Some(close + 1)
    }

    /// Reads `{}`, or a list of strings in brackets; returns its end.
    fn brackets(&mut self, content: Range<usize>) -> Option<usize> {
        let line = &self.text.as_bytes()[..content.end];
        let is_mapping = line[content.start] == b'{';
        let closing = if is_mapping { b'}' } else { b']' };
        self.builder.open(small(content.start), 0, is_mapping).ok()?;
        let mut at = self.skip_spaces(content.start + 1..content.end);
        while *line.get(at)? != closing {
            if is_mapping {
                return None;
            }
            at = match line[at] {
                b'"' | b'\'' => self.quoted(at..content.end)?,
                _ => self.word(at..content.end)?,
            };
            at = self.skip_spaces(at..content.end);
            match *line.get(at)? {
                b',' => at = self.skip_spaces(at + 1..content.end),
                byte if byte == closing => {}
                _ => return None,
            }
        }
        self.builder.close(small(at), small(at + 1)).ok()?;
        Some(at + 1)
    }

    /// Reads a string in brackets that needs no quotes; returns its end.
    fn word(&mut self, content: Range<usize>) -> Option<usize> {
        let bytes = &self.text.as_bytes()[content.clone()];
        let length = bytes.iter().position(|&byte| !is_word(byte))?;
        if length == 0 || bytes[0] == b'-' {
            return None;
        }
        let end = content.start + length;
        self.scalar(content.start..end, content.start..end, ScalarStyle::Plain)?;
        Some(end)
    }

    /// Reads the lines of a literal block; `ending` is what stands behind the last one.
    fn literal(&mut self, owner: usize, ending: &str) -> Option<()> {
        let mut value = String::new();
        let first = self.at;
        let mut indent = None;
        let mut blank = 0;
        let mut end_of_span = self.text.len();
        while self.at < self.text.len() {
            let line = self.at;
            let end = self.end_of(line).filter(|&end| end < self.text.len())?;
            let spaces = self.skip_spaces(line..end) - line;
            if line + spaces == end {
                // Spaces may be content here, or wrong.
                if spaces > indent? {
                    return None;
                }
                blank += 1;
            } else {
                let indent = *indent.get_or_insert(spaces);
                if spaces < indent || indent <= owner {
                    end_of_span = line + spaces;
                    break;
                }
                if !value.is_empty() {
                    value.push('\n');
                }
                value.extend(std::iter::repeat_n('\n', blank));
                value.push_str(&self.text[line + indent..end]);
                blank = 0;
            }
            self.at = end + 1;
        }
        if value.is_empty() {
            return None;
        }
        value.push_str(ending);
        let span = small(first + indent?)..small(end_of_span);
        self.builder
            .scalar(self.text, &value, ScalarStyle::Literal, None, span)
            .ok()?;
        Some(())
    }

    /// Nothing but a comment may follow, behind spaces.
    fn ends(&self, rest: Range<usize>) -> Option<()> {
        let behind = self.skip_spaces(rest.clone())..rest.end;
        (self.is_end(&behind) && (behind.is_empty() || behind.start > rest.start)).then_some(())
    }
}
