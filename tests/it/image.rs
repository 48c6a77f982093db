//! `deploy/image.sh` and the Dockerfile: what the one makes is what the other takes.
//!
//! With stand-ins for the compiler and for what builds images; the real build takes minutes, and `docs/image.md` has it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the script may use besides the stand-ins. No more is on its `PATH`, so that no docker of this machine is asked.
const PROGRAMS: &[&str] = &[
    "sh", "sed", "uname", "dirname", "mkdir", "install", "touch", "printenv", "tr", "chmod",
];
const TIME: &str = "1700000000";

/// A copy of what the script needs, with stand-ins.
struct Workplace {
    directory: tempfile::TempDir,
}

impl Workplace {
    fn with(builders: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a file can be made");
        let place = Self { directory };
        for path in ["deploy/image.sh", "Dockerfile", ".dockerignore"] {
            let file = place.file(path);
            fs::create_dir_all(file.parent().expect("a directory")).expect("a file can be made");
            fs::copy(root().join(path), file).expect("a file can be made");
        }
        fs::create_dir_all(place.file("bin")).expect("a file can be made");
        for program in PROGRAMS {
            symlink(found(program), place.file("bin").join(program)).expect("a link can be made");
        }
        place.script("deploy/licences.sh", "echo \"licences for $1\"");
        place.script(".ci/tool", "echo \"$PWD/auditable\"");
        place.script(
            "auditable",
            "while [ $# -gt 1 ]; do [ \"$1\" = --target ] && target=$2; shift; done\nmkdir -p \
             target/$target/release\n(echo \"$target $CARGO_ENCODED_RUSTFLAGS $CFLAGS\"; printenv) >target/$target/release/stateward",
        );
        for program in ["rustup", "musl-gcc", "x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"] {
            place.script(&format!("bin/{program}"), "exit 0");
        }
        for (name, script) in builders {
            place.script(&format!("bin/{name}"), script);
        }
        place
    }

    fn file(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn script(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().expect("a directory")).expect("a file can be made");
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file can be made");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a file can be made");
    }

    fn run(&self, architecture: &str) -> Output {
        Command::new(self.file("deploy/image.sh"))
            .args(["stateward:test", architecture])
            .env_clear()
            .env("HOME", self.directory.path())
            .env("PATH", self.file("bin"))
            .env("SOURCE_DATE_EPOCH", TIME)
            .output()
            .expect("a shell runs")
    }

    /// What the Dockerfile would copy into an image for this architecture: the binary, and the licences.
    fn copied(&self, architecture: &str) -> [PathBuf; 2] {
        let dockerfile = fs::read_to_string(self.file("Dockerfile")).expect("a Dockerfile");
        let mut copies = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY "));
        let (sources, _) = copies.next().and_then(|copy| copy.rsplit_once(' ')).expect("a copy");
        assert_eq!(copies.next(), None, "nothing else");
        let sources = sources.replace("${TARGETARCH}", architecture);
        let files: Vec<_> = sources.split(' ').map(|source| self.file(source)).collect();
        files.try_into().expect("two files")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.exists())
        .expect("a program that every machine has")
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn the_image_takes_the_binary_that_the_script_makes() {
    let told = "echo \"$0 $*\"";
    let docker = "[ \"$1\" = build ] && echo \"$0 $*\"; exit 0";
    let cases: [(&str, &[(&str, &str)]); 3] = [
        (
            "docker build",
            &[("docker", docker), ("podman", told), ("buildah", told)],
        ),
        (
            "podman build --timestamp",
            &[("docker", "exit 1"), ("podman", told), ("buildah", told)],
        ),
        ("buildah bud --timestamp", &[("buildah", told)]),
    ];
    for (builder, builders) in cases {
        for (architecture, target) in [
            ("amd64", "x86_64-unknown-linux-musl"),
            ("arm64", "aarch64-unknown-linux-musl"),
        ] {
            let place = Workplace::with(builders);
            let output = place.run(architecture);
            let (shown, complaint) = (text(&output.stdout), text(&output.stderr));
            assert!(output.status.success(), "{builder}: {shown}{complaint}");
            let last = shown.lines().last().unwrap_or_default();
            assert!(last.contains(&format!("/bin/{builder}")), "{builder}: {last}");
            for part in [
                format!("--platform linux/{architecture}"),
                format!("--build-arg TARGETARCH={architecture}"),
                "--tag stateward:test .".to_owned(),
            ] {
                assert!(last.contains(&part), "{part}: {last}");
            }
            let made = [(target.to_owned(), 0o755), (format!("licences for {target}\n"), 0o644)];
            for (file, (begins, mode)) in place.copied(architecture).iter().zip(made) {
                assert!(
                    fs::read_to_string(file).unwrap_or_default().starts_with(&begins),
                    "{} is what was made",
                    file.display()
                );
                let facts = fs::metadata(file).expect("it is there");
                assert_eq!(facts.mtime().to_string(), TIME, "the time is that of the commit");
                assert_eq!(facts.mode() & 0o777, mode);
            }
        }
    }
}

#[test]
fn no_path_of_the_machine_and_no_time_goes_into_the_binary() {
    let place = Workplace::with(&[("buildah", "exit 0")]);
    assert!(place.run("amd64").status.success());
    let [binary, _] = place.copied("amd64");
    let made = fs::read_to_string(binary).expect("the binary");
    let checkout = place.directory.path().canonicalize().expect("the directory");
    let crates = place.file(".cargo/registry/src");
    for (flag, path) in [
        ("--remap-path-prefix=", &checkout),
        ("-ffile-prefix-map=", &checkout),
        ("--remap-path-prefix=", &crates),
        ("-ffile-prefix-map=", &crates),
    ] {
        assert!(made.contains(&format!("{flag}{}=", path.display())), "{flag} of {made}");
    }
    for constant in ["-D__DATE__=\"\"", "-D__TIME__=\"\""] {
        assert!(made.contains(constant), "{constant} of {made}");
    }
}

#[test]
fn without_a_builder_the_binary_is_there_and_named() {
    let place = Workplace::with(&[]);
    let output = place.run("arm64");
    assert_eq!(output.status.code(), Some(1));
    assert!(place.copied("arm64").iter().all(|file| file.exists()));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("target/image/arm64/stateward"), "{complaint}");
    let output = place.run("riscv64");
    assert_eq!(output.status.code(), Some(2), "no such image");
}

#[test]
fn the_other_architecture_has_a_compiler_of_its_own() {
    let (architecture, cpu) = match std::env::consts::ARCH {
        "aarch64" => ("amd64", "x86_64"),
        _ => ("arm64", "aarch64"),
    };
    let place = Workplace::with(&[("buildah", "exit 0")]);
    assert!(place.run(architecture).status.success());
    let [binary, _] = place.copied(architecture);
    let made = fs::read_to_string(binary).expect("the binary");
    for variable in [
        format!("CC_{cpu}_unknown_linux_musl={cpu}-linux-gnu-gcc -specs=/usr/lib/{cpu}-linux-musl/musl-gcc.specs"),
        format!(
            "CARGO_TARGET_{}_UNKNOWN_LINUX_MUSL_LINKER={cpu}-linux-gnu-gcc",
            cpu.to_uppercase()
        ),
    ] {
        assert!(made.lines().any(|line| line == variable), "{variable} in {made}");
    }

    let place = Workplace::with(&[("buildah", "exit 0"), (&format!("{cpu}-linux-gnu-gcc"), "exit 1")]);
    let output = place.run(architecture);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(&format!("no {cpu}-linux-gnu-gcc that finds musl for {architecture}")),
        "{complaint}"
    );
    assert!(!place.copied(architecture).iter().any(|file| file.exists()));
}

/// With the crates of this machine, which has built for another C library.
#[test]
fn the_licences_are_those_of_the_crates_that_are_linked() {
    let print = |target: &str| {
        let output = Command::new(root().join("deploy/licences.sh"))
            .arg(target)
            .output()
            .expect("a shell runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let printed = print(&target);
    assert_eq!(print(&target), printed, "the same every time");
    let listed: Vec<_> = printed.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    let is_listed = |name: &str| listed.iter().any(|line| line.starts_with(&format!("{name}-")));
    for name in ["libmimalloc-sys", "kube-client", "ring", "tokio"] {
        assert!(is_listed(name), "{name} in {listed:#?}");
    }
    for name in ["stateward", "serde_derive", "cc", "tempfile"] {
        assert!(!is_listed(name), "{name} is not linked, or ours");
    }
    for crate_and_licence in &listed {
        let (_, licence) = crate_and_licence.split_once(": ").expect("a licence");
        assert!(!licence.is_empty(), "{crate_and_licence}");
    }
    for part in ["Apache License", "Microsoft Corporation", "third_party/fiat/LICENSE"] {
        assert!(printed.contains(part), "{part}");
    }
    assert!(!printed.contains("/registry/src"), "no path of this machine");
}

/// What is sent to docker is what was made alone: a key that lies beside it in the checkout never is.
#[test]
fn nothing_else_is_sent_to_the_builder() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).expect(".dockerignore");
    let lines: Vec<_> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["*", "!target/image"]);
}

#[test]
fn the_scripts_are_shell() {
    let checker = Command::new("shellcheck").arg("--version").output().is_ok();
    for (script, shell) in [
        ("deploy/image.sh", "sh"),
        ("deploy/licences.sh", "sh"),
        ("deploy/release.sh", "sh"),
        ("certs/make.sh", "sh"),
        (".ci/run", "bash"),
        (".ci/tool", "bash"),
    ] {
        let read = Command::new(shell)
            .arg("-n")
            .arg(root().join(script))
            .output()
            .expect("a shell runs");
        assert!(read.status.success(), "{script}: {}", text(&read.stderr));
        if checker {
            let said = Command::new("shellcheck")
                .arg(root().join(script))
                .output()
                .expect("shellcheck runs");
            assert!(said.status.success(), "{}", text(&said.stdout));
        }
    }
}
