//! One hit of a rule.

use std::time::Duration;

use super::case::Action;
use super::parameter::GRACE;
use super::parameters::Parameters;
use super::rule::Rule;
use super::text;
use crate::graph::{Name, ObjectRef, Workload};

/// What a rule found on one object.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    /// Index into the rule's cases.
    pub case: usize,
    pub verdict: Verdict,
    /// What it is on: the workload that is judged, or the object that changes, whatever its kind.
    pub object: ObjectRef,
    /// What the finding is about beside the object: a claim's, Service's or volume's name. With rule and object it is
    /// the identity by which the ratchet compares before and after.
    pub subject: Name,
    /// How bad: pods or consumers. A larger one is worse.
    pub extent: u64,
    /// The strongest action it deserves here, whatever the policy says.
    pub at_most: Option<Action>,
    /// JSON pointer to the field, on the object.
    pub path: String,
    /// What is wrong and what will happen; continues after `Deployment shop/web: `.
    pub text: String,
    /// What to do; continues after a period.
    pub remedy: String,
    /// `remedy` for an object that is there already, where something else works then.
    pub remedy_in_place: Option<String>,
    /// `text` for a warning: some 60 characters, for kubectl shows up to 120 of a line well.
    pub brief: String,
    /// The object on whose absence it rests: one that was created a moment ago may not be known yet.
    pub absent: Option<ObjectRef>,
    /// How long that must have been so before the audit tells of it; `None` where no parameter says so.
    pub grace: Option<Duration>,
    /// The words where the request itself takes away what `absent` names.
    pub loss: Option<Loss>,
    pub related: Vec<Related>,
}

/// Whether a rule can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A fact is missing that decides it.
    Unknown,
    Violation,
}

/// What a request takes away, in the place of what is so anyway.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Continues after `deleting Service shop/db `.
    pub text: String,
    /// `text` for a warning about the object that loses it.
    pub brief: String,
}

/// Another object that plays a part.
#[derive(Clone, Debug)]
pub struct Related {
    pub object: ObjectRef,
    pub path: String,
    pub message: String,
}

impl Finding {
    /// A violation of the rule's main case, with extent 1, to be filled in.
    #[must_use]
    pub fn violation(rule: &'static Rule, object: &ObjectRef, subject: &str) -> Self {
        Self {
            rule,
            case: 0,
            verdict: Verdict::Violation,
            object: object.clone(),
            subject: subject.into(),
            extent: 1,
            at_most: None,
            path: String::new(),
            text: String::new(),
            remedy: String::new(),
            remedy_in_place: None,
            brief: String::new(),
            absent: None,
            grace: None,
            loss: None,
            related: Vec::new(),
        }
    }

    /// "Cannot tell", to be filled in.
    #[must_use]
    pub fn unknown(rule: &'static Rule, object: &ObjectRef, subject: &str) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::violation(rule, object, subject)
        }
    }

    /// The workload whose overrides count: what it is on, or of what plays a part the first.
    #[must_use]
    pub fn bearer(&self) -> Option<&ObjectRef> {
        let related = self.related.iter().map(|related| &related.object);
        std::iter::once(&self.object)
            .chain(related)
            .find(|object| object.kind.is_workload())
    }

    #[must_use]
    pub fn case(self, case: usize) -> Self {
        Self { case, ..self }
    }

    #[must_use]
    pub fn extent(self, extent: impl Into<u64>) -> Self {
        Self {
            extent: extent.into(),
            ..self
        }
    }

    /// Never more than `action`; of several limits the lowest counts.
    #[must_use]
    pub fn at_most(self, action: Action) -> Self {
        Self {
            at_most: Some(self.at_most.map_or(action, |limit| limit.min(action))),
            ..self
        }
    }

    #[must_use]
    pub fn at(self, path: impl Into<String>) -> Self {
        Self {
            path: self.object.kind.own_path(path),
            ..self
        }
    }

    #[must_use]
    pub fn says(self, text: impl Into<String>, brief: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            brief: brief.into(),
            ..self
        }
    }

    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: remedy.into(),
            ..self
        }
    }

    #[must_use]
    pub fn remedy_in_place(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy_in_place: Some(remedy.into()),
            ..self
        }
    }

    /// A remedy that writes what nobody can change in a StatefulSet that is there. Of other kinds nobody says what can.
    #[must_use]
    pub fn remedy_of_new(self, remedy: impl Into<String>, set: &Workload) -> Self {
        let remedy = remedy.into();
        if set.id.kind.declared().is_some() {
            return self.remedy(remedy);
        }
        let first = text::orphaning(set);
        let again = format!("{remedy}; that changes in no StatefulSet that is there, so first {first}");
        self.remedy(remedy).remedy_in_place(again)
    }

    /// What to do of an object that is there already.
    #[must_use]
    pub fn in_place(mut self) -> Self {
        if let Some(remedy) = self.remedy_in_place.take() {
            self.remedy = remedy;
        }
        self
    }

    #[must_use]
    pub fn rests_on_absence_of(self, object: ObjectRef) -> Self {
        Self {
            absent: Some(object),
            ..self
        }
    }

    /// The audit tells of it as late as the parameter says.
    #[must_use]
    pub fn after_grace(self, parameters: &Parameters) -> Self {
        Self {
            grace: parameters.duration(GRACE.name),
            ..self
        }
    }

    #[must_use]
    pub fn lost(self, text: impl Into<String>, brief: impl Into<String>) -> Self {
        Self {
            loss: Some(Loss {
                text: text.into(),
                brief: brief.into(),
            }),
            ..self
        }
    }

    #[must_use]
    pub fn related(mut self, object: ObjectRef, path: impl Into<String>, message: impl Into<String>) -> Self {
        self.related.push(Related {
            object,
            path: path.into(),
            message: message.into(),
        });
        self
    }
}
