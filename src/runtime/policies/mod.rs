//! Where policies come from: embedded ones, files, and a cluster.

pub(super) mod cluster;
mod held;
mod own;
pub(super) mod reload;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stateward_nearest::nearest;
use stateward_yaml::{Node, Value};

use self::own::Own;
use crate::kinds::KindError;
use crate::manifests;
use crate::manifests::files::{self, FileError};
use crate::metrics::Refusal;
use crate::policy::description::API_VERSION;
use crate::policy::exception::{self, description::KIND as EXCEPTION};
use crate::policy::{self, Exception, Policies, Policy, WorkloadKind};
use crate::rules::RULES;

/// Where embedded policies are from.
const BUILT_IN: &str = "built in";
const BASELINE: (&str, &str) = ("baseline", include_str!("../../../policies/baseline.yaml"));
const EMBEDDED: [(&str, &str); 4] = [
    ("audit", include_str!("../../../policies/audit.yaml")),
    BASELINE,
    ("strict", include_str!("../../../policies/strict.yaml")),
    ("warn", include_str!("../../../policies/warn.yaml")),
];

/// What an installation's own policy is called.
const DEFAULT: &str = "default";
/// The lowest priority that a policy may have: it counts where no policy of the cluster says otherwise.
const LAST: i32 = -1000;

/// The own policy of an installation, with what one of the embedded ones says.
#[must_use]
pub fn default_policy(name: &str) -> Option<Policy> {
    let (_, text) = EMBEDDED.into_iter().find(|(known, _)| *known == name)?;
    let manifests = manifests::read(text.as_bytes().to_vec());
    let policy = policy::parse(&manifests.iter().next()?.to_json(), RULES).ok()?;
    Some(Policy {
        name: DEFAULT.to_owned(),
        priority: LAST,
        ..policy
    })
}

/// The policies of a cluster and the installation's own, unless one of them has its name.
fn with_default(mut policies: Vec<Policy>, default: Option<&Policy>) -> Vec<Policy> {
    let is_named = |default: &Policy| policies.iter().any(|policy| policy.name == default.name);
    if let Some(default) = default.filter(|default| !is_named(default)) {
        policies.push(default.clone());
    }
    policies
}

/// What `--policy` names.
#[derive(Clone, Debug)]
pub enum PolicySource {
    Embedded(&'static str, &'static str),
    Path(PathBuf),
}

/// Where a process finds its policies.
#[derive(Clone, Debug)]
pub enum PolicyOrigin {
    /// In the cluster that it serves, beside the installation's own.
    Cluster { default: Option<Policy> },
    /// Here; the embedded baseline where there are none.
    Files(Vec<PolicySource>),
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

/// Why there are no policies, or not those that files hold now.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The sources hold no policy, and do not say either that there shall be none.
    #[error(
        "--policy {}: no policy in it; to judge nothing, write apiVersion: {API_VERSION}, kind: {LIST}, items: []",
        .0.join(", ")
    )]
    Empty(Vec<String>),
    /// Policies are gone, and nothing says that they shall be.
    #[error(
        "{before} policies are in force and the files hold {now} of them: {} is gone; restart to mean it, or write \
         the whole set as one {LIST}",
        gone.join(", ")
    )]
    Fewer {
        before: usize,
        now: usize,
        gone: Vec<String>,
    },
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

impl PolicyError {
    fn reason(&self) -> Refusal {
        match self {
            Self::Empty(_) => Refusal::Empty,
            Self::Fewer { .. } => Refusal::Fewer,
            Self::Invalid(_) => Refusal::Invalid,
            Self::Unreadable { .. } => Refusal::Unreadable,
        }
    }
}

/// The kind of a list of policies. It is the whole set, as whoever wrote it meant it: it may be empty, and may have
/// fewer policies than were in force.
const LIST: &str = "WorkloadPolicyList";

/// Policies as their sources hold them.
struct Set {
    policies: Policies,
    /// A list says that these are all.
    is_whole: bool,
}

/// Reads the policies of all sources, the embedded baseline without any.
///
/// # Errors
/// Files that cannot be read, or policies that are not valid, or none.
pub fn load(sources: &[PolicySource]) -> Result<Policies, PolicyError> {
    Ok(parse(&texts(sources, files::load)?)?.policies)
}

/// Where policies of these sources are from, for people; each place once.
#[must_use]
pub fn places(sources: &[PolicySource]) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        let place = match source {
            PolicySource::Embedded(..) => BUILT_IN.to_owned(),
            PolicySource::Path(path) => path.display().to_string(),
        };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() {
        places.push(BUILT_IN.to_owned());
    }
    places
}

/// Our own objects in a cluster, as JSON.
#[derive(Debug)]
pub struct OwnObjects {
    pub policies: Vec<String>,
    pub exceptions: Vec<String>,
    /// The name of the embedded policy that the installation has for its own.
    pub default: Option<String>,
}

/// The policies and exceptions that a cluster holds.
///
/// # Errors
/// One that is not valid: what is in force of it, only the process in the cluster knows.
pub fn of_cluster(objects: &OwnObjects) -> Result<Policies, PolicyError> {
    let mut mistakes = Vec::new();
    let policies: Vec<Policy> = valid(&objects.policies, &mut mistakes);
    let exceptions: Vec<Exception> = valid(&objects.exceptions, &mut mistakes);
    let default = objects.default.as_deref().and_then(default_policy);
    let policies = with_default(policies, default.as_ref());
    if mistakes.is_empty() {
        Ok(Policies::new(policies, RULES).with_exceptions(exceptions))
    } else {
        Err(PolicyError::Invalid(mistakes))
    }
}

/// The kinds that a cluster declares.
///
/// # Errors
/// One that is not valid, as [`of_cluster`].
pub fn kinds_of_cluster(objects: &[String]) -> Result<Vec<WorkloadKind>, KindError> {
    let mut mistakes = Vec::new();
    let kinds = valid(objects, &mut mistakes);
    if mistakes.is_empty() {
        Ok(kinds)
    } else {
        Err(KindError::Invalid(mistakes))
    }
}

/// Those that are valid; of the others, the mistakes.
fn valid<T: Own>(objects: &[String], mistakes: &mut Vec<String>) -> Vec<T> {
    let mut list = Vec::new();
    for json in objects {
        let object: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        match T::parse(&object) {
            Ok(one) => list.push(one),
            Err(errors) => {
                let (kind, title) = (T::RESOURCE.kind, own::title(&object).unwrap_or_default());
                mistakes.extend(errors.iter().map(|error| format!("{kind} {title}: {error}")));
            }
        }
    }
    list
}

/// The names of policies, for a log line.
fn names(policies: &Policies) -> String {
    policies.names().collect::<Vec<_>>().join(", ")
}

/// Reads the texts of all sources; `read` says which files may be read.
fn texts(sources: &[PolicySource], read: fn(&Path) -> Result<Vec<u8>, FileError>) -> Result<Texts, PolicyError> {
    let mut texts = Texts::new();
    if sources.is_empty() {
        let (name, text) = BASELINE;
        texts.push((name.to_owned(), text.as_bytes().to_vec()));
    }
    for source in sources {
        match source {
            PolicySource::Embedded(name, text) => texts.push(((*name).to_owned(), text.as_bytes().to_vec())),
            PolicySource::Path(path) => {
                let (found, errors) = files::find(path);
                if let Some(error) = errors.into_iter().next() {
                    return Err(unreadable(path, error));
                }
                for file in found {
                    let text = read(&file).map_err(|error| unreadable(path, error))?;
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

fn parse(texts: &Texts) -> Result<Set, PolicyError> {
    let mut found: BTreeMap<String, (String, Policy)> = BTreeMap::new();
    let mut excepted: BTreeMap<String, (String, Exception)> = BTreeMap::new();
    let mut mistakes: Vec<String> = Vec::new();
    let mut is_whole = false;
    for (file, text) in texts {
        let manifests = manifests::read(text.clone());
        mistakes.extend(manifests.problems().iter().map(|problem| format!("{file}:{problem}")));
        is_whole |= manifests.reading().documents().any(|document| is_list(document.root()));
        for manifest in manifests.iter() {
            let at = |pointer: &str| format!("{file}:{}", manifest.root().position_of(pointer));
            let place = at("/metadata/name");
            let json = manifest.to_json();
            let read = if manifest.kind() == Some(EXCEPTION) {
                exception::parse(&json, RULES).map(|exception| {
                    let title = exception.title();
                    let first = add(&mut excepted, title.clone(), &place, exception)?;
                    Some(format!("{place}: an exception {title:?} is already at {first}"))
                })
            } else {
                policy::parse(&json, RULES).map(|policy| {
                    let name = policy.name.clone();
                    let first = add(&mut found, name.clone(), &place, policy)?;
                    Some(format!("{place}: a policy {name:?} is already at {first}"))
                })
            };
            match read {
                Ok(twice) => mistakes.extend(twice),
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
    if list.is_empty() && !is_whole {
        return Err(PolicyError::Empty(texts.iter().map(|(file, _)| file.clone()).collect()));
    }
    let exceptions = excepted.into_values().map(|(_, exception)| exception);
    let policies = Policies::new(list, RULES).with_exceptions(exceptions);
    Ok(Set { policies, is_whole })
}

/// Adds what is at a place, unless one of its name is there already: where that is.
fn add<T>(found: &mut BTreeMap<String, (String, T)>, name: String, place: &str, one: T) -> Option<String> {
    if let Some((first, _)) = found.get(&name) {
        return Some(first.clone());
    }
    found.insert(name, (place.to_owned(), one));
    None
}

/// Whether a document is a list of policies. One without items is cut off, and says nothing.
fn is_list(document: Node<'_>) -> bool {
    let says = |key: &str, text| document.get(key).and_then(Node::as_str) == Some(text);
    let items = document.get("items").map(Node::value);
    says("apiVersion", API_VERSION) && says("kind", LIST) && matches!(items, Some(Value::Sequence(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causes::chain;

    fn texts(files: &[(&str, &str)]) -> Texts {
        files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    fn parsed(files: &[(&str, &str)]) -> Result<Policies, PolicyError> {
        parse(&texts(files)).map(|set| set.policies)
    }

    #[test]
    fn an_installation_has_a_policy_of_its_own_unless_the_cluster_has_one_of_its_name() {
        for (name, _) in EMBEDDED {
            let default = default_policy(name).unwrap();
            assert_eq!((&*default.name, default.priority), (DEFAULT, LAST), "{name}");
        }
        assert_eq!(default_policy("lenient"), None);
        let default = default_policy("audit").unwrap();
        let named = |name: &str| Policy {
            name: name.to_owned(),
            ..default.clone()
        };
        let names = |policies: Vec<Policy>| -> Vec<String> {
            let all = with_default(policies, Some(&default)).into_iter();
            all.map(|policy| policy.name).collect()
        };
        assert_eq!(names(vec![named("house")]), ["house", "default"]);
        assert_eq!(names(vec![named("default")]), ["default"]);
        assert_eq!(with_default(Vec::new(), None), []);
    }

    #[test]
    fn the_embedded_ones_are_valid_and_baseline_is_the_fallback() {
        for (name, text) in EMBEDDED {
            assert_eq!(names(&parsed(&[(name, text)]).unwrap()), name);
        }
        assert_eq!(names(&load(&[]).unwrap()), "baseline");
    }

    #[test]
    fn nothing_is_a_set_only_where_it_says_so() {
        let list = format!("apiVersion: {API_VERSION}\nkind: {LIST}\n");
        for nothing in ["", "# nothing\n", "---\n", "null\n", "kind: List\nitems: []\n"] {
            let error = parsed(&[("a.yaml", nothing)]).unwrap_err();
            assert!(matches!(error, PolicyError::Empty(_)), "{nothing:?}: {error}");
        }
        for cut in [list.clone(), format!("{list}items:\n"), "apiVersion: st".to_owned()] {
            assert!(parsed(&[("a.yaml", &cut)]).is_err(), "{cut:?}");
        }
        let meant = parsed(&[("a.yaml", &format!("{list}items: []\n"))]).unwrap();
        assert_eq!(meant.names().count(), 0);
    }

    #[test]
    fn a_policy_that_was_cut_off_is_none() {
        let (_, text) = BASELINE;
        let end = text.find("spec:").unwrap();
        for cut in [&text[..end], &text[..end + 5]] {
            let error = parsed(&[("a.yaml", cut)]).unwrap_err().to_string();
            assert!(error.contains("spec is missing"), "{error}");
        }
    }

    #[test]
    fn mistakes_have_file_line_and_column() {
        let text = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: a}\nspec:\n  \
                    profile: Strict\n  rules:\n  - id: rwo-replica\n    actions: [Deny]\n";
        let error = parsed(&[("a.yaml", text), ("b.yaml", "a: [")]).unwrap_err().to_string();
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
    fn exceptions_stand_beside_policies_and_are_none() {
        let exception = "---\napiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicyException\n\
                         metadata: {name: legacy, namespace: shop}\nspec: {rules: [rwo-replicas], match: {}, \
                         reason: it is old, owner: shop, expiresAt: 2026-12-24T00:00:00Z}\n";
        let both = format!("{}{exception}", BASELINE.1);
        let policies = parsed(&[("a.yaml", &both)]).unwrap();
        assert_eq!(names(&policies), "baseline");
        assert_eq!(policies.exceptions("shop").len(), 1);
        assert!(matches!(parsed(&[("a.yaml", exception)]), Err(PolicyError::Empty(_))));
        let twice = parsed(&[("a.yaml", &both), ("b.yaml", exception)])
            .unwrap_err()
            .to_string();
        let line = both.lines().position(|line| line.contains("name: legacy")).unwrap() + 1;
        let told = format!("b.yaml:4:18: an exception \"shop/legacy\" is already at a.yaml:{line}:18");
        assert!(twice.contains(&told), "{twice}");
        let bad = both
            .replace("it is old", "REASON")
            .replace("rwo-replicas", "rwo-replica");
        let bad = parsed(&[("a.yaml", &bad)]).unwrap_err().to_string();
        assert!(
            bad.contains("did you mean \"rwo-replicas\"?") && bad.contains("REASON stands for"),
            "{bad}"
        );
    }

    #[test]
    fn one_name_is_one_policy() {
        let error = parsed(&[("a.yaml", BASELINE.1), ("b.yaml", BASELINE.1)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("b.yaml:5:9: a policy \"baseline\" is already at a.yaml:5:9"),
            "{error}"
        );
    }
}
