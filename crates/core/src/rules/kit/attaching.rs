//! Whether anybody keeps a claim's mode on a second node: the attach/detach controller does, for what is attached.

use crate::graph::{Claim, Lookup, View, VolumeKind};

/// In-tree provisioners whose disks the attach/detach controller handles (`pkg/volume/*/attacher.go`, and their
/// CSI migration). The others, NFS and the like, attach nothing.
const IN_TREE: &[&str] = &[
    "kubernetes.io/aws-ebs",
    "kubernetes.io/azure-disk",
    "kubernetes.io/cinder",
    "kubernetes.io/gce-pd",
    "kubernetes.io/rbd",
    "kubernetes.io/vsphere-volume",
];

/// CSI drivers whose own CSIDriver object says `attachRequired: false`, each with the manifest that does: for where no
/// such object can be seen. Sorted.
const DETACHED: &[(&str, &str)] = &[
    (
        "beegfs.csi.netapp.com",
        "ThinkParQ/beegfs-csi-driver: deploy/k8s/bases/csi-beegfs-driverinfo.yaml",
    ),
    (
        "blob.csi.azure.com",
        "kubernetes-sigs/blob-csi-driver: deploy/csi-blob-driver.yaml",
    ),
    (
        "cephfs.csi.ceph.com",
        "ceph/ceph-csi: deploy/cephfs/kubernetes/csidriver.yaml",
    ),
    ("csi.juicefs.com", "juicedata/juicefs-csi-driver: deploy/k8s.yaml"),
    (
        "efs.csi.aws.com",
        "kubernetes-sigs/aws-efs-csi-driver: deploy/kubernetes/base/csidriver.yaml",
    ),
    (
        "file.csi.azure.com",
        "kubernetes-sigs/azurefile-csi-driver: deploy/csi-azurefile-driver.yaml",
    ),
    (
        "filestore.csi.storage.gke.io",
        "kubernetes-sigs/gcp-filestore-csi-driver: deploy/kubernetes/base/controller/csi_driver.yaml",
    ),
    (
        "fsx.csi.aws.com",
        "kubernetes-sigs/aws-fsx-csi-driver: deploy/kubernetes/base/csidriver.yaml",
    ),
    (
        "gcsfuse.csi.storage.gke.io",
        "GoogleCloudPlatform/gcs-fuse-csi-driver: deploy/base/setup/csi_driver.yaml",
    ),
    (
        "local.csi.openebs.io",
        "openebs/lvm-localpv: deploy/yamls/lvm-driver.yaml",
    ),
    (
        "nasplugin.csi.alibabacloud.com",
        "kubernetes-sigs/alibaba-cloud-csi-driver: deploy/chart/templates/csi-driver.yaml",
    ),
    (
        "nfs.csi.ceph.com",
        "ceph/ceph-csi: deploy/nfs/kubernetes/csidriver.yaml",
    ),
    (
        "nfs.csi.k8s.io",
        "kubernetes-csi/csi-driver-nfs: deploy/csi-nfs-driverinfo.yaml",
    ),
    (
        "s3.csi.aws.com",
        "awslabs/mountpoint-s3-csi-driver: deploy/kubernetes/base/csidriver.yaml",
    ),
    (
        "smb.csi.k8s.io",
        "kubernetes-csi/csi-driver-smb: deploy/csi-smb-driver.yaml",
    ),
    (
        "topolvm.io",
        "topolvm/topolvm: charts/topolvm/templates/controller/csidriver.yaml",
    ),
    (
        "zfs.csi.openebs.io",
        "openebs/zfs-localpv: deploy/helm/charts/templates/csidriver.yaml",
    ),
];

/// Whether the claim's mode is really enforced on a second node (`ARCHITECTURE.md`, "enforced").
#[must_use]
pub fn is_enforced(claim: &Claim, view: &View<'_>) -> bool {
    match &claim.volume {
        Lookup::Known(volume) => match &volume.kind {
            VolumeKind::NotAttachable => false,
            VolumeKind::InTreeAttachable => true,
            // One without a CSIDriver object is attached (`pkg/volume/csi/csi_plugin.go`, `CanAttach`).
            VolumeKind::Csi(driver) => attaches(driver, view).known().unwrap_or(true),
        },
        Lookup::Absent | Lookup::Unknown => match view.class(&claim.class) {
            Lookup::Known(class) if class.provisioner.starts_with("kubernetes.io/") => {
                IN_TREE.contains(&&*class.provisioner)
            }
            // Any other provisioner without such a driver makes NFS exports or directories of a host.
            Lookup::Known(class) => attaches(&class.provisioner, view).known().unwrap_or(false),
            Lookup::Absent | Lookup::Unknown => true,
        },
    }
}

/// Whether volumes of a driver are attached, where that driver exists. One that is neither seen nor well known is
/// taken for one that attaches.
fn attaches(driver: &str, view: &View<'_>) -> Lookup<bool> {
    match view.driver_attaches(driver) {
        Lookup::Unknown => Lookup::Known(DETACHED.binary_search_by(|(name, _)| (*name).cmp(driver)).is_err()),
        seen => seen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_has_its_source() {
        assert!(DETACHED.is_sorted_by(|(one, _), (other, _)| one < other));
        for (driver, source) in DETACHED {
            let (repository, path) = source.split_once(": ").unwrap_or_default();
            assert!(
                repository.contains('/') && path.ends_with(".yaml"),
                "{driver}: {source}"
            );
        }
    }
}
