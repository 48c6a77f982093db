//! What the judge decides.

use crate::graph::{Kind, ObjectRef};
use crate::rules::kit::{Action, Finding};
use crate::time::Time;

/// The answer to one change.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The one message for all findings that deny, or `None` where the change is allowed.
    pub denial: Option<String>,
    /// One a finding that warns, of any length.
    pub warnings: Vec<String>,
    /// In the order of the objects, then of the rules.
    pub findings: Vec<Judged>,
    /// Key and value of each audit annotation.
    pub annotations: Vec<(&'static str, String)>,
    /// Kinds of which something was asked and not known.
    pub unknown: Vec<Kind>,
    /// Objects on whose absence findings rest: worth asking for by name before the decision is final.
    pub absent: Vec<ObjectRef>,
    /// Other workloads and autoscalers on which a denial rests, and which may be gone: worth asking for by name too. Not
    /// those that are being written at this moment.
    pub doubtful: Vec<ObjectRef>,
}

/// A finding with what follows from it.
#[derive(Clone, Debug)]
pub struct Judged {
    pub finding: Finding,
    /// What really happens: after ratchet, caps, overrides and exceptions.
    pub action: Action,
    pub standing: Standing,
    /// The reason given in `stateward.dev/allow`, where that let it pass.
    pub allowed_because: Option<String>,
    /// It is a warning only until then.
    pub denied_after: Option<Time>,
    /// What an exception says of it, where it would be denied or warned about.
    pub exemption: Option<Exemption>,
    /// The whole sentence for a person: object, text.
    pub message: String,
}

/// What an exception says of a finding that it is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// It lets the finding pass.
    Granted(Granted),
    /// It counts for nothing: the whole sentence that says why.
    Void(String),
}

/// An exception that lets a finding pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// `shop/legacy`.
    pub exception: String,
    pub owner: String,
    pub reason: String,
    pub expires: Time,
}

/// Whether the change is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was there before, just as bad as it is now.
    Existing,
    /// It was there before, and the change makes it less bad.
    Lessened,
    /// New or worse.
    Introduced,
    /// The state before could not be known.
    Unclear,
}

impl Judged {
    /// The exception that lets it pass.
    #[must_use]
    pub fn granted(&self) -> Option<&Granted> {
        match &self.exemption {
            Some(Exemption::Granted(granted)) => Some(granted),
            Some(Exemption::Void(_)) | None => None,
        }
    }
}

impl Granted {
    /// The sentence that says that it ends soon, if it does.
    #[must_use]
    pub fn ends_soon(&self, now: Time) -> Option<String> {
        let Self { exception, expires, .. } = self;
        expires.is_soon(now).then(|| {
            let (when, day) = (expires.seen_from(now), expires.in_words());
            format!("exception {exception} expires {when}, on {day}")
        })
    }
}

impl Decision {
    /// Returns true where the change may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.denial.is_none()
    }

    /// Returns true where there is nothing to say, and nothing was missing.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let Self {
            denial,
            warnings,
            findings,
            annotations,
            unknown,
            absent,
            doubtful,
        } = self;
        denial.is_none()
            && warnings.is_empty()
            && findings.is_empty()
            && annotations.is_empty()
            && unknown.is_empty()
            && absent.is_empty()
            && doubtful.is_empty()
    }
}
