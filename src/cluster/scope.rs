//! What an administrator chooses about the requests that are sent to us.

use std::collections::BTreeMap;
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;

/// Namespaces of which nothing is sent, unless told otherwise: the control plane's own.
pub const EXCLUDED: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];
/// The label by which a namespace opts out, with the value [`IGNORE`].
const ADMISSION: &str = "stateward.dev/admission";
const IGNORE: &str = "ignore";

/// What the entries of the webhook configurations are called, before `.stateward.dev`; in the order in which they are
/// printed.
pub(super) const ENTRIES: [&str; 7] = [
    "defaults",
    "policies",
    "workloads",
    "scale",
    "advice",
    "dependencies",
    "pods",
];

/// Of which namespaces requests are sent, and which of them wait for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Namespaces of which nothing is sent, beside our own.
    pub excluded: Vec<String>,
    pub opt_out: OptOut,
    /// What becomes of the requests of single entries without us, where it is not as usual.
    pub failures: BTreeMap<EntryName, FailurePolicy>,
}

/// The name of an entry, such as `scale` for `scale.stateward.dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryName(&'static str);

/// Why a text names no entry, or no failure policy of one.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFailure {
    #[error("write ENTRY=Fail or ENTRY=Ignore")]
    Form,
    #[error("there is no entry \"{0}\", but {all}", all = ENTRIES.join(", "))]
    Entry(String),
}

/// Whether who may label a namespace may take it out, by `stateward.dev/admission: ignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOut {
    Honoured,
    Refused,
}

/// What the API server does with a request that we do not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It passes.
    Ignore,
}

/// Reads `ENTRY=Fail` or `ENTRY=Ignore`.
///
/// # Errors
/// Another form, or an entry that there is not.
pub fn failure(text: &str) -> Result<(EntryName, FailurePolicy), InvalidFailure> {
    let (entry, policy) = text.split_once('=').ok_or(InvalidFailure::Form)?;
    let policy = match policy {
        "Fail" => FailurePolicy::Fail,
        "Ignore" => FailurePolicy::Ignore,
        _ => return Err(InvalidFailure::Form),
    };
    Ok((entry.parse()?, policy))
}

impl FromStr for EntryName {
    type Err = InvalidFailure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = ENTRIES.into_iter().find(|&name| name == text);
        known.map(Self).ok_or_else(|| InvalidFailure::Entry(text.to_owned()))
    }
}

impl Scope {
    /// What becomes of the requests of an entry without us, of which this is usual.
    pub(super) fn failure(&self, entry: &str, usual: FailurePolicy) -> FailurePolicy {
        let chosen = self.failures.iter().find(|(name, _)| name.0 == entry);
        chosen.map_or(usual, |(_, &chosen)| chosen)
    }

    /// The requirements on the labels of a namespace, where we run in `own`.
    pub(super) fn namespaces(&self, own: &str) -> Vec<LabelSelectorRequirement> {
        let not_in = |key: &str, values: Vec<String>| LabelSelectorRequirement {
            key: key.to_owned(),
            operator: "NotIn".to_owned(),
            values: Some(values),
        };
        let mut names = self.excluded.clone();
        names.retain(|name| name != own);
        names.push(own.to_owned());
        let mut requirements = vec![not_in("kubernetes.io/metadata.name", names)];
        if self.opt_out == OptOut::Honoured {
            requirements.push(not_in(ADMISSION, vec![IGNORE.to_owned()]));
        }
        requirements
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            excluded: EXCLUDED.map(str::to_owned).to_vec(),
            opt_out: OptOut::Refused,
            failures: BTreeMap::new(),
        }
    }
}
