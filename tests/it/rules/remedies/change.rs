//! Changes, and how objects are replaced and deleted: section D of the rules.

use serde_json::json;
use stateward::graph::Kind;

use super::{Way, way};

const RETENTION: &str = "/spec/persistentVolumeClaimRetentionPolicy";
const PARTITION: &str = "/spec/updateStrategy/rollingUpdate/partition";

pub const WAYS: &[Way] = &[
    way(&["claim-in-use"], "to fewer pods first", |site| {
        for set in site.all(Kind::STATEFUL_SET) {
            set["spec"]["replicas"] = 1.into();
        }
    }),
    way(&["claim-in-use"], "or scale down Deployment ", |site| {
        for deployment in site.all(Kind::DEPLOYMENT) {
            deployment["spec"]["replicas"] = 0.into();
        }
    }),
    way(&["claim-in-use"], "Delete Pod shop/", |site| {
        let name = site.told("Delete Pod shop/");
        site.remove(Kind::POD, &name);
    }),
    way(&["immutable-change"], "Put it back", |site| {
        site.objects[1] = site.objects[0].clone()
    }),
    way(&["immutable-change"], "and apply again", |site| {
        // What is deleted before is created, and judged as that.
        site.objects.remove(0);
        site.updates = false;
    }),
    way(&["partition-stall"], "et partition: ", |site| {
        let partition: u32 = site.told("et partition: ").parse().expect("a number");
        if site.updates && site.remedy.contains("once the new template has proved good") {
            // By a later request.
            site.objects[0] = site.objects[1].clone();
        }
        site.set(PARTITION, partition);
    }),
    way(&["pod-force-delete"], "Delete it without --force", |site| {
        site.forced = false
    }),
    way(&["retention-delete"], "Set it to Retain", |site| {
        site.set(RETENTION, json!({"whenDeleted": "Retain", "whenScaled": "Retain"}));
    }),
    way(&["scale-down-data"], "whenScaled: Retain first", |site| {
        for object in &mut site.objects[..2] {
            object.json["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Retain".into();
        }
    }),
    way(&["scale-down-data"], "delete the claims by hand", |site| {
        site.objects.retain(|object| object.kind != Kind::CLAIM);
    }),
    way(&["rollout-fields"], "Leave it out", |site| {
        let field = site.field();
        site.unset(&field);
    }),
    way(
        &["rollout-fields", "statefulset-recreate"],
        "Use RollingUpdate",
        |site| {
            site.set("/spec/updateStrategy", json!({"type": "RollingUpdate"}));
        },
    ),
    way(&["zero-grace"], "Leave the field out", |site| {
        let field = site.field();
        site.unset(&field);
    }),
    way(&["zero-grace"], "or set what a clean stop takes", |site| {
        let field = site.field();
        site.set(&field, 60);
    }),
];
