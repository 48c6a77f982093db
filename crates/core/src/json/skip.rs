//! Finding the end of a value without looking at its tokens.

use fearless_simd::prelude::*;
use fearless_simd::{Level, Simd, dispatch, u8x16, u8x64};

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
    #[inline(always)]
    fn of<S: Simd>(simd: S, block: &[u8; BLOCK]) -> Self {
        let bytes = u8x64::from_slice(simd, block);
        // Brackets differ from braces in this one bit, and nothing else of JSON becomes a brace by it.
        let braces = bytes | u8x64::splat(simd, 0x20);
        Self {
            quotes: bytes.simd_eq(b'"').to_bitmask(),
            backslashes: bytes.simd_eq(b'\\').to_bitmask(),
            opening: braces.simd_eq(b'{').to_bitmask(),
            closing: braces.simd_eq(b'}').to_bitmask(),
        }
    }
}

/// The length of the array or object that `bytes` begin with, or `None` where it does not end.
pub(super) fn nested(bytes: &[u8]) -> Option<usize> {
    dispatch!(Level::new(), simd => end_of_nested(simd, bytes))
}

#[inline(always)]
fn end_of_nested<S: Simd>(simd: S, bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    // All bits are set while a block begins within a string.
    let mut in_string = 0_u64;
    let mut escaped = false;
    for start in (0..bytes.len()).step_by(BLOCK) {
        let filled;
        let block = match bytes[start..].first_chunk() {
            Some(block) => block,
            None => {
                filled = filled_up(&bytes[start..]);
                &filled
            }
        };
        let shape = Shape::of(simd, block);
        let quotes = if shape.backslashes == 0 && !escaped {
            shape.quotes
        } else {
            shape.quotes & !after_backslashes(shape.backslashes, &mut escaped)
        };
        let strings = prefix_xor(quotes) ^ in_string;
        in_string = if strings >> (BLOCK - 1) == 1 { u64::MAX } else { 0 };
        let (opening, closing) = (shape.opening & !strings, shape.closing & !strings);
        // Most blocks close fewer brackets than are open, so that their order does not matter.
        let closed = closing.count_ones();
        if closed < depth {
            depth = depth.wrapping_add(opening.count_ones()).wrapping_sub(closed);
            continue;
        }
        let mut brackets = opening | closing;
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

/// The last bytes, which are too few for a block, as one.
#[cold]
fn filled_up(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
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
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

/// The length of a plain run of string bytes: up to a quote, a backslash or a control character.
///
/// Most runs are shorter than 16 bytes, for which another level than the lowest would only cost the choice.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> usize {
    dispatch!(Level::baseline(), simd => end_of_plain(simd, bytes))
}

#[inline(always)]
fn end_of_plain<S: Simd>(simd: S, bytes: &[u8]) -> usize {
    let mut passed = 0;
    while let Some(chunk) = bytes.get(passed..).and_then(<[u8]>::first_chunk) {
        let chunk = u8x16::simd_from(simd, *chunk);
        let ends = chunk.simd_eq(b'"') | chunk.simd_eq(b'\\') | chunk.simd_lt(0x20);
        let ends = ends.to_bitmask();
        if ends != 0 {
            return passed + ends.trailing_zeros() as usize;
        }
        passed += 16;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
    let rest = bytes.get(passed..).unwrap_or_default();
    passed + rest.iter().position(ends).unwrap_or(rest.len())
}
