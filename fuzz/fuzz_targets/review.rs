//! The webhook under libFuzzer: what `tests/it/any_bytes/review.rs` checks, of bytes that it finds by coverage.
#![no_main]

#[path = "../../tests/it/any_bytes/review.rs"]
mod review;
#[expect(dead_code, reason = "the tests ask for more of it")]
#[path = "../../tests/it/support/webhook.rs"]
mod webhook;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| review::check(bytes));
