//! A plan: what is done in which order, what is down meanwhile, how one sees that it is done, and how one goes back.

use serde_json::Value as Json;

/// The way from one object to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The namespace that everything is done in.
    pub namespace: String,
    /// What is converted, as a name of a ConfigMap and of files: `convert-deployment-web`.
    pub id: String,
    /// `Deployment shop/web becomes a StatefulSet, …`.
    pub title: String,
    /// What one should know before, a sentence each.
    pub notes: Vec<String>,
    pub steps: Vec<Step>,
}

/// One step. Where it failed in the midst it can be taken again, and so can the way back from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// In the imperative.
    pub title: String,
    /// What happens, in a sentence or two.
    pub why: String,
    pub down: Down,
    /// What is remembered from now on: the name of a variable, and the command that prints it.
    pub learn: Vec<(String, String)>,
    /// What has to hold before.
    pub before: Vec<Check>,
    pub run: Vec<Command>,
    /// What holds afterwards.
    pub after: Vec<Check>,
    pub back: Back,
}

/// The way back from a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Back {
    /// What it means to go back.
    pub says: String,
    pub run: Vec<Command>,
    pub after: Vec<Check>,
}

/// What is down while a step is taken, and after it until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    Nothing,
    /// From here on.
    Begins(String),
    /// As since an earlier step.
    Still,
    /// Until this step is done.
    Ends(String),
}

/// What must hold: a command of the shell, and what it has to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// As in "checked: the volume is kept".
    pub says: String,
    pub command: String,
    /// May use variables of the shell.
    pub prints: String,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// `kubectl apply` of objects, in which `@NAME@` stands for a variable of the shell.
    Apply(Vec<Json>, Vec<String>),
    /// A line for the shell.
    Line(String),
}

impl Command {
    pub(super) fn line(text: impl Into<String>) -> Self {
        Self::Line(text.into())
    }

    pub(super) fn apply(objects: impl IntoIterator<Item = Json>) -> Self {
        Self::Apply(objects.into_iter().collect(), Vec::new())
    }
}

impl Check {
    pub(super) fn new(says: impl Into<String>, command: impl Into<String>, prints: impl Into<String>) -> Self {
        Self {
            says: says.into(),
            command: command.into(),
            prints: prints.into(),
        }
    }
}

impl std::fmt::Display for Down {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Begins(what) => write!(f, "{what}"),
            Self::Still => f.write_str("still, as before"),
            Self::Ends(what) => write!(f, "{what}"),
        }
    }
}
