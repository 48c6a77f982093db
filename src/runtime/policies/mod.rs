//! Where policies come from: embedded ones and files.

pub(super) mod reload;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stateward_nearest::nearest;

use crate::manifests;
use crate::manifests::files::{self, FileError};
use crate::policy::{self, Policies, Policy};
use crate::rules::RULES;

const BASELINE: (&str, &str) = ("baseline", include_str!("../../../policies/baseline.yaml"));
const EMBEDDED: [(&str, &str); 3] = [
    ("audit", include_str!("../../../policies/audit.yaml")),
    BASELINE,
    ("strict", include_str!("../../../policies/strict.yaml")),
];

/// What `--policy` names.
#[derive(Clone, Debug)]
pub enum PolicySource {
    Embedded(&'static str, &'static str),
    Path(PathBuf),
}

/// Texts with the names by which messages call them.
type Texts = Vec<(String, Vec<u8>)>;

impl PolicySource {
    /// Parses the argument of `--policy`; a file called `strict` is `./strict`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let embedded = EMBEDDED.into_iter().find(|(name, _)| *name == text);
        Ok(embedded.map_or_else(|| Self::Path(text.into()), |(name, text)| Self::Embedded(name, text)))
    }
}

/// Why there are no policies.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Everything that is wrong, each with its place.
    #[error("the policies are not valid\n  {}", .0.join("\n  "))]
    Invalid(Vec<String>),
    #[error("--policy {given}{hint}")]
    Unreadable {
        given: String,
        /// Which embedded one may have been meant.
        hint: String,
        #[source]
        cause: FileError,
    },
}

/// Reads the policies of all sources; the embedded baseline where they hold none.
///
/// # Errors
/// Files that cannot be read, or policies that are not valid.
pub fn load(sources: &[PolicySource]) -> Result<Policies, PolicyError> {
    parse(&texts(sources)?)
}

/// The names of policies, for a log line.
fn names(policies: &Policies) -> String {
    policies.names().collect::<Vec<_>>().join(", ")
}

fn texts(sources: &[PolicySource]) -> Result<Texts, PolicyError> {
    let mut texts = Texts::new();
    for source in sources {
        match source {
            PolicySource::Embedded(name, text) => texts.push(((*name).to_owned(), text.as_bytes().to_vec())),
            PolicySource::Path(path) => {
                let (found, errors) = files::find(path);
                if let Some(error) = errors.into_iter().next() {
                    return Err(unreadable(path, error));
                }
                for file in found {
                    let text = files::load(&file).map_err(|error| unreadable(path, error))?;
                    texts.push((file.display().to_string(), text));
                }
            }
        }
    }
    Ok(texts)
}

fn unreadable(path: &Path, cause: FileError) -> PolicyError {
    let given = path.display().to_string();
    let meant = nearest(&given, EMBEDDED.map(|(name, _)| name));
    let hint = meant.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
    PolicyError::Unreadable { given, hint, cause }
}

fn parse(texts: &Texts) -> Result<Policies, PolicyError> {
    let mut found: BTreeMap<String, (String, Policy)> = BTreeMap::new();
    let mut mistakes: Vec<String> = Vec::new();
    for (file, text) in texts {
        let manifests = manifests::read(text.clone());
        mistakes.extend(manifests.problems().iter().map(|problem| format!("{file}:{problem}")));
        for manifest in manifests.iter() {
            let at = |pointer: &str| format!("{file}:{}", manifest.root().position_of(pointer));
            match policy::parse(&manifest.to_json(), RULES) {
                Ok(policy) => {
                    let place = at("/metadata/name");
                    if let Some((first, _)) = found.get(&policy.name) {
                        mistakes.push(format!("{place}: a policy {:?} is already at {first}", policy.name));
                    } else {
                        found.insert(policy.name.clone(), (place, policy));
                    }
                }
                Err(errors) => {
                    mistakes.extend(
                        errors
                            .into_iter()
                            .map(|error| format!("{}: {}", at(&error.pointer), error.message)),
                    );
                }
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(PolicyError::Invalid(mistakes));
    }
    let list: Vec<Policy> = found.into_values().map(|(_, policy)| policy).collect();
    if list.is_empty() {
        let (name, text) = BASELINE;
        return parse(&vec![(name.to_owned(), text.as_bytes().to_vec())]);
    }
    Ok(Policies::new(list, RULES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::causes::chain;

    fn texts(files: &[(&str, &str)]) -> Texts {
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn the_embedded_ones_are_valid_and_baseline_is_the_fallback() {
        for (name, text) in EMBEDDED {
            assert_eq!(names(&parse(&texts(&[(name, text)])).unwrap()), name);
        }
        assert_eq!(
            names(&parse(&texts(&[("empty.yaml", "# nothing\n")])).unwrap()),
            "baseline"
        );
    }

    #[test]
    fn mistakes_have_file_line_and_column() {
        let text = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: a}\nspec:\n  \
                    profile: Strict\n  rules:\n  - id: rwo-replica\n    actions: [Deny]\n";
        let error = parse(&texts(&[("a.yaml", text), ("b.yaml", "a: [")]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a.yaml:7:9: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?"),
            "{error}"
        );
        assert!(error.contains("b.yaml:"), "{error}");
    }

    #[test]
    fn a_path_that_cannot_be_read_is_named_with_its_flag() {
        let error = load(&[PolicySource::parse("strikt").unwrap()]).unwrap_err();
        let text = chain(&error);
        assert!(
            text.starts_with("--policy strikt (did you mean strict?): cannot read strikt: No such file"),
            "{text}"
        );
        assert_eq!(text.matches("No such file").count(), 1, "{text}");
    }

    #[test]
    fn one_name_is_one_policy() {
        let error = parse(&texts(&[("a.yaml", BASELINE.1), ("b.yaml", BASELINE.1)]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("b.yaml:5:9: a policy \"baseline\" is already at a.yaml:5:9"),
            "{error}"
        );
    }
}
