//! One allocation for each name that the objects of a namespace repeat: `data`, `main`, a class, a driver.

use std::collections::BTreeSet;

use super::claim::{Claim, ClaimTemplate, ClassName, VolumeKind, VolumeTraits};
use super::lookup::Lookup;
use super::names::Name;
use super::pods::Pods;

/// The names in use, and maybe some that were.
#[derive(Clone, Debug, Default)]
pub struct SharedNames {
    names: BTreeSet<Name>,
    /// How many there were after the last sweep.
    kept: usize,
}

/// Below this many, names that nobody uses are not worth a sweep.
const FEW: usize = 64;

impl SharedNames {
    /// Replaces a name by the equal one that is here already.
    pub fn share(&mut self, name: &mut Name) {
        if let Some(known) = self.names.get(&**name) {
            *name = known.clone();
            return;
        }
        if self.names.len() >= 2 * self.kept + FEW {
            self.names.retain(|name| Name::strong_count(name) > Some(1));
            self.kept = self.names.len();
        }
        self.names.insert(name.clone());
    }

    /// The names that pods of many workloads have: of volumes, containers, images, ports and topologies.
    pub fn share_in_pods(&mut self, pods: &mut Pods) {
        pods.volumes.iter_mut().for_each(|volume| self.share(&mut volume.name));
        pods.images
            .iter_mut()
            .for_each(|image| self.share(&mut image.repository));
        for mount in &mut pods.mounts {
            self.share(&mut mount.container);
            self.share(&mut mount.volume);
        }
        pods.ports.iter_mut().for_each(|port| self.share(port));
        if let Some(placement) = &mut pods.placement {
            placement.topology_keys_mut().for_each(|key| self.share(key));
        }
    }

    /// The names, classes and sizes of claim templates.
    pub fn share_in_templates(&mut self, templates: &mut [ClaimTemplate]) {
        for template in templates {
            self.share(&mut template.name);
            self.share_class(&mut template.class);
            template.storage.iter_mut().for_each(|storage| self.share(storage));
        }
    }

    /// The class, the driver and the size of a claim.
    pub fn share_in_claim(&mut self, claim: &mut Claim) {
        self.share_class(&mut claim.class);
        if let Lookup::Known(VolumeTraits {
            kind: VolumeKind::Csi(driver),
            ..
        }) = &mut claim.volume
        {
            self.share(driver);
        }
        claim.storage.iter_mut().for_each(|storage| self.share(storage));
    }

    fn share_class(&mut self, class: &mut ClassName) {
        if let ClassName::Named(class) = class {
            self.share(class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_become_one_and_unused_ones_go() {
        let mut names = SharedNames::default();
        let (mut first, mut second): (Name, Name) = ("data".into(), "data".into());
        names.share(&mut first);
        names.share(&mut second);
        assert!(Name::ptr_eq(&first, &second));
        for number in 0..10 * FEW {
            names.share(&mut number.to_string().into());
        }
        assert!(names.names.len() <= 2 * FEW && names.names.contains("data"));
    }
}
