//! What the store keeps, tells and forgets.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::grace::GRACE;
use super::store::{At, Judgement};
use super::{Change, Counted, Found, Listener, Opened, Store, Workload};
use crate::graph::{Kind, Name, ObjectRef, Uid};
use crate::judge::{Judged, Standing};
use crate::rules::RULES;
use crate::rules::kit::{Action, Finding};

/// What was told: the workload, the subjects of what was opened, and why.
type Told = Arc<Mutex<Vec<(String, Vec<String>, Opened)>>>;

struct Recorder(Told);

impl Listener for Recorder {
    fn changed(&self, change: &Change<'_>) {
        let subjects = change.opened.iter().map(|found| found.subject.to_string());
        let told = (
            change.workload.object.name.to_string(),
            subjects.collect(),
            change.because,
        );
        self.0.lock().unwrap().push(told);
    }
}

/// A store, what it told, and a clock.
struct Desk {
    store: Store,
    told: Told,
    start: Instant,
}

impl Desk {
    fn new() -> Self {
        let told = Told::default();
        Self {
            store: Store::new(vec![Box::new(Recorder(told.clone()))]),
            told,
            start: Instant::now(),
        }
    }

    fn at(&self, seconds: u64) -> At {
        At {
            now: self.start + Duration::from_secs(seconds),
            wall: 1_000 + i64::try_from(seconds).unwrap(),
        }
    }

    /// Judges one workload after so many seconds.
    fn judge(&self, seconds: u64, name: &str, uid: u8, findings: Vec<Judged>) {
        let judgement = Judgement {
            object: ObjectRef::new(Kind::DEPLOYMENT, name),
            uid: Uid::parse(&format!("00000000-0000-4000-8000-0000000000{uid:02x}")),
            policies: "baseline".into(),
            owner: "front".into(),
            findings,
        };
        self.store.take(&shop(), vec![judgement], false, self.at(seconds));
    }

    fn told(&self) -> Vec<(String, Vec<String>, Opened)> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// The subjects that may be told of a workload, each with its first sight.
    fn open(&self, name: &str, uid: u8) -> Vec<(String, i64)> {
        let findings = self.store.findings(&workload(name, uid)).into_iter();
        findings
            .map(|found| (found.subject.to_string(), found.first_seen))
            .collect()
    }

    fn count(&self) -> u64 {
        self.store.tally().bounded(10).iter().map(|(.., count)| count).sum()
    }
}

fn shop() -> Name {
    "shop".into()
}

fn workload(name: &str, uid: u8) -> Workload {
    Workload {
        namespace: shop(),
        object: ObjectRef::new(Kind::DEPLOYMENT, name),
        uid: Uid::parse(&format!("00000000-0000-4000-8000-0000000000{uid:02x}")),
    }
}

fn judged(finding: Finding, action: Action) -> Judged {
    Judged {
        message: finding.text.clone(),
        finding,
        action,
        standing: Standing::Existing,
        allowed_because: None,
        denied_after: None,
        exemption: None,
    }
}

fn found(subject: &str, text: &str) -> Judged {
    let object = ObjectRef::new(Kind::DEPLOYMENT, "web");
    judged(
        Finding::violation(RULES[0], &object, subject).says(text, text),
        Action::Deny,
    )
}

/// One that rests on something absent.
fn missing(subject: &str) -> Judged {
    let object = ObjectRef::new(Kind::DEPLOYMENT, "web");
    let finding = Finding::violation(RULES[0], &object, subject);
    let absent = ObjectRef::new(Kind::SERVICE, subject);
    judged(finding.rests_on_absence_of(absent), Action::Warn)
}

#[test]
fn a_parameter_says_how_long_something_must_be_missing() {
    let default = match &crate::rules::kit::GRACE.kind {
        crate::rules::kit::ParameterKind::Duration(text) => crate::rules::kit::duration::parse(text),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(
        default,
        Some(GRACE),
        "what the parameter says and what counts without it are one"
    );
    let after = |seconds: u64| {
        let mut one = missing("db");
        one.finding.grace = Some(Duration::from_secs(seconds));
        one
    };
    let desk = Desk::new();
    desk.judge(0, "web", 1, vec![after(300)]);
    desk.judge(61, "web", 1, vec![after(300)]);
    assert_eq!(desk.told(), []);
    desk.judge(300, "web", 1, vec![after(300)]);
    assert_eq!(desk.told().len(), 1);
    desk.judge(301, "api", 2, vec![after(0)]);
    assert_eq!(desk.told().len(), 1, "at once");
}

fn subjects(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_found_is_told_once_and_keeps_the_time_of_its_first_sight() {
    let desk = Desk::new();
    desk.judge(0, "web", 1, vec![found("data", "3 replicas")]);
    assert_eq!(desk.told(), [("web".to_owned(), subjects(&["data"]), Opened::AtStart)]);
    desk.store.completed(desk.at(1));
    desk.judge(2, "web", 1, vec![found("data", "3 replicas")]);
    assert_eq!(desk.told(), []);
    // Another number is a change, and nothing new.
    desk.judge(3, "web", 1, vec![found("data", "4 replicas")]);
    assert_eq!(desk.told(), [("web".to_owned(), Vec::new(), Opened::Meanwhile)]);
    assert_eq!(desk.open("web", 1), [("data".to_owned(), 1_000)]);
    desk.judge(
        4,
        "web",
        1,
        vec![found("data", "4 replicas"), found("logs", "4 replicas")],
    );
    assert_eq!(
        desk.told(),
        [("web".to_owned(), subjects(&["logs"]), Opened::Meanwhile)]
    );
    assert_eq!(desk.count(), 2);
    desk.judge(5, "web", 1, Vec::new());
    assert_eq!(desk.told(), [("web".to_owned(), Vec::new(), Opened::Meanwhile)]);
    assert_eq!((desk.count(), desk.store.workloads()), (0, Vec::new()));
}

#[test]
fn what_is_missing_is_told_after_a_while_if_it_is_missing_still() {
    let desk = Desk::new();
    desk.store.completed(desk.at(0));
    desk.judge(0, "web", 1, vec![missing("db")]);
    desk.judge(10, "soon", 2, vec![missing("cache")]);
    assert_eq!(desk.store.ripen(desk.at(11).now), Some(desk.at(60).now));
    // It came in time.
    desk.judge(12, "soon", 2, Vec::new());
    desk.judge(59, "web", 1, vec![missing("db")]);
    assert_eq!((desk.told(), desk.count()), (Vec::new(), 0));
    assert_eq!(desk.store.ripen(desk.at(59).now), Some(desk.at(60).now));
    assert_eq!(desk.store.ripen(desk.at(60).now), None);
    assert_eq!(desk.told(), [("web".to_owned(), subjects(&["db"]), Opened::Meanwhile)]);
    assert_eq!(desk.open("web", 1), [("db".to_owned(), 1_000)]);
    assert_eq!(desk.count(), 1);
    // Once told, it stays so for as long as it is found.
    desk.judge(61, "web", 1, vec![missing("db")]);
    assert_eq!((desk.told(), desk.count()), (Vec::new(), 1));
    desk.judge(62, "web", 1, Vec::new());
    assert_eq!(desk.count(), 0);
    desk.judge(63, "web", 1, vec![missing("db")]);
    assert_eq!(desk.open("web", 1), [], "it begins anew");
}

#[test]
fn what_an_earlier_process_told_is_told_on() {
    let desk = Desk::new();
    desk.judge(0, "web", 1, vec![missing("db"), found("data", "3 replicas")]);
    desk.store.completed(desk.at(0));
    desk.told();
    let id = |subject: &str| {
        let twin = Desk::new();
        twin.judge(0, "web", 1, vec![found(subject, "")]);
        twin.store.findings(&workload("web", 1))[0].id(&workload("web", 1))
    };
    desk.store.recall([(id("db"), 10), (id("data"), 20), (id("other"), 30)]);
    let known = [("data".to_owned(), 20), ("db".to_owned(), 10)];
    assert_eq!(desk.open("web", 1), known);
    assert_eq!((desk.told(), desk.count()), (Vec::new(), 2));
    desk.judge(5, "web", 1, vec![missing("db"), found("data", "3 replicas")]);
    assert_eq!((desk.told(), desk.open("web", 1)), (Vec::new(), known.to_vec()));
    assert_eq!(desk.store.ripen(desk.at(100).now), None);
}

/// Subjects of what was altered and of what closed.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<[Vec<String>; 2]>>>);

impl Listener for Ends {
    fn changed(&self, change: &Change<'_>) {
        let of = |found: &[&Found]| found.iter().map(|found| found.subject.to_string()).collect();
        self.0.lock().unwrap().push([of(&change.altered), of(&change.closed)]);
    }
}

#[test]
fn what_says_something_else_and_what_is_gone_are_told() {
    let ends = Ends::default();
    let desk = Desk {
        store: Store::new(vec![Box::new(ends.clone())]),
        ..Desk::new()
    };
    let told = || std::mem::take(&mut *ends.0.lock().unwrap());
    desk.store.completed(desk.at(0));
    desk.judge(
        0,
        "web",
        1,
        vec![found("data", "3 replicas"), found("logs", ""), missing("db")],
    );
    assert_eq!(told(), [[subjects(&[]), subjects(&[])]], "new is neither");
    // One is altered, one is gone, and what was never told is not told to be gone.
    desk.judge(1, "web", 1, vec![found("data", "4 replicas")]);
    assert_eq!(told(), [[subjects(&["data"]), subjects(&["logs"])]]);
    desk.judge(2, "web", 1, vec![found("data", "4 replicas")]);
    assert!(told().is_empty());
    // Another workload of the same name begins, and the first one's ends.
    desk.judge(3, "web", 2, vec![found("data", "4 replicas")]);
    assert_eq!(
        told(),
        [[subjects(&[]), subjects(&["data"])], [subjects(&[]), subjects(&[])]]
    );
    desk.store.take(&shop(), Vec::new(), true, desk.at(4));
    assert_eq!(told(), [[subjects(&[]), subjects(&["data"])]]);
}

#[test]
fn a_workload_that_was_made_anew_is_another() {
    let desk = Desk::new();
    desk.store.completed(desk.at(0));
    desk.judge(0, "web", 1, vec![found("data", "")]);
    desk.told();
    desk.judge(5, "web", 2, vec![found("data", "")]);
    let told = desk.told();
    assert_eq!(
        told,
        [
            ("web".to_owned(), Vec::new(), Opened::Meanwhile),
            ("web".to_owned(), subjects(&["data"]), Opened::Meanwhile)
        ]
    );
    assert_eq!(desk.open("web", 1), []);
    assert_eq!(desk.open("web", 2), [("data".to_owned(), 1_005)]);
    assert_eq!(desk.count(), 1);
}

#[test]
fn what_is_not_there_any_more_is_found_by_judging_all() {
    let desk = Desk::new();
    desk.judge(0, "web", 1, vec![found("data", "")]);
    desk.judge(0, "api", 2, vec![missing("db")]);
    desk.told();
    desk.store.take(&shop(), Vec::new(), true, desk.at(1));
    // Of what was never told nobody hears that it is gone.
    assert_eq!(desk.told(), [("web".to_owned(), Vec::new(), Opened::Meanwhile)]);
    assert_eq!(desk.count(), 0);
    assert!(desk.store.namespaces().is_empty());
}

#[test]
fn of_one_identity_the_worst_counts() {
    let desk = Desk::new();
    let mut mild = found("data", "mild");
    mild.action = Action::Audit;
    desk.judge(0, "web", 1, vec![mild.clone(), found("data", "bad"), mild]);
    let findings = desk.store.findings(&workload("web", 1));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message, "bad");
}

#[test]
fn namespaces_beyond_a_number_are_counted_as_one() {
    let desk = Desk::new();
    for (index, count) in [1, 3, 2].into_iter().enumerate() {
        let namespace: Name = format!("team-{index}").into();
        let findings: Vec<Judged> = (0..count).map(|number| found(&number.to_string(), "")).collect();
        let judgement = Judgement {
            object: ObjectRef::new(Kind::DEPLOYMENT, "web"),
            uid: None,
            policies: "baseline".into(),
            owner: "front".into(),
            findings,
        };
        desk.store.take(&namespace, vec![judgement], true, desk.at(0));
    }
    let counts = |most| {
        let rows = desk.store.tally().bounded(most).into_iter();
        rows.map(|(rule, counted, namespace, count)| {
            assert_eq!((rule, counted), (RULES[0].id, Counted::Deny));
            (namespace.to_string(), count)
        })
        .collect::<Vec<_>>()
    };
    let one = |name: &str, count| (name.to_owned(), count);
    assert_eq!(counts(3), [one("team-0", 1), one("team-1", 3), one("team-2", 2)]);
    assert_eq!(counts(1), [one("other", 3), one("team-1", 3)]);
    assert_eq!(counts(0), [one("other", 6)]);
}
