//! What one set of policies finds beyond another.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Entry, Level, Object, Report};

/// What would be denied or warned about anew.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// By rule, then by namespace.
    pub rows: Vec<Row>,
    /// In the order of the report.
    pub entries: Vec<Newly>,
}

/// What is new of one rule in one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub rule: &'static str,
    /// Empty for what is in no namespace.
    pub namespace: String,
    pub denied: usize,
    pub warned: usize,
    /// Whom to talk to.
    pub owners: BTreeSet<String>,
    /// How many of the findings nobody owns.
    pub unowned: usize,
}

/// A finding that weighs more than it did.
#[derive(Clone, Debug)]
pub struct Newly {
    pub entry: Entry,
    pub owner: Option<String>,
}

/// What says which finding it is.
type Identity<'e> = (&'static str, &'e Object, &'e str, &'e str);

impl Comparison {
    /// What weighs more in `with` than in `without`, and is denied or warned about; `owner` says whom an object belongs
    /// to.
    pub fn of(with: &Report, without: &Report, owner: impl Fn(&Object) -> Option<String>) -> Self {
        let mut before: BTreeMap<Identity<'_>, Level> = BTreeMap::new();
        for entry in &without.entries {
            let level = before.entry(identity(entry)).or_insert(entry.level);
            *level = entry.level.max(*level);
        }
        let is_new = |entry: &&Entry| {
            let before = before.get(&identity(entry)).copied();
            entry.level > Level::Note && Some(entry.level) > before
        };
        let mut comparison = Self::default();
        let mut rows: BTreeMap<(&'static str, String), Row> = BTreeMap::new();
        for entry in with.entries.iter().filter(is_new) {
            let namespace = entry.object.namespace.to_string();
            let row = rows.entry((entry.rule, namespace.clone())).or_insert_with(|| Row {
                rule: entry.rule,
                namespace,
                denied: 0,
                warned: 0,
                owners: BTreeSet::new(),
                unowned: 0,
            });
            match entry.level {
                Level::Error => row.denied += 1,
                Level::Note | Level::Warning => row.warned += 1,
            }
            let owner = owner(&entry.object);
            match &owner {
                Some(owner) => {
                    row.owners.insert(owner.clone());
                }
                None => row.unowned += 1,
            }
            comparison.entries.push(Newly {
                entry: entry.clone(),
                owner,
            });
        }
        comparison.rows = rows.into_values().collect();
        comparison
    }

    /// Returns true where something new is at this level or above.
    #[must_use]
    pub fn reaches(&self, level: Level) -> bool {
        self.entries.iter().any(|newly| newly.entry.level >= level)
    }
}

fn identity(entry: &Entry) -> Identity<'_> {
    (entry.rule, &entry.object, &entry.subject, &entry.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::kit::Verdict;

    fn entry(rule: &'static str, namespace: &str, name: &str, level: Level) -> Entry {
        Entry {
            rule,
            verdict: Verdict::Violation,
            level,
            object: Object {
                namespace: namespace.into(),
                kind: "Deployment".into(),
                name: name.into(),
                api_version: "apps/v1".into(),
            },
            subject: "".into(),
            extent: 1,
            path: String::new(),
            location: None,
            message: String::new(),
            remedy: String::new(),
            related: Vec::new(),
            allowed_because: None,
            denied_after: None,
            exemption: None,
        }
    }

    fn report(entries: &[Entry]) -> Report {
        Report {
            entries: entries.to_vec(),
            ..Report::default()
        }
    }

    #[test]
    fn what_weighs_more_is_new_and_counted_with_its_owners() {
        let with = report(&[
            entry("a", "shop", "web", Level::Error),
            entry("a", "shop", "api", Level::Error),
            entry("a", "pay", "web", Level::Warning),
            entry("b", "shop", "web", Level::Error),
            entry("b", "shop", "db", Level::Note),
            entry("b", "shop", "api", Level::Warning),
        ]);
        let without = report(&[
            entry("a", "shop", "web", Level::Warning),
            entry("b", "shop", "web", Level::Error),
            entry("b", "shop", "api", Level::Error),
        ]);
        let owner = |object: &Object| (&*object.name == "web").then(|| "front".to_owned());
        let comparison = Comparison::of(&with, &without, owner);
        let rows: Vec<_> = comparison.rows.iter().map(|row| (row.rule, &*row.namespace)).collect();
        assert_eq!(rows, [("a", "pay"), ("a", "shop")]);
        let shop = &comparison.rows[1];
        assert_eq!((shop.denied, shop.warned, shop.unowned), (2, 0, 1));
        assert!(shop.owners.iter().eq(["front"]));
        assert_eq!((comparison.rows[0].denied, comparison.rows[0].warned), (0, 1));
        assert!(comparison.reaches(Level::Error));
        assert!(!Comparison::of(&with, &with, owner).reaches(Level::Warning));
    }
}
