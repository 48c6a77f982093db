//! Small pieces of wording that every message shares.

use crate::graph::{Modes, ObjectRef, Workload};

/// `3 replicas`, `1 replica`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// Whether a path of files is another one, or leads into it.
#[must_use]
pub fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(parts: &[impl AsRef<str>]) -> String {
    let mut list = String::new();
    for (index, part) in parts.iter().enumerate() {
        list.push_str(match index {
            0 => "",
            _ if index + 1 == parts.len() => " and ",
            _ => ", ",
        });
        list.push_str(part.as_ref());
    }
    list
}

/// `Deployment shop/web`.
#[must_use]
pub fn object(workload: &Workload) -> String {
    named(&workload.namespace, &workload.id)
}

/// `PersistentVolumeClaim shop/data`.
#[must_use]
pub fn named(namespace: &str, object: &ObjectRef) -> String {
    format!("{} {namespace}/{}", object.kind, object.name)
}

/// `ReadWriteOnce (read-write on one node only)`: users take the mode's name for "one pod"; only one mode is.
#[must_use]
pub fn modes_explained(modes: Modes) -> String {
    if modes.is_single_pod() {
        format!("{modes} (one pod only)")
    } else {
        format!("{modes} (read-write on one node only)")
    }
}

/// `"data-db-1", "data-db-2" and 5 more`: the first of so many, at most as many as shall be named.
#[must_use]
pub fn quoted(names: &[String], most: usize, count: u64) -> String {
    let named: Vec<String> = names.iter().take(most).map(|name| format!("\"{name}\"")).collect();
    let more = match count.saturating_sub(named.len() as u64) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

/// After this an object of the name can be written with what the API server refuses to change; pods and claims stay.
#[must_use]
pub fn orphaning(set: &Workload) -> String {
    let Workload { id, namespace, .. } = set;
    let resource = match id.kind.declared() {
        Some(_) => format!("{}.{}", id.kind.resource(), id.kind.group()),
        None => id.kind.as_str().to_lowercase(),
    };
    format!("kubectl delete {resource} {} -n {namespace} --cascade=orphan", id.name)
}

/// What is said of one claim, said of several: `claim "data", which is …` becomes `claims "data" and "logs", which
/// are …`. `None` where the text does not name the claim so.
#[must_use]
pub fn of_claims(text: &str, claim: &str, all: &[&str]) -> Option<String> {
    let (noun, before, after) = ["claim", "PersistentVolumeClaim"].into_iter().find_map(|noun| {
        let (before, after) = text.split_once(&format!("{noun} \"{claim}\""))?;
        (before.is_empty() || before.ends_with(' ')).then_some((noun, before, after))
    })?;
    if all.len() < 2 {
        return Some(format!("{before}{noun} {}{after}", in_quotes(all)));
    }
    let verbs = [
        (", which is ", ", which are "),
        (" is ", " are "),
        (" does ", " do "),
        (" asks ", " ask "),
    ];
    let verb = verbs
        .iter()
        .find_map(|(one, several)| Some((several, after.strip_prefix(one)?)));
    let after = verb.map_or_else(|| after.to_owned(), |(several, rest)| format!("{several}{rest}"));
    let after = match after.strip_suffix(" was not checked") {
        Some(question) => {
            let question = question.replace(" it exists", " they exist").replace(" it ", " them ");
            let question = question
                .strip_suffix(" it")
                .map_or(question.clone(), |asked| format!("{asked} them"));
            format!("{question} was not checked")
        }
        None => after,
    };
    Some(format!("{before}{noun}s {}{after}", in_quotes(all)))
}

/// A message and its remedy without the claim that they name: what is equal of two claims can be told of both at once.
/// `None` where the message names none.
#[must_use]
pub fn but_for_claim(message: &str, remedy: &str, claim: &str) -> Option<(String, String)> {
    let without = |text: &str| of_claims(text, claim, &["\0"]);
    let message = without(message)?;
    Some((message, without(remedy).unwrap_or_else(|| remedy.to_owned())))
}

/// `"data" and "logs"`.
fn in_quotes(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    listed(&quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_claims_are_told_of_in_the_plural() {
        let all = |text: &str| of_claims(text, "data", &["data", "logs"]);
        let said = [
            (
                "3 replicas mount claim \"data\", which is ReadWriteOnce; replicas would wait",
                "3 replicas mount claims \"data\" and \"logs\", which are ReadWriteOnce; replicas would wait",
            ),
            (
                "claim \"data\" is not known, so whether 3 replicas may share it was not checked",
                "claims \"data\" and \"logs\" are not known, so whether 3 replicas may share them was not checked",
            ),
            (
                "claim \"data\" is not known, so whether it exists was not checked",
                "claims \"data\" and \"logs\" are not known, so whether they exist was not checked",
            ),
            (
                "Create PersistentVolumeClaim \"data\" first",
                "Create PersistentVolumeClaims \"data\" and \"logs\" first",
            ),
        ];
        for (one, several) in said {
            assert_eq!(all(one).as_deref(), Some(several));
        }
        assert_eq!(all("Use a ReadWriteMany class"), None);
        assert_eq!(all("claim \"other\" is used"), None);
        assert_eq!(in_quotes(&["a", "b", "c"]), "\"a\", \"b\" and \"c\"");
    }
}
