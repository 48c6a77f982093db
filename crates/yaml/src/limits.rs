//! What bounds the time and the memory that a text may take.

/// The largest text that is read, in bytes. Larger ones are no manifests.
pub const TEXT_LIMIT: usize = 64 << 20;

/// The longest string, in bytes: the API server takes no request above 3 MiB (`docs/kubernetes-facts.md`; etcd's limit is
/// half of that).
pub(crate) const SCALAR_LIMIT: usize = 4 << 20;

/// The most nodes in one text, at 16 bytes each; ten thousand large objects have about two million.
pub(crate) const NODE_LIMIT: usize = if cfg!(test) { 400_000 } else { 4_000_000 };

/// The deepest nesting, as in `serde_json`. The deepest known manifests, CRD schemas, stay below 60.
pub(crate) const DEPTH_LIMIT: usize = 128;

/// The most nodes that a document's aliases may add.
pub(crate) const ALIAS_LIMIT: u64 = 250_000;

/// The most JSON objects that may follow one another without `---`: each needs a parser of its own.
pub(crate) const RESTART_LIMIT: usize = if cfg!(test) { 1_000 } else { 50_000 };

/// The most problems that are kept for one text.
pub(crate) const PROBLEM_LIMIT: usize = 10_000;
