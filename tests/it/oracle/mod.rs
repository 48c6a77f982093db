//! Kubernetes' own controllers judge our verdicts: does a pod wait for ever, does a rollout end?
//!
//! Controllers and scheduler are real; what a cluster has besides them is played here (`actor`): the kubelets, a CSI
//! driver's attacher and provisioner. A [`case`] is data: objects and what is done to them. It is played twice, with a
//! scheduler that takes the emptiest node and with one that takes the fullest. What happens is read from objects, never
//! from the text of an event.
//! "For ever" is no time: `pulse` tells when nobody has anything left to do.
//!
//! The attach/detach controller counts `spec.volumes`, mounted or not, and so do our rules.

mod actor;
mod acts;
mod api;
mod case;
mod cases;
mod conversions;
mod dns;
mod drawn;
mod facts;
mod identity;
mod levels;
mod mirror;
mod names;
mod outcome;
pub mod page;
mod pulse;
mod scene;
mod site;
mod stage;
mod table;
mod verdict;
mod versions;
mod worlds;

use std::time::Duration;

use crate::controlplane::ControlPlane;

/// So many cases are played at once.
const PLACES: usize = 8;

/// What takes so long will never come; generous, because a busy machine is no failure.
const HANG: Duration = Duration::from_mins(5);

/// The control plane with controllers that the tests of this folder share.
async fn plane() -> &'static ControlPlane {
    &stage::stage().await.plane
}
