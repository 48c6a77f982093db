//! A finding as it is kept, and the workload that it is on.

use std::time::Duration;

use super::grace::GRACE;
use crate::fnv::Fnv;
use crate::graph::{Name, ObjectRef, Uid};
use crate::judge::{Exemption, Granted, Judged};
use crate::rules::kit::{Action, Verdict};

/// A workload of the cluster. One that was deleted and created anew is another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Workload {
    pub namespace: Name,
    pub object: ObjectRef,
    pub uid: Option<Uid>,
}

/// A finding as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub rule: &'static str,
    /// What it is about beside the workload. With the rule it is the identity on one workload.
    pub subject: Name,
    pub verdict: Verdict,
    pub action: Action,
    /// The policies that apply to the workload, by name, with commas between them.
    pub policies: Name,
    /// Whom to talk to of the workload; empty where nobody says.
    pub owner: Name,
    /// JSON pointer on the workload.
    pub path: String,
    /// The whole sentence, beginning with the object; without a final period.
    pub message: String,
    /// Empty where there is none.
    pub remedy: String,
    /// Other objects that play a part; those in no namespace too.
    pub related: Vec<ObjectRef>,
    /// The reason of the override that lets it pass.
    pub allowed_because: Option<String>,
    /// The exception that lets it pass.
    pub excepted: Option<Granted>,
    /// When it was seen first, in Unix seconds.
    pub first_seen: i64,
}

impl Found {
    /// The findings on one workload, sorted by identity. Of several with one identity the worst counts, as for the
    /// ratchet.
    pub(super) fn all_of(judged: Vec<Judged>, policies: &Name, owner: &Name, first_seen: i64) -> Vec<Tentative> {
        let found = judged.into_iter();
        let mut found: Vec<Tentative> = found
            .map(|one| Tentative::of(one, policies.clone(), owner.clone(), first_seen))
            .collect();
        found.sort_by(|one, other| {
            let by_identity = one.found.identity().cmp(&other.found.identity());
            by_identity.then_with(|| other.weight.cmp(&one.weight))
        });
        found.dedup_by(|other, worst| other.found.identity() == worst.found.identity());
        found
    }

    /// Rule and subject.
    pub(super) fn identity(&self) -> (&'static str, &Name) {
        (self.rule, &self.subject)
    }

    /// An identity that lasts: neither a number in the message nor a restart changes it.
    #[must_use]
    pub fn id(&self, workload: &Workload) -> String {
        let Workload { namespace, object, uid } = workload;
        let on = match uid {
            Some(uid) => uid.to_string(),
            None => format!("{}/{namespace}/{}", object.kind, object.name),
        };
        Fnv::default().text(self.rule).text(&on).text(&self.subject).digits()
    }
}

/// A finding with how bad it is, and whether it may yet vanish by itself.
#[derive(Clone, Debug)]
pub(super) struct Tentative {
    pub(super) found: Found,
    /// For how long it waits, since it rests on something that is not there, or not known, maybe only not yet.
    pub(super) waits: Option<Duration>,
    weight: (Action, u64),
}

impl Tentative {
    fn of(judged: Judged, policies: Name, owner: Name, first_seen: i64) -> Self {
        let Judged {
            finding,
            action,
            allowed_because,
            exemption,
            message,
            denied_after: _,
            standing: _,
        } = judged;
        Self {
            waits: finding
                .grace
                .or((finding.absent.is_some() || finding.verdict == Verdict::Unknown).then_some(GRACE)),
            weight: (action, finding.extent),
            found: Found {
                rule: finding.rule.id,
                subject: finding.subject,
                verdict: finding.verdict,
                action,
                policies,
                owner,
                path: finding.path,
                message,
                remedy: finding.remedy,
                related: finding.related.into_iter().map(|related| related.object).collect(),
                allowed_because,
                excepted: match exemption {
                    Some(Exemption::Granted(granted)) => Some(granted),
                    Some(Exemption::Void(_)) | None => None,
                },
                first_seen,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Kind;

    #[test]
    fn an_id_is_of_rule_workload_and_subject() {
        let workload = |uid: &str| Workload {
            namespace: "shop".into(),
            object: ObjectRef::new(Kind::DEPLOYMENT, "web"),
            uid: Uid::parse(uid),
        };
        let found = |subject: &str, message: &str| Found {
            rule: "rwo-replicas",
            subject: subject.into(),
            verdict: Verdict::Violation,
            action: Action::Deny,
            policies: "baseline".into(),
            owner: "front".into(),
            path: String::new(),
            message: message.to_owned(),
            remedy: String::new(),
            related: Vec::new(),
            allowed_because: None,
            excepted: None,
            first_seen: 0,
        };
        let one = workload("7e3c0c5a-0000-4000-8000-000000000001");
        let id = found("data", "3 replicas").id(&one);
        assert_eq!(id, found("data", "4 replicas").id(&one));
        assert_eq!(id.len(), 16);
        assert_ne!(id, found("logs", "3 replicas").id(&one));
        assert_ne!(
            id,
            found("data", "3 replicas").id(&workload("7e3c0c5a-0000-4000-8000-000000000002"))
        );
    }
}
