//! `docs/oracle.md`: what was seen, and what is read back from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stateward::rules::RULES;
use stateward::rules::kit::{Action, Verdict};

use super::case::Case;
use super::cases::Part;
use super::outcome::Outcome;
use super::verdict::{STORAGE, Said};

const HEAD: &str = "# What Kubernetes does

Written by `UPDATE=1 cargo test --test it oracle`.

A policy that denies a write must be right.
So each case below is played before a real kube-apiserver, with the real kube-controller-manager and kube-scheduler, and what becomes of it is compared with what our rules say.
Kubelets, the attacher and the provisioner of a CSI driver are played by the test: a pod runs once the attach/detach controller has attached its volumes to its node, and where no other pod has what one alone may use.
Every case is played twice: with a scheduler that takes the emptiest of the nodes that can take a pod, and with one that takes the fullest.
Where nothing else is said, the workloads are created one after the other, then rolled out, and then each loses a pod.
The cluster has two nodes, or as many as the name says.

- *settles*: in the end everything runs, wherever the pods are;
- *stuck*: somebody waits for ever, wherever the pods are;
- *by luck*: somebody waits for ever in one of the two, and nobody in the other.

*For ever* is no time: after the last change somebody else's workloads of every kind were created, got a volume, and ran, so that everybody has passed by what there was to do.

What stateward says are the rules about claims that pods share, with their actions in the profiles Baseline and Strict, of the workloads as they are in the end.
The test fails where something is stuck and no rule finds anything, and where everything settles and a rule denies.
";

/// What was seen of a case.
pub(super) struct Row<'a> {
    pub case: &'a Case,
    pub spread: Outcome,
    pub packed: Outcome,
    pub said: BTreeMap<&'static str, Said>,
}

/// A row as it is written.
pub(super) struct Written {
    pub id: String,
    /// The first word: `settles`, `stuck`, `by`.
    pub outcome: String,
    pub said: String,
}

impl Row<'_> {
    /// Whether the page as it is on disk says the same.
    pub(super) fn is_on(&self, page: &str) -> bool {
        let own = self.line();
        page.lines().any(|line| line == own)
    }

    pub(super) fn line(&self) -> String {
        let said = match self.case.beyond {
            Some(why) => format!("nothing: {why}"),
            None => said(&self.said),
        };
        format!("| `{}` | {} | {said} |", self.case.id, self.outcome())
    }

    fn is_stuck(&self) -> bool {
        self.spread != Outcome::Settles || self.packed != Outcome::Settles
    }

    /// Why what we say is wrong.
    pub(super) fn disagreement(&self) -> Option<String> {
        let found = self.said.values().any(|said| said.verdict == Verdict::Violation);
        let denied = self.said.values().any(|said| said.strict == Some(Action::Deny));
        let wrong = match (self.is_stuck(), self.case.beyond) {
            (true, None) if !found => "stuck, and no rule speaks",
            (false, _) if denied => "denied, and it settles",
            (true, Some(_)) if found => "a rule speaks of it now: it is not beyond them",
            (false, Some(_)) => "beyond the rules, and it settles",
            _ => return None,
        };
        Some(format!(
            "{}: {wrong}: {}: {}",
            self.case.id,
            self.outcome(),
            said(&self.said)
        ))
    }

    fn outcome(&self) -> String {
        match (&self.spread, &self.packed) {
            (Outcome::Settles, Outcome::Settles) => "settles".to_owned(),
            (stuck, Outcome::Settles) => format!("by luck: on the emptiest node, {stuck}"),
            (Outcome::Settles, stuck) => format!("by luck: on the fullest node, {stuck}"),
            (stuck, _) => format!("stuck: {stuck}"),
        }
    }
}

/// What rules say, in a cell.
pub(super) fn said(said: &BTreeMap<&'static str, Said>) -> String {
    let one = |(rule, said): (&&str, &Said)| {
        let word = |action: Option<Action>| action.map_or("off", Action::as_str);
        let (baseline, strict) = (word(said.baseline), word(said.strict));
        if said.verdict == Verdict::Unknown {
            format!("`{rule}` cannot tell")
        } else if baseline == strict {
            format!("`{rule}` {strict}")
        } else {
            format!("`{rule}` {baseline}, {strict}")
        }
    };
    let all: Vec<String> = said.iter().map(one).collect();
    all.join("; ")
}

/// The page.
pub(super) fn print(parts: &[Part], rows: &[Row<'_>]) -> String {
    let mut page = HEAD.to_owned();
    let count = |word: &str| rows.iter().filter(|row| row.outcome().starts_with(word)).count();
    let _ = write!(
        page,
        "\n## In numbers\n\n{} cases: {} settle, {} are stuck, {} settle by luck.\n\n{}",
        rows.len(),
        count("settles"),
        count("stuck"),
        count("by luck"),
        matrix(rows)
    );
    let mut rest = rows;
    for (title, cases) in parts {
        let _ = write!(
            page,
            "\n## {title}\n\n| Case | Kubernetes | stateward |\n|---|---|---|\n"
        );
        let (own, others) = rest.split_at(cases.len());
        rest = others;
        for row in own {
            let _ = writeln!(page, "{}", row.line());
        }
    }
    page
}

/// How often each rule was right.
fn matrix(rows: &[Row<'_>]) -> String {
    let mut matrix =
        "| Rule | Denies, and it is stuck | Denies, and it settles | Warns, and it is stuck | Warns, and it \
                      settles |\n|---|---|---|---|---|\n"
            .to_owned();
    for rule in STORAGE {
        let count = |action: Action, stuck: bool| {
            let says = |row: &&Row<'_>| {
                let said = row.said.get(rule).filter(|said| said.verdict == Verdict::Violation);
                row.is_stuck() == stuck && said.is_some_and(|said| said.strict == Some(action))
            };
            rows.iter().filter(says).count()
        };
        let _ = writeln!(
            matrix,
            "| `{rule}` | {} | {} | {} | {} |",
            count(Action::Deny, true),
            count(Action::Deny, false),
            count(Action::Warn, true),
            count(Action::Warn, false)
        );
    }
    let silent = |stuck: bool| {
        let silent = |row: &&Row<'_>| {
            row.is_stuck() == stuck && !row.said.values().any(|said| said.verdict == Verdict::Violation)
        };
        rows.iter().filter(silent).count()
    };
    let _ = write!(
        matrix,
        "\nAll of them are silent in {} cases that settle, and in {} that are stuck.\n\
         Actions are those of the Strict profile; a claim of several modes is warned about whatever becomes of it.\n",
        silent(false),
        silent(true)
    );
    matrix
}

/// The page as it is on disk.
pub(super) fn text() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/oracle.md");
    std::fs::read_to_string(file).unwrap_or_default()
}

/// The rows of the page as it is on disk.
pub(super) fn rows() -> Vec<Written> {
    let text = text();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, outcome, said] = cells[..] else { return None };
        let id = id.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let said = if said.starts_with("nothing: ") { "" } else { said }.to_owned();
        let outcome = outcome.split([':', ' ']).next().unwrap_or_default().to_owned();
        Some(Written { id, outcome, said })
    };
    let rows: Vec<Written> = text.lines().filter_map(row).collect();
    // The matrix has rules in its first column.
    rows.into_iter()
        .filter(|row| !RULES.iter().any(|rule| rule.id == row.id))
        .collect()
}

/// The cases in which pods wait for ever and a rule says so, by the page as it is on disk.
pub fn proofs(rule: &str) -> Vec<String> {
    let says = |row: &Written| {
        let mut all = row.said.split("; ");
        let own = all.any(|one| one.starts_with(&format!("`{rule}` ")) && !one.ends_with("cannot tell"));
        own && row.outcome != "settles"
    };
    rows().into_iter().filter(says).map(|row| row.id).collect()
}
