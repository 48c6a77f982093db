//! JSON of which most is skipped: what lists, watches and admission reviews are.
//!
//! A rule reads a tenth of an object. This reader finds the end of an ignored array or object 64 bytes at a time, which
//! is where a review spends its time with a reader that looks at every token; and it may go back, so that an object
//! that cannot be projected costs neither the review nor a second pass. What is skipped must be balanced, and is not
//! examined further. What is read follows RFC 8259, as `serde_json` does.

mod cursor;
mod error;
mod reader;
mod skip;

pub use error::Error;
pub use reader::Reader;

#[cfg(test)]
mod tests;

/// Reads a whole text.
///
/// # Errors
/// The text is no JSON where it was read, or a value that was read has another type.
pub fn whole<'a, T>(text: &'a str, read: impl FnOnce(&mut Reader<'a>) -> T) -> Result<T, Error> {
    let mut reader = Reader::new(text);
    let value = read(&mut reader);
    reader.end()?;
    Ok(value)
}
