//! Bytes to text; a few bytes that are not UTF-8 spoil only the documents that they are in.

/// A text with more invalid bytes than this is no text.
const INVALID_LIMIT: usize = 1000;

/// Returns the text, and where bytes that are not UTF-8 were replaced by `?` (all other offsets stay what they were).
pub(crate) fn decode(bytes: Vec<u8>) -> Result<(String, Vec<usize>), String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("the text is UTF-16: save it as UTF-8".to_owned());
    }
    let mut bytes = bytes;
    let mut invalid = Vec::new();
    let mut checked = 0;
    while let Err(error) = std::str::from_utf8(&bytes[checked..]) {
        let from = checked + error.valid_up_to();
        let to = error.error_len().map_or(bytes.len(), |len| from + len);
        bytes[from..to].fill(b'?');
        invalid.push(from);
        checked = to;
        if invalid.len() > INVALID_LIMIT {
            return Err("the file is not text in UTF-8".to_owned());
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| "the file is not text in UTF-8".to_owned())?;
    Ok((text, invalid))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn invalid_bytes_are_replaced_in_place() {
        let (text, invalid) = decode(b"a\xff\xc3\xa9\xc3".to_vec()).unwrap();
        assert_eq!(text, "a?é?");
        assert_eq!(invalid, [1, 4]);
        assert!(decode(b"\xff\xfea\0".to_vec()).unwrap_err().contains("UTF-16"));
        assert!(decode(vec![0x80; 5000]).is_err());
    }
}
