//! The labels of the metrics, each of a closed set.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::rules::kit::Action;

/// A label whose values are all known.
trait Closed: Sized + 'static {
    /// Every value, each at the place that its number tells.
    const ALL: &[Self];
}

/// Gives a closed set of label values: the variants and the texts they are written as.
macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl Closed for $name {
            const ALL: &[Self] = &[$(Self::$variant,)+];
        }

        impl $name {
            /// The value as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }
    };
}

label_values! {
    /// The answer to a request.
    Outcome {
        /// Allowed, nothing to say.
        Allow = "allow",
        /// Refused by a rule.
        Deny = "deny",
        /// We failed (a panic, an unreadable object, a passed deadline) and answered as `--on-error` wants.
        Error = "error",
        /// Allowed with defaults written in.
        Patch = "patch",
        /// Allowed with warnings.
        Warn = "warn",
    }
}

label_values! {
    /// Why the server ended a connection.
    End {
        /// All places were taken: the peer with the most connections lost the one that was silent for longest.
        Crowded = "crowded",
        /// The TLS handshake took too long.
        Handshake = "handshake",
        /// Silent for longer than clients keep a connection for later.
        Idle = "idle",
        /// The budget of bodies was spent, and this connection held the most.
        MadeRoom = "made_room",
        /// Not a word came.
        Silent = "silent",
        /// A body took too long.
        Slow = "slow",
        /// No request came.
        Unused = "unused",
    }
}

label_values! {
    /// What became of an event.
    EventFate {
        /// More came than are written.
        Dropped = "dropped",
        /// The API server refused it, or did not answer.
        Failed = "failed",
        /// The same was told of the same object within the hour.
        Repeated = "repeated",
        /// It is in the cluster.
        Written = "written",
    }
}

label_values! {
    /// What became of a report that was due.
    ReportFate {
        /// It is gone, since nothing is found any more.
        Deleted = "deleted",
        /// The API server did not take it; it is tried again.
        Failed = "failed",
        /// There are as many reports as there may be.
        Full = "full",
        /// Its namespace or its workload is going.
        Gone = "gone",
        /// It says already what it should.
        Unchanged = "unchanged",
        /// It is in the cluster.
        Written = "written",
    }
}

label_values! {
    /// What became of something for a collector.
    SentFate {
        /// More came than are kept while the collector does not take them.
        Dropped = "dropped",
        /// The collector does not want it.
        Refused = "refused",
        /// The collector has it.
        Sent = "sent",
    }
}

label_values! {
    /// How a read from the API server ended.
    LiveRead {
        /// The object does not exist.
        Absent = "absent",
        /// The API server refused or failed.
        Error = "error",
        /// The object exists.
        Found = "found",
        /// Too many reads were already under way.
        Skipped = "skipped",
        /// No answer in time.
        Timeout = "timeout",
    }
}

label_values! {
    /// The port that a connection came to.
    Port {
        /// `--admin-listen`
        Admin = "admin",
        /// `--dashboard-bind`
        Dashboard = "dashboard",
        /// `--listen`
        Webhook = "webhook",
    }
}

label_values! {
    /// The operation of an admission request; what is none of the four verbs is `other`.
    Verb {
        /// CREATE
        Create = "create",
        /// DELETE
        Delete = "delete",
        /// CONNECT, or a body without a readable request.
        Other = "other",
        /// UPDATE
        Update = "update",
    }
}

label_values! {
    /// Why what files, or a cluster, hold now was not taken, so that the last good of it stays.
    Refusal {
        /// No policy at all.
        Empty = "empty",
        /// The certificate's time is over.
        Expired = "expired",
        /// Fewer policies than are in force.
        Fewer = "fewer",
        /// Policies are gone from the cluster together with their definition.
        Gone = "gone",
        /// Mistakes in policies; a chain and a key that are no pair.
        Invalid = "invalid",
        /// The certificate lacks a name of the one that is served.
        Names = "names",
        /// The certificate's time has not come.
        NotYetValid = "not_yet_valid",
        /// A file cannot be read, or the cluster's policies cannot be listed.
        Unreadable = "unreadable",
        /// The API server refuses the certificate that is served.
        Untrusted = "untrusted",
    }
}

label_values! {
    /// What is read again and again.
    Reloaded {
        /// Whom the webhook configurations trust
        CaBundle = "ca_bundle",
        /// `--tls-cert` and `--tls-key`
        Certificate = "certificate",
        /// `--policy`, or the cluster's
        Policies = "policies",
    }
}

label_values! {
    /// The webhook that was asked.
    Webhook {
        /// `/mutate`
        Mutate = "mutate",
        /// `/policies`
        Policies = "policies",
        /// `/validate`
        Validate = "validate",
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct EndLabels {
    pub(super) port: Port,
    pub(super) reason: End,
}

impl EndLabels {
    /// Every set, each at its place.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let reasons = |&port| End::ALL.iter().map(move |&reason| Self { port, reason });
        Port::ALL.iter().flat_map(reasons)
    }

    /// Where it stands among all.
    pub(super) fn place(&self) -> usize {
        self.port as usize * End::ALL.len() + self.reason as usize
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct EventLabels {
    pub(super) result: EventFate,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ReportLabels {
    pub(super) result: ReportFate,
}

impl ReportLabels {
    /// Every set.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ReportFate::ALL.iter().map(|&result| Self { result })
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct FindingLabels {
    rule: &'static str,
    action: &'static str,
}

impl FindingLabels {
    const ACTIONS: [&'static str; 3] = ["audit", "deny", "warn"];

    /// The labels of a rule, one set an action.
    pub(super) fn of(rule: &'static str) -> [Self; Self::ACTIONS.len()] {
        Self::ACTIONS.map(|action| Self { rule, action })
    }

    /// Where they stand when every rule gives its own in turn.
    pub(super) fn place(rule: usize, action: Action) -> usize {
        let action = match action {
            Action::Audit => 0,
            Action::Deny => 1,
            Action::Warn => 2,
        };
        rule * Self::ACTIONS.len() + action
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct KindLabel {
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct LiveReadLabels {
    pub(super) kind: &'static str,
    pub(super) result: LiveRead,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct SentLabels {
    pub(super) result: SentFate,
}

impl SentLabels {
    /// Every set.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        SentFate::ALL.iter().map(|&result| Self { result })
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ReloadLabels {
    pub(super) what: Reloaded,
    pub(super) reason: Refusal,
}

impl ReloadLabels {
    /// Every set of one thing that is read again.
    pub(super) fn of(what: Reloaded) -> impl Iterator<Item = Self> {
        Refusal::ALL.iter().map(move |&reason| Self { what, reason })
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct RequestLabels {
    pub(super) webhook: Webhook,
    pub(super) operation: Verb,
    pub(super) decision: Outcome,
}

impl RequestLabels {
    /// Every set, each at its place.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let decisions = |webhook, operation| {
            Outcome::ALL.iter().map(move |&decision| Self {
                webhook,
                operation,
                decision,
            })
        };
        let operations = move |webhook| Verb::ALL.iter().flat_map(move |&it| decisions(webhook, it));
        Webhook::ALL.iter().flat_map(move |&webhook| operations(webhook))
    }

    /// Where it stands among all.
    pub(super) fn place(&self) -> usize {
        let operation = self.webhook as usize * Verb::ALL.len() + self.operation as usize;
        operation * Outcome::ALL.len() + self.decision as usize
    }

    /// Whether an alert waits for the first of them.
    pub(super) fn alarming(&self) -> bool {
        matches!(self.decision, Outcome::Deny | Outcome::Error)
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct RuleLabel {
    pub(super) rule: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct WebhookLabel {
    pub(super) webhook: Webhook,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_labels_has_its_place() {
        for (place, labels) in RequestLabels::all().enumerate() {
            assert_eq!(labels.place(), place, "{labels:?}");
        }
        for (place, labels) in EndLabels::all().enumerate() {
            assert_eq!(labels.place(), place, "{labels:?}");
        }
    }
}
