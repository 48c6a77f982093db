//! Finding the end of a value without looking at its tokens.

use wide::u8x16;

/// Bytes that are classified at once: one bit each in a word.
const BLOCK: usize = 64;

/// Where the bytes of a block are that give JSON its shape. Bit 0 is the first byte.
struct Shape {
    quotes: u64,
    backslashes: u64,
    /// `{` and `[`.
    opening: u64,
    /// `}` and `]`.
    closing: u64,
}

impl Shape {
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut shape = Self {
            quotes: 0,
            backslashes: 0,
            opening: 0,
            closing: 0,
        };
        for (index, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            let bits =
                |bytes: u8x16, wanted: u8| u64::from(bytes.simd_eq(u8x16::splat(wanted)).to_bitmask()) << (16 * index);
            shape.quotes |= bits(bytes, b'"');
            shape.backslashes |= bits(bytes, b'\\');
            // Brackets differ from braces in this one bit, and nothing else of JSON becomes a brace by it.
            let bytes = bytes | u8x16::splat(0x20);
            shape.opening |= bits(bytes, b'{');
            shape.closing |= bits(bytes, b'}');
        }
        shape
    }
}

/// The length of the array or object that `bytes` begin with, or `None` where it does not end.
pub(super) fn nested(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    // All bits are set while a block begins within a string.
    let mut in_string = 0_u64;
    let mut escaped = false;
    for start in (0..bytes.len()).step_by(BLOCK) {
        let rest = &bytes[start..];
        let mut last = [0; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            last[..rest.len()].copy_from_slice(rest);
            &last
        });
        let shape = Shape::of(block);
        let quotes = if shape.backslashes == 0 && !escaped {
            shape.quotes
        } else {
            shape.quotes & !after_backslashes(shape.backslashes, &mut escaped)
        };
        let strings = prefix_xor(quotes) ^ in_string;
        in_string = if strings >> (BLOCK - 1) == 1 { u64::MAX } else { 0 };
        let opening = shape.opening & !strings;
        let mut brackets = opening | (shape.closing & !strings);
        // Up or down without a branch: which of the two comes next, no processor guesses.
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            depth = depth.wrapping_add((opening >> at & 1) as u32 * 2).wrapping_sub(1);
            if depth == 0 {
                return Some(start + at as usize + 1);
            }
            brackets &= brackets - 1;
        }
    }
    None
}

/// The bytes that a backslash makes ordinary. `escaped` carries over from one block to the next.
fn after_backslashes(mut backslashes: u64, escaped: &mut bool) -> u64 {
    let mut ordinary = u64::from(*escaped);
    backslashes &= !ordinary;
    *escaped = false;
    while backslashes != 0 {
        let next = (backslashes & backslashes.wrapping_neg()) << 1;
        *escaped |= next == 0;
        ordinary |= next;
        backslashes &= backslashes - 1;
        backslashes &= !next;
    }
    ordinary
}

/// Each bit is the exclusive or of itself and all before it: set from an opening quote up to the closing one.
fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

/// The length of a plain run of string bytes: up to a quote, a backslash or a control character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    for start in (0..bytes.len()).step_by(16) {
        let rest = &bytes[start..];
        // What is short is filled up with bytes that end a run.
        let mut last = [b'"'; 16];
        let chunk = *rest.first_chunk().unwrap_or_else(|| {
            last[..rest.len()].copy_from_slice(rest);
            &last
        });
        let chunk = u8x16::new(chunk);
        let control = chunk.min(u8x16::splat(0x1f)).simd_eq(chunk);
        let ends = chunk.simd_eq(u8x16::splat(b'"')) | chunk.simd_eq(u8x16::splat(b'\\')) | control;
        let ends = ends.to_bitmask();
        if ends != 0 {
            return start + ends.trailing_zeros() as usize;
        }
    }
    bytes.len()
}
