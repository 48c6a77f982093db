//! The rules, and which of them see the same fault.
//!
//! A rule is two files, `<id>.rs` (with `_` for `-`) and `<id>.md`, and two lines here. Those that judge a workload in
//! its surroundings need not know which requests trigger them: that follows from the graph.

pub mod kit;

mod autoscaler_target;
mod claim_adoption;
mod claim_in_use;
mod claim_missing;
mod claim_mixed_modes;
mod claim_template_access_mode;
mod claim_template_class;
mod claim_template_shadows_volume;
mod claim_template_storage;
mod claim_template_unmounted;
mod claim_template_volatile;
mod daemonset_shaped;
mod dangling_volume_mount;
mod database_in_deployment;
mod database_overlap;
mod immutable_change;
mod inline_disk;
mod lost_default;
mod naked_pod;
mod needless_statefulset;
mod overlapping_selectors;
mod partition_stall;
mod pod_force_delete;
mod retention_delete;
mod rollout_fields;
mod rwo_autoscaler;
mod rwo_consumers;
mod rwo_daemonset;
mod rwo_job;
mod rwo_replicas;
mod rwo_spread;
mod rwo_surge;
mod rwop_overlap;
mod scale_down_data;
mod selinux_conflict;
mod service_discovery;
mod service_missing;
mod service_name_missing;
mod service_not_headless;
mod service_selector_mismatch;
mod statefulset_name;
mod statefulset_recreate;
mod statefulset_static_claim;
mod unbacked_data;
mod unspread_replicas;
mod zero_grace;

use kit::{Fault, Rule, Seen};

/// Every rule, sorted by id: the findings on an object come in this order.
pub static RULES: &[&Rule] = &[
    &autoscaler_target::RULE,
    &claim_adoption::RULE,
    &claim_in_use::RULE,
    &claim_missing::RULE,
    &claim_mixed_modes::RULE,
    &claim_template_access_mode::RULE,
    &claim_template_class::RULE,
    &claim_template_shadows_volume::RULE,
    &claim_template_storage::RULE,
    &claim_template_unmounted::RULE,
    &claim_template_volatile::RULE,
    &daemonset_shaped::RULE,
    &dangling_volume_mount::RULE,
    &database_in_deployment::RULE,
    &database_overlap::RULE,
    &immutable_change::RULE,
    &inline_disk::RULE,
    &lost_default::RULE,
    &naked_pod::RULE,
    &needless_statefulset::RULE,
    &overlapping_selectors::RULE,
    &partition_stall::RULE,
    &pod_force_delete::RULE,
    &retention_delete::RULE,
    &rollout_fields::RULE,
    &rwo_autoscaler::RULE,
    &rwo_consumers::RULE,
    &rwo_daemonset::RULE,
    &rwo_job::RULE,
    &rwo_replicas::RULE,
    &rwo_spread::RULE,
    &rwo_surge::RULE,
    &rwop_overlap::RULE,
    &scale_down_data::RULE,
    &selinux_conflict::RULE,
    &service_discovery::RULE,
    &service_missing::RULE,
    &service_name_missing::RULE,
    &service_not_headless::RULE,
    &service_selector_mismatch::RULE,
    &statefulset_name::RULE,
    &statefulset_recreate::RULE,
    &statefulset_static_claim::RULE,
    &unbacked_data::RULE,
    &unspread_replicas::RULE,
    &zero_grace::RULE,
];

/// Faults that several rules see. Findings on one of them, in one object and about one subject, are put into words
/// once, under all their ids; each keeps its action. The strongest action speaks, of equals one that is certain, then
/// the one with the largest extent, then the first in the list.
pub static FAULTS: &[Fault] = &[
    Fault {
        what: "nothing is known of a claim",
        seen: &[
            Seen::Unknown(&rwop_overlap::RULE),
            Seen::Unknown(&rwo_surge::RULE),
            Seen::Unknown(&rwo_spread::RULE),
            Seen::Unknown(&rwo_replicas::RULE),
            Seen::Unknown(&rwo_job::RULE),
            Seen::Unknown(&rwo_daemonset::RULE),
            Seen::Unknown(&rwo_consumers::RULE),
            Seen::Unknown(&rwo_autoscaler::RULE),
            Seen::Always(&claim_missing::RULE),
        ],
    },
    Fault {
        what: "a claim that a StatefulSet takes over is used by another workload",
        seen: &[
            // It knows how the two came to share it.
            Seen::Case(&claim_adoption::RULE, claim_adoption::IN_USE),
            Seen::Case(&rwo_consumers::RULE, 0),
        ],
    },
    Fault {
        what: "the pods of a StatefulSet have no names of their own, for its Service does not exist",
        seen: &[
            Seen::Always(&service_missing::RULE),
            Seen::Case(&needless_statefulset::RULE, needless_statefulset::NO_SUCH_SERVICE),
        ],
    },
    Fault {
        what: "a rolling update needs a second pod on a claim for one pod alone",
        seen: &[
            Seen::Case(&rwop_overlap::RULE, rwop_overlap::SURGE),
            Seen::Case(&rwo_surge::RULE, rwo_surge::ONE_POD),
        ],
    },
    Fault {
        what: "two pods meet on one volume",
        seen: &[
            Seen::Always(&rwo_spread::RULE),
            Seen::Always(&rwo_replicas::RULE),
            Seen::Case(&rwo_surge::RULE, 0),
            Seen::Always(&database_overlap::RULE),
            Seen::Always(&rwo_job::RULE),
        ],
    },
];
