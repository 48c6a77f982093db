//! Policy files under libFuzzer: what `tests/it/any_bytes/policy.rs` checks, of bytes that it finds by coverage.
#![no_main]

#[path = "../../tests/it/any_bytes/policy.rs"]
mod policy;
#[path = "../../tests/it/policies/validator.rs"]
mod validator;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| policy::check(bytes));
