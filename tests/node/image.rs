//! Images from scratch, as archives by OCI's image layout, without a builder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// What holds a pod's namespaces open.
pub const PAUSE: &str = "localhost/pause:test";

/// This build of the program, with the C library that it is linked to. `deploy/image.sh` builds the one that ships.
pub const STATEWARD: &str = "localhost/stateward:test";

/// Waits for a signal, and reaps.
const PAUSE_C: &str = "#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { _exit(0); }
static void reap(int signal) { while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) { signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap); for (;;) pause(); }
";

/// Writes the archive of the image that pods begin with.
pub fn pause(directory: &Path) -> anyhow::Result<PathBuf> {
    let root = directory.join("pause");
    fs::create_dir_all(&root)?;
    let source = directory.join("pause.c");
    fs::write(&source, PAUSE_C)?;
    let mut compile = Command::new("cc");
    compile.args(["-static", "-Os", "-s", "-o"]).arg(root.join("pause"));
    run(compile.arg(&source))?;
    archive(directory, &root, PAUSE, "/pause")
}

/// Writes the archive of the program's image.
pub fn stateward(directory: &Path) -> anyhow::Result<PathBuf> {
    let program = env!("CARGO_BIN_EXE_stateward");
    let root = directory.join("stateward");
    fs::create_dir_all(&root)?;
    run(Command::new("strip").args([program, "-o"]).arg(root.join("stateward")))?;
    for library in libraries(program)? {
        let to = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("a directory")?)?;
        fs::copy(&library, to)?;
    }
    archive(directory, &root, STATEWARD, "/stateward")
}

/// The files that the loader would load, itself included.
fn libraries(program: &str) -> anyhow::Result<Vec<String>> {
    let text = run(Command::new("ldd").arg(program))?;
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(str::to_owned).collect())
}

/// Packs a directory as the only layer of an image, and returns the path of its archive.
fn archive(directory: &Path, root: &Path, name: &str, program: &str) -> anyhow::Result<PathBuf> {
    let layout = root.with_extension("oci");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let layer = directory.join("layer.tar");
    pack(root, &layer)?;
    let layer = keep(&blobs, &fs::read(&layer)?)?;
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {"Entrypoint": [program], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = keep(&blobs, config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": of_type(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [of_type(layer, "application/vnd.oci.image.layer.v1.tar")],
    });
    let manifest = keep(&blobs, manifest.to_string().as_bytes())?;
    let mut manifest = of_type(manifest, "application/vnd.oci.image.manifest.v1+json");
    manifest["annotations"] = json!({"io.containerd.image.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let archive = root.with_extension("tar");
    pack(&layout, &archive)?;
    Ok(archive)
}

/// Puts a blob where it belongs, and describes it.
fn keep(blobs: &Path, blob: &[u8]) -> anyhow::Result<Value> {
    let digest = stateward::server::tls::fingerprint(blob).to_lowercase();
    fs::write(blobs.join(&digest), blob)?;
    Ok(json!({"digest": format!("sha256:{digest}"), "size": blob.len()}))
}

fn of_type(mut blob: Value, media_type: &str) -> Value {
    blob["mediaType"] = media_type.into();
    blob
}

fn pack(directory: &Path, archive: &Path) -> anyhow::Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--owner=0", "--group=0", "--file"]).arg(archive);
    run(tar.arg("--directory").arg(directory).arg("."))?;
    Ok(())
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}
