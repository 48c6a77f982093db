//! Files in git that a generator writes: `UPDATE=1 cargo test` writes them, every other run compares.

use std::path::Path;

/// Compares `path` (from the repository's root) with what its generator prints now.
pub fn check(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if updates() {
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("created");
        std::fs::write(&file, expected).expect("written");
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count() + 1;
    assert!(
        found == expected,
        "{path} is out of date from line {line} on; write it with: UPDATE=1 cargo test"
    );
}

/// Whether files are written.
pub fn updates() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}
