//! `.stateward.yaml`: what a repository wants of every check in it.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};

use super::globs::Globs;
use crate::cli::reporting::Defaults;
use crate::manifests::files;
use crate::runtime::policies::PolicySource;

/// The file, looked for in the working directory and above it.
pub const FILE: &str = ".stateward.yaml";

/// What the file says; paths in it are relative to it.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub defaults: Defaults,
    pub excluded: Globs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    policy: OneOrMore,
    exclude: OneOrMore,
    known: Option<String>,
}

/// A text, or a list of them.
#[derive(Debug, Default)]
struct OneOrMore(Vec<String>);

impl Config {
    /// Reads the nearest file in `directory` or above it; without one nothing is configured.
    pub fn find(directory: &Path) -> anyhow::Result<Self> {
        let found = directory
            .ancestors()
            .map(|directory| directory.join(FILE))
            .find(|file| file.is_file());
        found.map_or_else(|| Ok(Self::default()), |file| Self::read(&file, directory))
    }

    fn read(file: &Path, working: &Path) -> anyhow::Result<Self> {
        let shown = shorter(file, working);
        let name = shown.display();
        let text = files::load(file).map_err(|error| anyhow::Error::from(error).context("configuration"))?;
        let reading = stateward_yaml::read(text);
        if let Some(problem) = reading.problems().first() {
            bail!("{name}:{problem}");
        }
        let mut documents = reading.documents();
        let Some(document) = documents.next() else {
            return Ok(Self::default());
        };
        if let Some(second) = documents.next() {
            bail!("{name}:{}: a second document: one is enough", second.position());
        }
        let written: Written = document
            .root()
            .to()
            .map_err(|error| anyhow!("{name}:{}: {error}", error.position()))?;
        let directory = file.parent().unwrap_or(Path::new("/"));
        let below = |path: &str| shorter(&directory.join(path), working);
        let source = |text: &String| {
            PolicySource::parse(text).map(|source| match source {
                PolicySource::Path(path) => PolicySource::Path(shorter(&directory.join(path), working)),
                embedded @ PolicySource::Embedded(..) => embedded,
            })
        };
        let excluded = Globs::new(directory, &written.exclude.0)
            .map_err(|error| anyhow!("{name}:{}: {error}", document.root().position_of("/exclude")))?;
        let policies = written.policy.0.iter().map(source).collect::<Result<_, _>>();
        Ok(Self {
            defaults: Defaults {
                policies: policies
                    .map_err(|error| anyhow!(error))
                    .with_context(|| name.to_string())?,
                known: written.known.as_deref().map(below),
            },
            excluded,
        })
    }
}

/// A path below the working directory as people write it.
fn shorter(path: &Path, working: &Path) -> PathBuf {
    path.strip_prefix(working).unwrap_or(path).to_owned()
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Texts)
    }
}

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMore(texts))
    }
}
