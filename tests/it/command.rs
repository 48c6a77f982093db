//! The command: the names that it goes by, and its manual.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stateward");

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn kubectl_finds_a_plugin() {
    let directory = tempfile::tempdir().expect("a file can be made");
    let said = |name: &str, arguments: &[&str]| {
        let link = directory.path().join(name);
        if !link.exists() {
            symlink(PROGRAM, &link).expect("a link can be made");
        }
        let output = Command::new(link).args(arguments).output().expect("the program runs");
        text(&output.stdout) + &text(&output.stderr)
    };
    for (name, typed) in [("kubectl-stateward", "kubectl stateward"), ("stateward", "stateward")] {
        for (arguments, usage) in [
            (&["--help"][..], "Usage: {} <COMMAND>"),
            (&["audit", "--help"], "Usage: {} audit "),
            (&["rules", "--no"], "Usage: {} rules "),
        ] {
            let shown = said(name, arguments);
            let usage = usage.replace("{}", typed);
            assert!(shown.contains(&usage), "{name}: {usage} in {shown}");
        }
        assert!(said(name, &["--version"]).starts_with("stateward "), "{name}");
    }
}

/// groff complains about what it cannot read, where it is installed.
#[test]
fn the_manual_can_be_read() {
    let directory = tempfile::tempdir().expect("a file can be made");
    let pages = directory.path().join("new/man");
    let output = Command::new(PROGRAM)
        .arg("man")
        .arg(&pages)
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let reader = Command::new("groff").arg("--version").output().is_ok();
    let mut read = 0;
    for page in fs::read_dir(&pages).expect("a directory") {
        let page = page.expect("a page").path();
        read += 1;
        if reader {
            let said = Command::new("groff")
                .args(["-man", "-ww", "-Tutf8", "-z"])
                .arg(&page)
                .output();
            let said = said.expect("groff runs");
            assert!(
                said.status.success() && said.stderr.is_empty(),
                "{}",
                text(&said.stderr)
            );
        }
    }
    assert!(read > 10, "{read} pages");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file can be made");
    let output = Command::new(PROGRAM)
        .arg("man")
        .arg(&file)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(&format!("cannot write the manual into {}", file.display())),
        "{complaint}"
    );
}
