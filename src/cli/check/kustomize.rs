//! `--kustomize`: what kustomize makes of a directory is judged, and not its files as they stand.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow, bail};

use crate::manifests::corpus::Corpus;
use crate::manifests::files::STDIN;
use crate::manifests::kustomize;

/// The programs that build, with their arguments before the directory; the first that is there does.
const BUILDERS: [(&str, &str); 2] = [("kustomize", "build"), ("kubectl", "kustomize")];

/// What kustomize makes of each directory.
///
/// # Errors
/// Neither program is there, or one of them cannot build a directory.
pub fn build(directories: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let each = directories.iter().map(|directory| {
        if directory == Path::new(STDIN) {
            bail!("--kustomize takes directories, and standard input is none: kustomize build DIR | stateward check -");
        }
        Ok((directory.clone(), build_one(directory)?))
    });
    each.collect()
}

fn build_one(directory: &Path) -> anyhow::Result<Vec<u8>> {
    for (program, argument) in BUILDERS {
        let command = format!("{program} {argument} {}", directory.display());
        match Command::new(program).arg(argument).arg(directory).output() {
            Ok(output) if output.status.success() => return Ok(output.stdout),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.trim().trim_start_matches("Error: ").trim_start_matches("error: ");
                return Err(anyhow!("{command}: {said}"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| command),
        }
    }
    bail!("--kustomize: neither kustomize nor kubectl is on PATH")
}

/// Says what of the kustomizations among the files does not count, though it changes what they come to.
pub fn notes(corpus: &Corpus) -> impl Iterator<Item = String> {
    corpus.files.iter().filter_map(|file| {
        let left = kustomize::left_out(file);
        let (name, fields) = (&file.name, left.join(", "));
        (!left.is_empty())
            .then(|| format!("{name}: not applied: {fields} (--kustomize judges what kustomize makes of a directory)"))
    })
}
