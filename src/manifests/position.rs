//! Where something stands in a text: line, column and byte.

use std::fmt;

/// A place in a text.
///
/// `line` and `column` are 1-based; `column` counts Unicode characters, as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
    /// Byte offset from the start of the text, 0-based.
    pub offset: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
    };

    /// Moves over `text`, which is what follows this position.
    #[must_use]
    pub fn advanced_over(self, text: &str) -> Self {
        let newlines = text.bytes().filter(|&byte| byte == b'\n').count();
        let tail = text.rfind('\n').map_or(text, |last| &text[last + 1..]);
        let columns = small(tail.chars().count());
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

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Narrows an offset or a count: texts are smaller than 4 GiB ([`super::TEXT_LIMIT`]).
pub(super) fn small(number: usize) -> u32 {
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
}
