//! Where something stands in a text: line, column and byte.

use std::fmt;

/// A place in a text.
///
/// `line` and `column` are 1-based; `column` counts Unicode characters, as editors do: all but byte order marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
    /// Byte offset from the start of the text, 0-based.
    pub offset: u32,
}

pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

impl Position {
    /// The first character of a text.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
    };

    /// Moves over `text`, which is what follows this position.
    fn advanced_over(self, text: &str) -> Self {
        let newlines = text.bytes().filter(|&byte| byte == b'\n').count();
        let tail = text.rfind('\n').map_or(text, |last| &text[last + 1..]);
        let columns = small(tail.chars().filter(|&shown| shown != BYTE_ORDER_MARK).count());
        Self {
            line: self.line + small(newlines),
            column: if newlines == 0 {
                self.column + columns
            } else {
                1 + columns
            },
            offset: self.offset + small(text.len()),
        }
    }
}

/// Positions on the way through a text, from which all others are quickly found: the beginning of every line, and
/// places within long ones.
#[derive(Debug)]
pub(crate) struct Marks(Vec<Position>);

impl Marks {
    /// The most bytes from one mark to the next.
    const STEP: usize = 4 << 10;

    pub(crate) fn of(text: &str) -> Self {
        let mut marks = Vec::new();
        let mut line = Position::START;
        for shown in text.split_inclusive('\n') {
            marks.push(line);
            let (mut last, mut rest) = (line, shown);
            while rest.len() > Self::STEP {
                let (step, further) = rest.split_at(rest.floor_char_boundary(Self::STEP));
                last = last.advanced_over(step);
                marks.push(last);
                rest = further;
            }
            line = Position {
                line: line.line + 1,
                column: 1,
                offset: line.offset + small(shown.len()),
            };
        }
        if text.is_empty() || text.ends_with('\n') {
            marks.push(line);
        }
        Self(marks)
    }

    /// The position of a byte of the text that the marks were made of.
    pub(crate) fn position(&self, text: &str, offset: u32) -> Position {
        let after = self.0.partition_point(|mark| mark.offset <= offset);
        let mark = self.0[after - 1];
        mark.advanced_over(&text[mark.offset as usize..offset as usize])
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Narrows an offset or a count: texts are smaller than 4 GiB ([`super::TEXT_LIMIT`]).
pub(crate) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters() {
        let position = Position::START.advanced_over("a: b\né: ");
        assert_eq!(
            position,
            Position {
                line: 2,
                column: 4,
                offset: 9
            }
        );
        assert_eq!(position.advanced_over("x").column, 5);
    }

    #[test]
    fn marks_lead_everywhere() {
        let text = format!("a: b\r\n\n{}\né: ü\n\n", "xé".repeat(2 * Marks::STEP));
        let marks = Marks::of(&text);
        let mut expected = Position::START;
        for (offset, character) in text.char_indices() {
            assert_eq!(marks.position(&text, small(offset)), expected);
            expected = expected.advanced_over(character.encode_utf8(&mut [0; 4]));
        }
        assert_eq!(marks.position(&text, small(text.len())), expected);
    }
}
