//! Kubernetes' own controllers judge our verdicts: does a pod wait for ever, does a rollout end?
//!
//! The controllers are real; what a cluster has besides them is played here (`play`): the scheduler, the kubelet and
//! the CSI attacher. What happens is read from VolumeAttachments and pods, never from the text of an event.
//! "For ever" is no time: a later pod with a volume of its own is attached on each node, so the attach/detach
//! controller has passed by the pod that waits, and the pod it waits for is ready and stays.
//!
//! The containers mount none of their pods' volumes: the controllers count `spec.volumes`, and so do our rules.
//! ReadWriteOncePod is not here: kube-scheduler enforces it, and there is none.

mod facts;
mod play;
mod shop;
mod storage;

use tokio::sync::OnceCell;

use crate::controlplane::ControlPlane;

/// The control plane with controllers that the tests of this folder share.
async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    PLANE
        .get_or_init(async || {
            let plane = ControlPlane::start().await;
            plane.start_controller_manager().await;
            plane
        })
        .await
}
