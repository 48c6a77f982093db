//! `certs/make.sh`, by itself.

use std::path::Path;

use crate::install::make_certificates;

#[test]
fn certificates_are_never_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = directory.path().join("tls.key");
    std::fs::write(&key, "mine").expect("written");
    let refused = make_certificates(directory.path());
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("tls.key exists: nothing is overwritten"));
    assert_eq!(std::fs::read_to_string(&key).expect("read"), "mine");
    assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 1);
}

#[test]
fn the_script_explains_itself_and_takes_no_option_for_a_directory() {
    let help = make_certificates(Path::new("--help"));
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(text.starts_with("Makes a CA and a serving certificate"), "{text}");
    assert!(
        text.contains("certs/make.sh [DIRECTORY] [NAMESPACE] [SERVICE]"),
        "{text}"
    );
    assert!(!text.contains("set -eu"), "{text}");
    let unknown = make_certificates(Path::new("--days"));
    assert_eq!(unknown.status.code(), Some(2));
}
