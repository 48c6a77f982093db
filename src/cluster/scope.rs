//! What an administrator chooses about the requests that are sent to us.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement;

/// Namespaces of which nothing is sent, unless told otherwise: the control plane's own.
pub const EXCLUDED: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];
/// The label by which a namespace opts out, with the value [`IGNORE`].
const ADMISSION: &str = "stateward.dev/admission";
const IGNORE: &str = "ignore";

/// Of which namespaces requests are sent, and which of them wait for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Namespaces of which nothing is sent, beside our own.
    pub excluded: Vec<String>,
    pub opt_out: OptOut,
    /// What becomes of a `scale` to more replicas without us. Of workloads the request says nothing but the replicas,
    /// so that this is about all of them.
    pub scale: FailurePolicy,
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

impl Scope {
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
            scale: FailurePolicy::Ignore,
        }
    }
}
