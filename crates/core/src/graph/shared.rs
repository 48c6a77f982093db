//! One allocation for each name that the objects of a namespace repeat: `data`, `main`, a class, a driver.

use std::collections::BTreeSet;

use super::names::Name;

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
