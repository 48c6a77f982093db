//! The kinds that are known beside the built-in ones: those that the program knows by itself, and those that are
//! declared in files.

mod in_cluster;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::graph::{Entry, Kinds, Reach, Role, Row, Scaler, Trust};
use crate::manifests::files::{self, FileError};
use crate::manifests::{self, Manifest};
use crate::policy::workload_kind::{WorkloadKind, parse};
pub use in_cluster::{InCluster, counting};

/// The declarations that the program has: each with its name, and how sure it is of what the kind's controller does. Of
/// one with several pod templates it is never sure, for a match condition that keeps requests away knows one.
const SHIPPED: &[(&str, Trust, &str)] = &[
    (
        "daemonsets.apps.kruise.io",
        Trust::Sure,
        include_str!("../../kinds/advanced-daemonset.yaml"),
    ),
    (
        "statefulsets.apps.kruise.io",
        Trust::Sure,
        include_str!("../../kinds/advanced-statefulset.yaml"),
    ),
    (
        "clonesets.apps.kruise.io",
        Trust::Sure,
        include_str!("../../kinds/cloneset.yaml"),
    ),
    (
        "jobsets.jobset.x-k8s.io",
        Trust::Declared,
        include_str!("../../kinds/jobset.yaml"),
    ),
    (
        "leaderworkersets.leaderworkerset.x-k8s.io",
        Trust::Declared,
        include_str!("../../kinds/leaderworkerset.yaml"),
    ),
    (
        "rollouts.argoproj.io",
        Trust::Sure,
        include_str!("../../kinds/rollout.yaml"),
    ),
    (
        "services.serving.knative.dev",
        Trust::Declared,
        include_str!("../../kinds/knative-service.yaml"),
    ),
    (
        "scaledjobs.keda.sh",
        Trust::Declared,
        include_str!("../../kinds/scaledjob.yaml"),
    ),
];

/// Why kinds of workloads are not known.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    /// The files declare none.
    #[error("--workload-kinds {0}: no WorkloadKind in it")]
    Empty(String),
    /// Everything that is wrong, each with its place.
    #[error("the declarations of kinds are not valid\n  {}", .0.join("\n  "))]
    Invalid(Vec<String>),
    #[error("--workload-kinds {given}")]
    Unreadable {
        given: String,
        #[source]
        cause: FileError,
    },
}

/// A declaration and where it stands.
type Placed = (String, WorkloadKind);

/// The name of KEDA's autoscaler, which runs no pods, so that no declaration says what it is.
const SCALED_OBJECTS: &str = "scaledobjects.keda.sh";

/// The names of the kinds that the program knows beside the built-in ones.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, ..)| *name).chain([SCALED_OBJECTS])
}

/// The built-in kinds and all that the program knows beside them.
#[must_use]
pub fn shipped() -> &'static Kinds {
    static KINDS: LazyLock<&'static Kinds> = LazyLock::new(|| {
        let all = registered(own(|_| true), true);
        all.expect("invariant: of the program's own declarations each is of another kind")
    });
    *KINDS
}

/// All of these, those that a cluster declares, and those that files declare, each of which counts for what was said of
/// the same kind before.
///
/// # Errors
/// Files that cannot be read, or declarations that are not valid, or none.
pub fn with(in_cluster: Vec<WorkloadKind>, paths: &[PathBuf]) -> Result<&'static Kinds, KindError> {
    if paths.is_empty() && in_cluster.is_empty() {
        return Ok(shipped());
    }
    let mut kinds = own(|_| true);
    let (counting, _) = counting(in_cluster);
    kinds.extend(counting.into_iter().map(|(key, kind)| (key, (kind, Trust::Declared))));
    registered(with_declared(kinds, paths)?, true)
}

/// The built-in kinds, those of these names, and those that files declare: what is no name is a path.
///
/// # Errors
/// As [`with`].
pub fn chosen(wanted: &[String]) -> Result<&'static Kinds, KindError> {
    if wanted.is_empty() {
        return Ok(Kinds::builtin());
    }
    let is_wanted = |name: &str| wanted.iter().any(|one| one == name);
    let is_name = |one: &&String| names().any(|name| name == **one);
    let paths: Vec<PathBuf> = wanted.iter().filter(|one| !is_name(one)).map(PathBuf::from).collect();
    registered(with_declared(own(is_wanted), &paths)?, is_wanted(SCALED_OBJECTS))
}

/// Declarations by what they declare, each with how sure they are.
type Declarations = BTreeMap<Key, (WorkloadKind, Trust)>;

/// Adds what files declare.
fn with_declared(mut kinds: Declarations, paths: &[PathBuf]) -> Result<Declarations, KindError> {
    let mut mistakes = Vec::new();
    let mut places: BTreeMap<Key, String> = BTreeMap::new();
    for (place, kind) in declared(paths, &mut mistakes)? {
        let key = key(&kind);
        let title = format!("{} of {}", kind.kind, kind.group);
        if let Some(first) = places.insert(key.clone(), place.clone()) {
            mistakes.push(format!("{place}: {title} is declared already at {first}"));
        } else {
            kinds.insert(key, (kind, Trust::Declared));
        }
    }
    if mistakes.is_empty() {
        Ok(kinds)
    } else {
        Err(KindError::Invalid(mistakes))
    }
}

/// What tells kinds apart: the group and the name.
type Key = (String, String);

fn key(kind: &WorkloadKind) -> Key {
    (kind.group.clone(), kind.kind.clone())
}

/// The program's own declarations of some names.
fn own(is_wanted: impl Fn(&str) -> bool) -> Declarations {
    let wanted = SHIPPED.iter().filter(|(name, ..)| is_wanted(name));
    let declarations = wanted.map(|(name, trust, text)| {
        let mut mistakes = Vec::new();
        let kind = read(name, text.as_bytes().to_vec(), &mut mistakes).pop();
        assert!(mistakes.is_empty(), "invariant: {mistakes:?}");
        let (_, kind) = kind.expect("invariant: each of the program's own files declares a kind");
        (key(&kind), (kind, *trust))
    });
    declarations.collect()
}

fn registered(kinds: Declarations, scaled_objects: bool) -> Result<&'static Kinds, KindError> {
    let rows = kinds.into_values().map(|(kind, trust)| kind.into_row(trust));
    let registered = Kinds::with(rows.chain(scaled_objects.then(scaled_object)));
    registered.map_err(|taken| KindError::Invalid(vec![format!("{} is declared twice", taken.0)]))
}

/// KEDA's autoscaler. It runs no pods, so that no declaration says what it is.
const fn scaled_object() -> Row {
    let reach = Reach::Review {
        entry: Entry::Advice,
        scale: false,
        defaults: crate::graph::Defaults::Never,
    };
    let role = Role::Autoscaler(Scaler::Keda);
    Row::new(0, "keda.sh/v1alpha1", "scaledobjects", "ScaledObject", role, reach)
}

/// The declarations in files.
fn declared(paths: &[PathBuf], mistakes: &mut Vec<String>) -> Result<Vec<Placed>, KindError> {
    let mut all = Vec::new();
    for path in paths {
        let unreadable = |cause| KindError::Unreadable {
            given: path.display().to_string(),
            cause,
        };
        let (found, errors) = files::find(path);
        if let Some(error) = errors.into_iter().next() {
            return Err(unreadable(error));
        }
        let (before, wrong) = (all.len(), mistakes.len());
        for file in found {
            let text = files::load(&file).map_err(unreadable)?;
            all.extend(read(&name(&file), text, mistakes));
        }
        if all.len() == before && mistakes.len() == wrong {
            return Err(KindError::Empty(path.display().to_string()));
        }
    }
    Ok(all)
}

fn name(file: &Path) -> String {
    file.display().to_string()
}

/// The declarations in a text, each with its place.
fn read(file: &str, text: Vec<u8>, mistakes: &mut Vec<String>) -> Vec<Placed> {
    let manifests = manifests::read(text);
    mistakes.extend(manifests.problems().iter().map(|problem| format!("{file}:{problem}")));
    let mut all = Vec::new();
    for manifest in manifests.iter() {
        let at = |pointer: &str| format!("{file}:{}", position(manifest, pointer));
        match parse(&manifest.to_json()) {
            Ok(kind) => all.push((at("/metadata/name"), kind)),
            Err(errors) => {
                let told = errors
                    .iter()
                    .map(|error| format!("{}: {}", at(&error.pointer), error.message));
                mistakes.extend(told);
            }
        }
    }
    all
}

fn position(manifest: Manifest<'_>, pointer: &str) -> impl std::fmt::Display + use<> {
    manifest.root().position_of(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::causes::chain;
    use crate::graph::Kind;

    const WIDGET: &str = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadKind\nmetadata: {name: widgets}\nspec:\n  \
                          group: example.com\n  version: v1\n  kind: Widget\n  plural: widgets\n  podTemplate: /spec/pod\n";

    fn written(text: &str) -> Result<&'static Kinds, KindError> {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("kinds.yaml");
        std::fs::write(&file, text).expect("written");
        with(Vec::new(), &[file])
    }

    fn refused(text: &str) -> String {
        let error = written(text).expect_err("refused");
        let text = chain(&error);
        text.replace(
            text.rsplit_once("/kinds.yaml").map_or("", |(before, _)| {
                before.rsplit_once(' ').map_or(before, |(_, path)| path)
            }),
            "",
        )
    }

    #[test]
    fn what_the_program_ships_is_valid_and_known_by_group_and_kind() {
        let kinds = shipped();
        let known = |version: &str, kind: &str| kinds.of(version, kind).is_some_and(Kind::is_workload);
        assert!(known("argoproj.io/v1alpha1", "Rollout") && known("apps.kruise.io/v1beta1", "CloneSet"));
        assert!(!known("argoproj.io/v1alpha1", "Application") && !known("example.com/v1", "Rollout"));
        assert!(kinds.of("keda.sh/v1alpha1", "ScaledObject").is_some());
        assert!(
            kinds
                .of("serving.knative.dev/v1", "Service")
                .is_some_and(|kind| kind != Kind::SERVICE && kind.label() == "services.serving.knative.dev")
        );
    }

    #[test]
    fn what_is_chosen_is_known_and_nothing_else() {
        let chosen = |names: &[&str]| chosen(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            chosen(&[]).expect("nothing").iter().len(),
            Kinds::builtin().iter().len()
        );
        let kinds = chosen(&["rollouts.argoproj.io", "scaledobjects.keda.sh"]).expect("names");
        let further: Vec<&str> = kinds
            .iter()
            .filter(|kind| !kind.is_builtin())
            .map(Kind::label)
            .collect();
        assert_eq!(further, ["Rollout", "ScaledObject"]);
        assert!(chain(&chosen(&["rollout.argoproj.io"]).expect_err("no name")).contains("cannot read"));
        for (name, _, text) in SHIPPED {
            let kind = read(name, text.as_bytes().to_vec(), &mut Vec::new())
                .pop()
                .expect("declared")
                .1;
            assert_eq!(*name, kind.name);
        }
        let labels = shipped()
            .iter()
            .map(Kind::label)
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(labels.len(), shipped().iter().len(), "labels tell kinds apart");
        assert!(labels.contains("statefulsets.apps.kruise.io"));
    }

    #[test]
    fn a_declared_kind_is_known_and_may_replace_one_that_is_shipped() {
        let both = format!(
            "{WIDGET}---\n{}",
            WIDGET
                .replace("example.com", "argoproj.io")
                .replace("Widget\n", "Rollout\n")
        );
        let kinds = written(&both).expect("valid");
        let widget = kinds.of("example.com/v1", "Widget").expect("declared");
        let rollout = kinds.of("argoproj.io/v1alpha1", "Rollout").expect("declared");
        assert!(!widget.is_sure() && !rollout.is_sure() && rollout.resource() == "widgets");
        assert!(
            shipped()
                .of("argoproj.io/v1alpha1", "Rollout")
                .is_some_and(Kind::is_sure)
        );
        assert!(shipped().of("example.com/v1", "Widget").is_none());
    }

    #[test]
    fn mistakes_have_their_place() {
        let wrong = refused(&WIDGET.replace("podTemplate", "podTemplat"));
        assert!(
            wrong.contains("kinds.yaml:9:15: unknown field \"podTemplat\", did you mean \"podTemplate\"?"),
            "{wrong}"
        );
        let twice = refused(&format!("{WIDGET}---\n{WIDGET}"));
        assert!(
            twice.contains("kinds.yaml:13:18: Widget of example.com is declared already at") && twice.contains(":3:18"),
            "{twice}"
        );
        let built_in = refused(
            &WIDGET
                .replace("example.com", "apps")
                .replace("Widget\n", "Deployment\n"),
        );
        assert!(built_in.contains("Deployment of apps is known already"), "{built_in}");
        let nothing = refused("# nothing\n");
        assert!(nothing.ends_with("no WorkloadKind in it"), "{nothing}");
        let missing = chain(&with(Vec::new(), &["nowhere.yaml".into()]).expect_err("there is none"));
        assert!(
            missing.starts_with("--workload-kinds nowhere.yaml: cannot read nowhere.yaml"),
            "{missing}"
        );
    }
}
