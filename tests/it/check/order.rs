//! Orders that mean nothing: of files, of paths, of documents; and twins, of which each file keeps its own.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use proptest::prelude::*;
use stateward::cli::check::judge::Judge;
use stateward::graph::{Knowledge, Name};
use stateward::manifests::corpus::{Corpus, Inputs};
use stateward::manifests::worlds::Base;
use stateward::runtime::policies::{self, PolicySource};
use stateward::time::Time;

use crate::support::dice::Dice;
use crate::support::worlds::entropy;

/// A Deployment on the claim, by its name and replicas.
macro_rules! web {
    ($name:literal, $replicas:literal) => {
        concat!(
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: ",
            $name,
            "}, spec: {replicas: ",
            $replicas,
            ", strategy: {type: Recreate}, selector: {matchLabels: {app: ",
            $name,
            "}}, template: {metadata: {labels: {app: ",
            $name,
            "}}, spec: {containers: [{name: web, image: web}], volumes: [{name: data, persistentVolumeClaim: \
             {claimName: data}}]}}}}"
        )
    };
}

/// The objects of which files are made: name, and what one may be like.
const OBJECTS: [(&str, &[&str]); 5] = [
    (
        "PersistentVolumeClaim data",
        &[
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}",
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteMany]}}",
        ],
    ),
    ("Deployment web", &[web!("web", 1), web!("web", 3)]),
    ("Deployment api", &[web!("api", 1), web!("api", 0)]),
    (
        "StatefulSet db",
        &[
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 3, selector: \
             {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: db}]}}}}",
        ],
    ),
    (
        "Service db",
        &[
            "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {clusterIP: None, selector: {app: db}}}",
            "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}}}",
        ],
    ),
];

/// Files by their names, each with the positions of its objects in [`OBJECTS`] and of what they are like.
type Files = BTreeMap<String, Vec<(usize, usize)>>;

/// A finding without the line that it is on: file, sentence, and the files of what plays a part.
type Found = BTreeSet<(String, String, Vec<String>)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_paths_files_and_documents_changes_nothing(bytes in entropy(), seed in any::<usize>()) {
        let files = files(&mut Dice::new(&bytes), 4);
        let scratch = tempfile::tempdir().expect("a directory");
        let sorted = checked(scratch.path(), &files, |names| names.to_vec());
        let reversed: Files = files.iter().map(|(name, objects)| (name.clone(), objects.iter().rev().copied().collect())).collect();
        let shuffled = checked(scratch.path(), &reversed, |names| {
            let mut names = names.to_vec();
            let by = seed % names.len();
            names.rotate_left(by);
            if seed % 2 == 0 {
                names.reverse();
            }
            names
        });
        prop_assert_eq!(&sorted, &shuffled);
        // By their directories too.
        let whole = checked(scratch.path(), &files, |_| vec![PathBuf::from(".")]);
        prop_assert_eq!(&sorted, &whole);
    }

    /// Whatever is found in a file is so in a world with all of that file and, of everything else, one.
    #[test]
    fn twins_make_up_no_finding_and_hide_none(bytes in entropy()) {
        let files = files(&mut Dice::new(&bytes), 3);
        let scratch = tempfile::tempdir().expect("a directory");
        let found = checked(scratch.path(), &files, |names| names.to_vec());
        for name in files.keys() {
            let of_file = |found: &Found| -> Found { found.iter().filter(|(file, _, _)| file == name).cloned().collect() };
            let (possible, certain) = worlds(name, &files, |world| {
                let scratch = tempfile::tempdir().expect("a directory");
                of_file(&checked(scratch.path(), world, |names| names.to_vec()))
            });
            let found = of_file(&found);
            let sentences = |found: &Found| -> BTreeSet<String> { found.iter().map(|(_, said, _)| said.clone()).collect() };
            prop_assert!(sentences(&found).is_subset(&sentences(&possible)), "made up in {}: {:#?}\n{:#?}", name, found, possible);
            prop_assert!(sentences(&certain).is_subset(&sentences(&found)), "hidden in {}: {:#?}\n{:#?}", name, certain, found);
        }
    }
}

/// Files of one directory: no file has an object twice, but several files may have the same.
fn files(dice: &mut Dice<'_>, most: usize) -> Files {
    let mut files = Files::new();
    for number in 0..=dice.below(most) {
        let mut objects = Vec::new();
        for (position, (_, like)) in OBJECTS.iter().enumerate() {
            if dice.one_in(2) {
                objects.push((position, dice.below(like.len())));
            }
        }
        files.insert(format!("{number}.yaml"), objects);
    }
    files
}

/// What is found in every world with all of a file and one of each of the other objects, and what in all of them.
fn worlds(name: &str, files: &Files, judge: impl Fn(&Files) -> Found) -> (Found, Found) {
    let own = &files[name];
    let mut choices: Vec<Files> = vec![Files::from([(name.to_owned(), own.clone())])];
    for position in (0..OBJECTS.len()).filter(|position| own.iter().all(|(own, _)| own != position)) {
        let others = files.iter().filter_map(|(file, objects)| {
            let object = objects.iter().find(|(one, _)| *one == position)?;
            Some((file, *object))
        });
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            continue;
        }
        let with = |choice: &Files| -> Vec<Files> {
            let each = others.iter().map(|(file, object)| {
                let mut choice = choice.clone();
                choice.entry((*file).clone()).or_default().push(*object);
                choice
            });
            each.collect()
        };
        choices = choices.iter().flat_map(with).collect();
    }
    let found: Vec<Found> = choices.iter().map(judge).collect();
    let possible = found.iter().flatten().cloned().collect();
    let certain = found
        .into_iter()
        .reduce(|one, other| one.intersection(&other).cloned().collect());
    (possible, certain.unwrap_or_default())
}

/// Writes files and checks them, in the order that is given of their names.
fn checked(directory: &std::path::Path, files: &Files, order: impl Fn(&[PathBuf]) -> Vec<PathBuf>) -> Found {
    let mut names = Vec::new();
    for (name, objects) in files {
        let text: Vec<&str> = objects.iter().map(|(object, like)| OBJECTS[*object].1[*like]).collect();
        std::fs::write(directory.join(name), text.join("\n---\n")).expect("written");
        names.push(PathBuf::from(name));
    }
    let paths: Vec<PathBuf> = order(&names).into_iter().map(|name| directory.join(name)).collect();
    let namespace: Name = "default".into();
    let corpus = Corpus::read(Inputs {
        kinds: stateward::kinds::shipped(),
        paths: &paths,
        namespace: &namespace,
        excluded: &|_| false,
        threads: NonZeroUsize::MIN,
    });
    let judge = Judge {
        policies: &policies::load(&[PolicySource::parse("strict").expect("a source")]).expect("a policy"),
        version: None,
        base: Base::Nothing(Knowledge::Partial),
        namespace: &namespace,
        time: Time::from_seconds(1_800_000_000),
        namespace_labels: &[],
        threads: NonZeroUsize::MIN,
    };
    let file = |file: &str| file.rsplit('/').next().unwrap_or_default().to_owned();
    let report = judge.report(&corpus);
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    let found = report.entries.iter().map(|entry| {
        let location = entry.location.as_ref().expect("a place");
        let related = entry.related.iter().filter_map(|related| related.location.as_ref());
        let related = related.map(|location| file(&location.file)).collect();
        (
            file(&location.file),
            format!("{} {}", entry.rule, entry.message),
            related,
        )
    });
    found.collect()
}
