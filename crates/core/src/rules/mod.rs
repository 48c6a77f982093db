//! The rules. Each judges one workload in its surroundings; which requests trigger it follows from the graph.
//!
//! A rule is two files, `<id>.rs` (with `_` for `-`) and `<id>.md`, and two lines here.

pub mod kit;

mod claim_missing;
mod claim_template_access_mode;
mod claim_template_shadows_volume;
mod claim_template_storage;
mod claim_template_unmounted;
mod dangling_volume_mount;
mod lost_default;
mod rwo_autoscaler;
mod rwo_consumers;
mod rwo_daemonset;
mod rwo_job;
mod rwo_replicas;
mod rwo_surge;
mod rwop_overlap;
mod service_missing;
mod service_name_missing;
mod service_not_headless;
mod service_selector_mismatch;
mod statefulset_name;
mod statefulset_static_claim;
mod zero_grace;

use kit::AnyRule;

/// Every rule, sorted by id: findings come in this order.
pub static RULES: &[AnyRule] = &[
    AnyRule::Workload(&claim_missing::ClaimMissing),
    AnyRule::Workload(&claim_template_access_mode::ClaimTemplateAccessMode),
    AnyRule::Workload(&claim_template_shadows_volume::ClaimTemplateShadowsVolume),
    AnyRule::Workload(&claim_template_storage::ClaimTemplateStorage),
    AnyRule::Workload(&claim_template_unmounted::ClaimTemplateUnmounted),
    AnyRule::Workload(&dangling_volume_mount::DanglingVolumeMount),
    AnyRule::Change(&lost_default::LostDefault),
    AnyRule::Workload(&rwo_autoscaler::RwoAutoscaler),
    AnyRule::Workload(&rwo_consumers::RwoConsumers),
    AnyRule::Workload(&rwo_daemonset::RwoDaemonset),
    AnyRule::Workload(&rwo_job::RwoJob),
    AnyRule::Workload(&rwo_replicas::RwoReplicas),
    AnyRule::Workload(&rwo_surge::RwoSurge),
    AnyRule::Workload(&rwop_overlap::RwopOverlap),
    AnyRule::Workload(&service_missing::ServiceMissing),
    AnyRule::Workload(&service_name_missing::ServiceNameMissing),
    AnyRule::Workload(&service_not_headless::ServiceNotHeadless),
    AnyRule::Workload(&service_selector_mismatch::ServiceSelectorMismatch),
    AnyRule::Workload(&statefulset_name::StatefulSetName),
    AnyRule::Workload(&statefulset_static_claim::StatefulSetStaticClaim),
    AnyRule::Workload(&zero_grace::ZeroGrace),
];
