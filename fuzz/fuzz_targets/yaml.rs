//! The YAML reader under libFuzzer: what `tests/it/any_bytes/yaml.rs` checks, of bytes that it finds by coverage.
#![no_main]

#[path = "../../tests/it/any_bytes/yaml.rs"]
mod yaml;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yaml::check(bytes));
