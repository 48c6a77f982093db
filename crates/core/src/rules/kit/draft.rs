//! A workload that is about to be written, for rules that inject defaults into it.

use crate::graph::{Shape, Workload};

/// A workload as a request would write it, and what a patch of it may rely on.
#[derive(Clone, Copy, Debug)]
pub enum Draft<'a> {
    New {
        workload: &'a Workload,
        shape: Shape,
    },
    Update {
        before: &'a Workload,
        after: &'a Workload,
        shape: Shape,
    },
}

impl<'a> Draft<'a> {
    /// The workload as it would be written.
    #[must_use]
    pub const fn workload(&self) -> &'a Workload {
        match self {
            Self::New { workload, .. } => workload,
            Self::Update { after, .. } => after,
        }
    }

    /// What a patch may rely on.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match self {
            Self::New { shape, .. } | Self::Update { shape, .. } => *shape,
        }
    }
}
