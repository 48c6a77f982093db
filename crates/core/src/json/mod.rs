//! JSON of which most is skipped: what lists, watches and admission reviews are.
//!
//! A rule reads a tenth of an object. This reader finds the end of an ignored array or object 64 bytes at a time, which
//! is where a review spends its time with a reader that looks at every token; and it may go back, so that an object
//! that cannot be projected costs neither the review nor a second pass. What is skipped must be balanced, and is not
//! examined further. What is read follows RFC 8259, as `serde_json` does.

mod de;
mod error;
mod reader;
mod skip;

pub use de::Raw;
pub use error::Error;
pub use reader::Reader;

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeSeed;

#[cfg(test)]
mod tests;

/// Reads a whole text.
///
/// # Errors
/// The text is no JSON where it was read, or a value that was read has another type.
pub fn from_str<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Error> {
    from_str_seed(text, PhantomData)
}

/// Reads a whole text with a seed.
///
/// # Errors
/// As [`from_str`].
pub fn from_str_seed<'a, S: DeserializeSeed<'a>>(text: &'a str, seed: S) -> Result<S::Value, Error> {
    whole(Reader::new(text), seed)
}

/// Reads whole bytes.
///
/// # Errors
/// As [`from_str`], and where they are no UTF-8.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    whole(Reader::from_slice(bytes)?, PhantomData)
}

fn whole<'a, S: DeserializeSeed<'a>>(mut reader: Reader<'a>, seed: S) -> Result<S::Value, Error> {
    let value = reader.seed(seed)?;
    reader.end()?;
    Ok(value)
}
