//! The JSON reader under libFuzzer: what `tests/it/any_bytes/json.rs` checks, of bytes that it finds by coverage.
#![no_main]

#[path = "../../tests/it/any_bytes/json.rs"]
mod json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| json::check(bytes));
