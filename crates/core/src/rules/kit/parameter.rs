//! The parameters that a rule offers to policies.

/// A parameter that a policy may set.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub summary: &'static str,
    pub kind: ParameterKind,
}

/// How long something must have been missing before the audit tells of it.
pub const GRACE: Parameter = Parameter {
    name: "grace",
    summary: "how long it must have been missing before the audit tells of it; a request is told at once",
    kind: ParameterKind::Duration("60s"),
};

/// What a parameter may hold, with its default.
#[derive(Debug)]
pub enum ParameterKind {
    /// One of these words, the first by default.
    Choice(&'static [&'static str]),
    /// A whole number from 1 on; unset by default.
    Count,
    /// A short length of time such as `60s`; this one by default.
    Duration(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// A Kubernetes quantity, such as `10Gi`; unset by default.
    Quantity,
    /// Any text; unset by default.
    Text,
}
