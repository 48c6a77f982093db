//! Whether objects of a kind that is declared can be read.

use kube::Client;

use super::policies::{code, get};
use crate::policy::WorkloadKind;

/// What the API server says of the objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// There is no permission to list them.
    Forbidden,
    /// They are listed.
    Listed,
    /// It has no such kind.
    NoSuchKind,
    /// No answer.
    Unanswered,
}

/// Asks for one object.
pub async fn access(kind: &WorkloadKind, client: &Client) -> Access {
    let WorkloadKind {
        group, version, plural, ..
    } = kind;
    let path = format!("/apis/{group}/{version}/{plural}?limit=1");
    match get(client, &path).await {
        Ok(_) => Access::Listed,
        Err(error) => match code(&error) {
            Some(403) => Access::Forbidden,
            Some(404) => Access::NoSuchKind,
            _ => Access::Unanswered,
        },
    }
}
