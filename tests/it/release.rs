//! `deploy/release.sh`: archives, checksums, the manifest for krew, the formula.
//!
//! With stand-ins for the static binaries, which print what the real program prints.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex_lite::Regex;
use serde_json::Value;
use stateward_yaml::read;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stateward");
const URL: &str = "https://example.org/stateward/v1.2.3";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A copy of what the script needs.
struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().expect("a file can be made"),
        };
        fs::create_dir(place.file("deploy")).expect("a file can be made");
        for path in ["deploy/release.sh", "LICENSE", "README.md"] {
            fs::copy(root().join(path), place.file(path)).expect("a file can be made");
        }
        for architecture in ["amd64", "arm64"] {
            place.binary(architecture, COMMIT);
        }
        place
    }

    fn binary(&self, architecture: &str, commit: &str) {
        let file = self.file(&format!("target/image/{architecture}/stateward"));
        fs::create_dir_all(file.parent().expect("a directory")).expect("a file can be made");
        let version = format!("version: 1.2.3\\ncommit: {commit}\\nplatform: {architecture}");
        let script =
            format!("#!/bin/sh\nif [ \"$1\" = version ]; then printf '{version}\\n'; else exec {PROGRAM} \"$@\"; fi\n");
        fs::write(&file, script).expect("a file can be made");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).expect("a file can be made");
        fs::write(file.with_file_name("THIRD-PARTY"), "licences\n").expect("a file can be made");
    }

    fn file(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn run(&self, arguments: &[&str], umask: &str) -> Output {
        let script = format!("umask {umask}; exec deploy/release.sh \"$@\"");
        Command::new("sh")
            .args(["-c", &script, "sh"])
            .args(arguments)
            .current_dir(self.directory.path())
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .output()
            .expect("a shell runs")
    }

    fn packed(&self, arguments: &[&str]) -> Vec<(String, Vec<u8>)> {
        let output = self.run(arguments, "022");
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.files()
    }

    /// What was made, sorted by name.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.file("target/dist")).expect("a directory");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                let name = path.file_name().expect("a name").to_str().expect("UTF-8");
                (name.to_owned(), fs::read(&path).expect("a file, and no directory"))
            })
            .collect();
        files.sort();
        files
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn archive(architecture: &str) -> String {
    format!("stateward-1.2.3-linux-{architecture}.tar.gz")
}

fn found<'a>(name: &str, files: &'a [(String, Vec<u8>)]) -> &'a [u8] {
    &files.iter().find(|(found, _)| found == name).expect("a file").1
}

/// The checksum that the system's own program says of an archive.
fn checksum(architecture: &str, place: &Workplace) -> String {
    let file = place.file("target/dist").join(archive(architecture));
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum runs");
    text(&output.stdout).split(' ').next().expect("a checksum").to_owned()
}

#[test]
fn an_archive_has_everything_and_is_the_same_every_time() {
    let place = Workplace::new();
    let first = place.packed(&[URL]);
    let names: Vec<_> = first.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        names,
        [
            "SHA256SUMS",
            &archive("amd64"),
            &archive("arm64"),
            "stateward.rb",
            "stateward.yaml"
        ]
    );
    for architecture in ["amd64", "arm64"] {
        let listed = Command::new("tar")
            .args(["-tvzf", &archive(architecture)])
            .current_dir(place.file("target/dist"))
            .env("TZ", "UTC")
            .output()
            .expect("tar runs");
        let listed = text(&listed.stdout);
        let paths: Vec<_> = listed
            .lines()
            .filter_map(|line| line.split_whitespace().last())
            .collect();
        assert!(paths.is_sorted(), "{paths:?}");
        // Of gzip's header: no name, no time.
        assert_eq!(found(&archive(architecture), &first)[3..8], [0; 5]);
        let inside = |mode: &str, path: &str| {
            let top = format!("stateward-1.2.3-linux-{architecture}/{path}");
            let line = listed.lines().find(|line| line.ends_with(&format!(" {top}")));
            let line = line.unwrap_or_else(|| panic!("{top} in {listed}"));
            assert!(line.starts_with(&format!("{mode} 0/0 ")), "{line}");
            assert!(line.contains(" 2023-11-14 22:13 "), "{line}");
        };
        inside("-rwxr-xr-x", "stateward");
        for path in [
            "LICENSE",
            "README.md",
            "THIRD-PARTY",
            "completions/_stateward",
            "completions/stateward.bash",
            "completions/stateward.fish",
            "man/stateward.1",
            "man/stateward-check.1",
        ] {
            inside("-rw-r--r--", path);
        }
    }

    let other = Workplace::new();
    let output = other.run(&[URL], "077");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let differ: Vec<_> = first
        .iter()
        .zip(other.files())
        .filter(|(a, b)| **a != *b)
        .map(|(a, _)| &a.0)
        .collect();
    assert!(differ.is_empty(), "{differ:?} differ");
}

#[test]
fn checksums_manifest_and_formula_are_of_the_archives() {
    let place = Workplace::new();
    let files = place.packed(&[URL]);
    let sums = text(found("SHA256SUMS", &files));
    let formula = text(found("stateward.rb", &files));
    let manifest = read(found("stateward.yaml", &files).to_vec());
    let manifest = manifest.document(0).expect("a document").root().to_json();
    krew_takes("stateward", &manifest);
    assert_eq!(manifest["spec"]["version"], "v1.2.3");
    let platforms = manifest["spec"]["platforms"].as_array().expect("platforms");
    assert_eq!(platforms.len(), 2);
    for ((architecture, processor), platform) in [("amd64", "intel"), ("arm64", "arm")].iter().zip(platforms) {
        let (name, sum) = (archive(architecture), checksum(architecture, &place));
        assert!(sums.lines().any(|line| line == format!("{sum}  {name}")), "{sums}");
        assert_eq!(platform["uri"], format!("{URL}/{name}"));
        assert_eq!(platform["sha256"], sum);
        let labels = &platform["selector"]["matchLabels"];
        assert_eq!(
            (&labels["os"], &labels["arch"]),
            (&Value::from("linux"), &Value::from(*architecture))
        );
        let block = format!("  on_{processor} do\n    url \"{URL}/{name}\"\n    sha256 \"{sum}\"\n  end\n");
        assert!(formula.contains(&block), "{block} in {formula}");
        for file in platform["files"].as_array().expect("files") {
            let from = file["from"].as_str().expect("a path");
            let there = Command::new("tar")
                .args(["-tzf", &name, from])
                .current_dir(place.file("target/dist"))
                .output();
            assert!(there.expect("tar runs").status.success(), "{from} is in {name}");
        }
    }
    assert!(formula.starts_with("class Stateward < Formula\n"), "{formula}");
    assert!(formula.contains("\n  version \"1.2.3\"\n"), "{formula}");
    if let Ok(said) = Command::new("ruby")
        .arg("-c")
        .arg(place.file("target/dist/stateward.rb"))
        .output()
    {
        assert!(said.status.success(), "{}", text(&said.stderr));
    }
}

/// What krew refuses a manifest for (its package `internal/index/validation`).
fn krew_takes(name: &str, manifest: &Value) {
    let says = |value: &Value, pattern: &str| {
        let said = value.as_str().unwrap_or_default();
        assert!(
            Regex::new(pattern).expect("a pattern").is_match(said),
            "{value} is not {pattern}"
        );
    };
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], name);
    let spec = &manifest["spec"];
    says(&spec["shortDescription"], "^[^\r\n]+$");
    says(
        &spec["version"],
        r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
    );
    for platform in spec["platforms"].as_array().expect("platforms") {
        says(&platform["uri"], "^https://.");
        says(&platform["sha256"], "^[a-f0-9]{64}$");
        says(&platform["bin"], ".");
        let labels = platform["selector"]["matchLabels"].as_object().expect("a selector");
        assert!(
            !labels.is_empty() && labels.keys().all(|key| key == "os" || key == "arch"),
            "{labels:?}"
        );
        let files = platform["files"].as_array().expect("files");
        assert!(!files.is_empty());
        for file in files {
            says(&file["from"], ".");
            says(&file["to"], ".");
        }
    }
}

#[test]
fn one_architecture_makes_one_archive() {
    let own = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let place = Workplace::new();
    let files = place.packed(&[&format!("{URL}/"), own]);
    let archives = files.iter().filter(|(name, _)| name.ends_with(".tar.gz")).count();
    assert_eq!(archives, 1);
    let manifest = text(found("stateward.yaml", &files));
    assert!(
        manifest.contains(&format!("uri: {URL}/{}\n", archive(own))),
        "{manifest}"
    );
}

#[test]
fn what_is_missing_or_of_another_commit_is_told() {
    let place = Workplace::new();
    for wrong in [
        &[][..],
        &["--no"],
        &["http://example.org"],
        &["https://"],
        &["https://a b"],
        &["https://a\"b"],
    ] {
        let output = place.run(wrong, "022");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(text(&output.stderr).contains("deploy/release.sh --help"), "{wrong:?}");
    }
    let help = place.run(&["--help"], "022");
    assert!(help.status.success() && text(&help.stdout).contains("deploy/release.sh URL [ARCHITECTURE...]"));

    let output = place.run(&[URL, "riscv64"], "022");
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains("deploy/image.sh stateward:dev riscv64"),
        "{complaint}"
    );

    let other = if cfg!(target_arch = "aarch64") {
        "amd64"
    } else {
        "arm64"
    };
    place.binary(other, &COMMIT.replace('0', "f"));
    let output = place.run(&[URL], "022");
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(&format!("target/image/{other}/stateward is not of commit {COMMIT}")),
        "{complaint}"
    );
    assert!(!place.file("target/dist").exists(), "nothing is packed");
}
