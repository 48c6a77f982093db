//! `stateward audit --write-exceptions`: an exception for each workload that is denied today, so that Deny can be
//! switched on without a bad night.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::audit::{Entry, Level, Object, Report};
use crate::graph::{Kind, Kinds};
use crate::policy::description::API_VERSION;
use crate::policy::exception::description::KIND;
use crate::rules::kit::text;
use crate::time::{Span, Time};

/// Printed instead of written to files.
const STDOUT: &str = "-";

/// Whether exceptions are written, and what they say.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Write an exception for each workload that is denied, or will be, into this directory; - prints them for
    /// kubectl apply -f -
    #[arg(
        long,
        value_name = "DIR",
        requires_all = ["expires", "owner"],
        conflicts_with_all = ["format", "output", "known", "write_known", "compare"]
    )]
    write_exceptions: Option<PathBuf>,
    /// How long from now on the exceptions count, such as 60d or 12h
    #[arg(long, value_name = "TIME", requires = "write_exceptions", value_parser = span)]
    expires: Option<Span>,
    /// Who answers for the exceptions
    #[arg(long, value_name = "TEAM", requires = "write_exceptions", value_parser = owner)]
    owner: Option<String>,
    /// Write exceptions over the files of earlier ones
    #[arg(long, requires = "write_exceptions")]
    overwrite: bool,
}

/// What is written.
struct Written {
    file: String,
    text: String,
}

/// What all exceptions say.
struct Terms<'a> {
    owner: &'a str,
    expires: Time,
    now: Time,
}

impl Args {
    /// Writes exceptions for what is found at `least` or above, and for what will be denied. Returns false where nobody
    /// asked for any.
    ///
    /// # Errors
    /// A file that is there already, or cannot be written.
    pub fn write(&self, report: &Report, kinds: &Kinds, least: Level, now: Time) -> anyhow::Result<bool> {
        let (Some(directory), Some(owner), Some(expires)) = (&self.write_exceptions, &self.owner, self.expires) else {
            return Ok(false);
        };
        let terms = Terms {
            owner,
            expires: now.plus(expires),
            now,
        };
        let written: Vec<Written> = violators(report, kinds, least)
            .into_iter()
            .map(|(object, (kind, found))| terms.write(object, kind, &found))
            .collect();
        let place = if directory == Path::new(STDOUT) {
            let texts: Vec<&str> = written.iter().map(|one| &*one.text).collect();
            super::print(texts.join("---\n").as_bytes())?;
            "standard output".to_owned()
        } else {
            self.write_files(directory, &written)?;
            directory.display().to_string()
        };
        let count = text::counted(written.len() as u64, "exception");
        super::tell(&format!("{count} written to {place}, until {}", terms.expires));
        Ok(true)
    }

    /// Writes all of them, or none where one is there already.
    fn write_files(&self, directory: &Path, written: &[Written]) -> anyhow::Result<()> {
        let flag = || format!("--write-exceptions {}", directory.display());
        std::fs::create_dir_all(directory).with_context(flag)?;
        let there = written.iter().find(|one| directory.join(&one.file).exists());
        if let Some(there) = there.filter(|_| !self.overwrite) {
            bail!(
                "{}: {} is there already, and nothing was written (--overwrite writes over it)",
                flag(),
                there.file
            );
        }
        for one in written {
            let file = directory.join(&one.file);
            std::fs::write(&file, &one.text).with_context(|| format!("{}: cannot write {}", flag(), one.file))?;
        }
        Ok(())
    }
}

/// The workloads with what is found in them and nobody answers for yet, by namespace, kind and name.
fn violators<'r>(report: &'r Report, kinds: &Kinds, least: Level) -> BTreeMap<&'r Object, (Kind, Vec<&'r Entry>)> {
    let mut violators: BTreeMap<&Object, (Kind, Vec<&Entry>)> = BTreeMap::new();
    for entry in &report.entries {
        let kind = kinds.of(&entry.object.api_version, &entry.object.kind);
        let counts = entry.level >= least || entry.denied_after.is_some();
        if let Some(kind) = kind.filter(|kind| counts && !entry.is_let_pass() && kind.is_workload()) {
            let (_, found) = violators.entry(&entry.object).or_insert_with(|| (kind, Vec::new()));
            found.push(entry);
        }
    }
    violators
}

impl Terms<'_> {
    fn write(&self, object: &Object, kind: Kind, found: &[&Entry]) -> Written {
        let Object { namespace, name, .. } = object;
        // As exceptions call it.
        let kind = if kind.is_builtin() {
            kind.as_str().to_owned()
        } else {
            format!("{}.{}", kind.resource(), kind.group())
        };
        let exception = format!("{}-{name}", kind.to_lowercase());
        let mut rules: Vec<&str> = found.iter().map(|entry| entry.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        let mut text = String::new();
        for entry in found {
            // What is in the name of a claim must not end the comment.
            let message = entry.message.replace(|c: char| c.is_control(), "\u{fffd}");
            let _ = writeln!(text, "# {}: {message}", entry.rule);
        }
        let reason = format!("found by stateward audit on {}", self.now.in_words());
        // JSON's strings are YAML's: whatever a name looks like, it stays a text.
        let _ = write!(
            text,
            "apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata:\n  name: {}\n  namespace: {}\nspec:\n  rules: [{}]\n  \
             match:\n    kinds: [{kind}]\n    names: [{}]\n  reason: {}\n  owner: {}\n  expiresAt: {}\n",
            json!(exception),
            json!(namespace.as_str()),
            rules.join(", "),
            json!(name.as_str()),
            json!(reason),
            json!(self.owner),
            json!(self.expires.to_string()),
        );
        Written {
            file: format!("{namespace}.{exception}.yaml"),
            text,
        }
    }
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "write a whole number of days or hours, such as 60d or 12h".to_owned())
}

fn owner(text: &str) -> Result<String, String> {
    let owner = text.trim();
    (!owner.is_empty())
        .then(|| owner.to_owned())
        .ok_or_else(|| "write the name of a team or a person".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Name;
    use crate::kinds;
    use crate::manifests;
    use crate::policy::exception::parse;
    use crate::rules::RULES;
    use crate::rules::kit::Verdict;

    fn entry(kind: &str, name: &str, rule: &'static str, level: Level) -> Entry {
        let object = Object {
            namespace: "shop".into(),
            kind: kind.into(),
            name: name.into(),
            api_version: match kind {
                "Rollout" => "argoproj.io/v1alpha1".into(),
                "Service" => "v1".into(),
                _ => "apps/v1".into(),
            },
        };
        Entry {
            rule,
            verdict: Verdict::Violation,
            level,
            message: format!("{}: bad\n", object.title()),
            object,
            subject: "".into(),
            extent: 1,
            path: String::new(),
            location: None,
            remedy: String::new(),
            related: Vec::new(),
            allowed_because: None,
            denied_after: None,
            exemption: None,
        }
    }

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn report() -> Report {
        let later = Entry {
            denied_after: Some(time("2026-12-24T00:00:00Z")),
            ..entry("StatefulSet", "db", "rwo-surge", Level::Warning)
        };
        let allowed = Entry {
            allowed_because: Some("OPS-1".to_owned()),
            ..entry("Deployment", "allowed", "rwo-replicas", Level::Note)
        };
        let entries = vec![
            entry("Deployment", "1e3", "rwo-surge", Level::Error),
            entry("Deployment", "1e3", "rwo-replicas", Level::Error),
            entry("Deployment", "1e3", "rwo-replicas", Level::Error),
            entry("Deployment", "warned", "rwo-replicas", Level::Warning),
            entry("Service", "web", "rwo-replicas", Level::Error),
            entry("Rollout", "web", "rwo-replicas", Level::Error),
            allowed,
            later,
        ];
        Report {
            entries,
            ..Report::default()
        }
    }

    fn args(directory: &Path, overwrite: bool) -> Args {
        Args {
            write_exceptions: Some(directory.to_owned()),
            expires: Span::parse("60d"),
            owner: Some("team: shop".to_owned()),
            overwrite,
        }
    }

    #[test]
    fn each_violator_gets_one_that_is_valid_and_meant_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let now = time("2026-11-29T03:10:09Z");
        assert!(
            args(directory.path(), false)
                .write(&report(), kinds::shipped(), Level::Error, now)
                .unwrap()
        );
        let mut files: Vec<String> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(
            files,
            [
                "shop.deployment-1e3.yaml",
                "shop.rollouts.argoproj.io-web.yaml",
                "shop.statefulset-db.yaml"
            ]
        );
        let text = std::fs::read_to_string(directory.path().join(&files[0])).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with('#')).count(), 3, "{text}");
        let manifests = manifests::read(text.into_bytes());
        let exception = parse(&manifests.get(0).unwrap().to_json(), RULES).unwrap();
        assert_eq!(exception.title(), "shop/deployment-1e3");
        assert_eq!(exception.rules, ["rwo-replicas", "rwo-surge"]);
        assert_eq!(exception.kinds, [Name::from("Deployment")]);
        assert!(exception.names[0].matches("1e3") && exception.names.len() == 1);
        assert_eq!((&*exception.owner, exception.created), ("team: shop", None));
        assert_eq!(exception.expires, time("2027-01-28T03:10:09Z"));
        let of_rollout = std::fs::read(directory.path().join(&files[1])).unwrap();
        let exception = parse(&manifests::read(of_rollout).get(0).unwrap().to_json(), RULES).unwrap();
        assert_eq!(exception.kinds, [Name::from("rollouts.argoproj.io")]);
    }

    #[test]
    fn what_is_there_is_written_over_only_where_that_is_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        let (now, later) = (time("2026-11-29T00:00:00Z"), time("2026-12-01T00:00:00Z"));
        let there = directory.path().join("shop.statefulset-db.yaml");
        std::fs::write(&there, "mine").unwrap();
        let error = args(directory.path(), false)
            .write(&report(), kinds::shipped(), Level::Error, now)
            .unwrap_err()
            .to_string();
        assert!(error.contains("shop.statefulset-db.yaml is there already"), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(
            args(directory.path(), true)
                .write(&report(), kinds::shipped(), Level::Warning, later)
                .unwrap()
        );
        assert!(
            std::fs::read_to_string(&there)
                .unwrap()
                .contains("expiresAt: \"2027-01-30T00:00:00Z\"")
        );
        assert!(directory.path().join("shop.deployment-warned.yaml").exists());
    }
}
