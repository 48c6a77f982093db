//! Reading documents into types, with errors that know their place.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{only, read, root};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec<'a> {
    name: &'a str,
    #[serde(default)]
    replicas: i32,
    profile: Option<Profile>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    volumes: Vec<Volume>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Profile {
    Audit,
    Baseline,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Volume {
    #[serde(default)]
    empty_dir: Option<BTreeMap<String, String>>,
    #[serde(default)]
    size: Size,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
struct Size(u64);

fn error(text: &str) -> String {
    let reading = read(text);
    let error = only(&reading).to::<Spec<'_>>().unwrap_err();
    format!("{}: {error}", error.position())
}

#[test]
fn documents_become_types() {
    let reading = read(
        "name: web\nreplicas: 1e1\nprofile: Audit\nlabels: {a: b}\nvolumes: [{emptyDir: {}, size: 18446744073709551615}]\n",
    );
    let spec: Spec<'_> = only(&reading).to().unwrap();
    assert_eq!(
        spec,
        Spec {
            name: "web",
            replicas: 10,
            profile: Some(Profile::Audit),
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            volumes: vec![Volume {
                empty_dir: Some(BTreeMap::new()),
                size: Size(u64::MAX)
            }],
        }
    );
}

#[test]
fn null_is_absent_as_for_the_api_server() {
    let reading = read("name: web\nreplicas:\nlabels: {a: }\nprofile: ~\nvolumes:\n- emptyDir:\n  size:\n");
    let spec: Spec<'_> = only(&reading).to().unwrap();
    assert_eq!((spec.replicas, spec.profile), (0, None));
    assert_eq!(spec.labels["a"], "");
    assert_eq!(
        spec.volumes,
        [Volume {
            empty_dir: None,
            size: Size(0)
        }]
    );
    let reading = read("name: web\nlabels:\n");
    assert!(only(&reading).to::<Spec<'_>>().unwrap().labels.is_empty());
}

#[test]
fn errors_name_the_place_and_what_was_meant() {
    assert_eq!(
        error("name: web\n\nreplica: 1\n"),
        "3:1: unknown field `replica`: did you mean `replicas`?"
    );
    assert_eq!(
        error("name: x\nowner: me\n"),
        "2:1: unknown field `owner`: expected one of name, replicas, profile, labels, volumes"
    );
    assert_eq!(
        error("name: x\nprofile: baseline\n"),
        "2:10: unknown value `baseline`: did you mean `Baseline`?"
    );
    assert_eq!(
        error("name: x\nprofile: [Audit]\n"),
        "2:10: invalid type: sequence, expected enum Profile"
    );
    assert_eq!(
        error("name: x\nreplicas: many\n"),
        "2:11: invalid type: string \"many\", expected i32"
    );
    assert_eq!(
        error("name: x\nreplicas: 3000000000\n"),
        "2:11: invalid value: integer `3000000000`, expected i32"
    );
    assert_eq!(
        error("name: x\nlabels:\n  a: b\n  c: 1\n"),
        "4:6: invalid type: integer `1`, expected a string"
    );
    assert_eq!(
        error("name: x\nvolumes:\n- {}\n- size: -1\n"),
        "4:9: invalid value: integer `-1`, expected u64"
    );
    assert_eq!(error("replicas: 1\n"), "1:1: missing field `name`");
    assert_eq!(error("- a\n"), "1:1: invalid type: sequence, expected struct Spec");
}

#[test]
fn duplicate_keys_do_not_stop_a_type() {
    let reading = read("name: a\nreplicas: 1\nname: b\n");
    assert_eq!(root(&reading, 0).to::<Spec<'_>>().unwrap().name, "b");
}
