//! What the judge decides.

use crate::graph::{Kind, ObjectRef};
use crate::rules::kit::{Action, Finding};

/// The answer to one change.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The one message for all findings that deny, or `None` where the change is allowed.
    pub denial: Option<String>,
    /// One a finding that warns, each at most 256 characters, together below 4,096.
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
    /// What really happens: after ratchet, caps and overrides.
    pub action: Action,
    pub standing: Standing,
    /// The reason given in `stateward.dev/allow`, where that let it pass.
    pub allowed_because: Option<String>,
    /// The whole sentence for a person: object, text.
    pub message: String,
}

/// Whether the change is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was there before and is no worse now.
    Existing,
    /// New or worse.
    Introduced,
    /// The state before could not be known.
    Unclear,
}

impl Decision {
    /// Returns true where the change may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.denial.is_none()
    }
}
