//! What the stories are written with: the packages of `tests/browser`, installed once, into the user's cache.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::controlplane::build::{cache, once, say};

const PACKAGE: &str = include_str!("../../browser/package.json");
const LOCK: &str = include_str!("../../browser/package-lock.json");

/// The directory of the packages; installs them if they are not there yet.
pub fn installed() -> anyhow::Result<PathBuf> {
    let mut recipe = DefaultHasher::new();
    LOCK.hash(&mut recipe);
    let directory = cache()?.join("browser").join(format!("{:016x}", recipe.finish()));
    let modules = directory.join("node_modules");
    // Written when everything else is.
    let listed = modules.join(".package-lock.json");
    once(
        &directory,
        || listed.exists(),
        || {
            say(&format!(
                "the tests in a browser need the packages of tests/browser; installing them with npm into {}, once",
                directory.display()
            ));
            std::fs::write(directory.join("package.json"), PACKAGE)?;
            std::fs::write(directory.join("package-lock.json"), LOCK)?;
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&directory);
            let output = npm.output().context("`npm` does not run")?;
            let told = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "`npm ci` in {}: {told}", directory.display());
            Ok(())
        },
    )?;
    Ok(modules)
}
