//! Certificates of our own: an authority in a Secret, from which every replica signs its own serving certificate.
//!
//! ```text
//!  Secret --watch--> every replica --> its leaf, in memory     (serving.rs decides, signer.rs does)
//!    ^                                   |
//!    |                                 Lease: whom it knows, by whom it is signed
//!    |                                   v
//!  the leader: renews the authority, writes caBundle           (rotation.rs decides, keeper.rs does)
//! ```
//!
//! A replica that nobody has had trusted for a while adds its authority to the configurations itself.
//!
//! No leaf is ever handed around, and no file is mounted: a mounted Secret lags behind by a minute and more.
//!
//! Where certificates come from files all the same, `trust.rs` tells whether the configurations trust them. Where the
//! files say who signs, the leader writes that into them, by the same rules, and a replica serves nothing else before:
//!
//! ```text
//!  files --read--> every replica --> what they hold, once it is trusted    (holding.rs decides, trust.rs does)
//! ```

mod authority;
mod bundle;
mod contents;
mod holding;
mod keeper;
mod rotation;
mod serving;
mod signer;
#[cfg(test)]
mod simulation;
mod trust;
mod trusting;
mod view;

use std::time::Duration;

pub use holding::Holding;
pub use keeper::Keeper;
pub use signer::{Signer, Target};
pub use trust::{Held, Trust};
pub use view::View;

/// Under which name the API server is told that we write `caBundle`: a name of its own, so that it is never mistaken for
/// that of whoever installs the configurations.
const FIELD_MANAGER: &str = "stateward-ca";

/// How long what is made holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An authority. The next one is announced when two thirds of this are over.
    pub authority: Duration,
    /// A leaf. It is renewed when two thirds of this are over.
    pub leaf: Duration,
    /// How long an authority is announced before anybody signs by it, and trusted after nobody does: much longer than
    /// any API server needs to learn of a configuration.
    pub settle: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            authority: Duration::from_hours(365 * 24),
            leaf: Duration::from_hours(30 * 24),
            settle: Duration::from_mins(10),
        }
    }
}
