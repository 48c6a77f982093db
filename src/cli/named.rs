//! A workload as somebody types it: `Deployment/web`, `deploy/web`, `statefulsets/db`.

use stateward_nearest::nearest;

use crate::picture::{Column, Id, Picture};

/// What kubectl takes for a kind besides its name.
const SHORT: &[(&str, &str)] = &[
    ("cj", "cronjob"),
    ("deploy", "deployment"),
    ("ds", "daemonset"),
    ("po", "pod"),
    ("rc", "replicationcontroller"),
    ("rs", "replicaset"),
    ("sts", "statefulset"),
];

/// A kind in lower case, and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    kind: String,
    name: String,
}

impl Named {
    /// Reads `KIND/NAME`.
    ///
    /// # Errors
    /// What is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
                let kind = kind.to_lowercase();
                let long = SHORT.iter().find(|(short, _)| *short == kind);
                Ok(Self {
                    kind: long.map_or(kind, |(_, long)| (*long).to_owned()),
                    name: name.to_owned(),
                })
            }
            _ => Err("write KIND/NAME, such as Deployment/web".to_owned()),
        }
    }

    /// The workload of this kind and name in a picture.
    #[must_use]
    pub fn find<'p>(&self, picture: &'p Picture) -> Option<&'p Id> {
        let mut ids = workloads(picture);
        ids.find(|id| self.is_kind(id.kind) && *id.name == *self.name)
    }

    /// That none of the pictures has it, and what was probably meant.
    #[must_use]
    pub fn missing(&self, pictures: &[Picture]) -> String {
        let Self { kind, name } = self;
        let all: Vec<String> = pictures
            .iter()
            .flat_map(workloads)
            .map(|id| format!("{}/{}", id.kind, id.name))
            .collect();
        let of_name = all.iter().find(|one| one.rsplit('/').next() == Some(name));
        let near = of_name.map(String::as_str).or_else(|| {
            let typed = format!("{kind}/{name}");
            let lower: Vec<String> = all.iter().map(|one| one.to_lowercase()).collect();
            let near = nearest(&typed, lower.iter().map(String::as_str))?;
            let place = lower.iter().position(|one| one == near)?;
            all.get(place).map(String::as_str)
        });
        let near = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
        format!("there is no {kind} {name} among what was read{near}")
    }

    /// `deployment`, `deployments`, `deployments.apps`.
    fn is_kind(&self, kind: &str) -> bool {
        let typed = self.kind.split_once('.').map_or(&*self.kind, |(kind, _)| kind);
        let kind = kind.to_lowercase();
        typed == kind || typed.strip_suffix('s') == Some(&kind)
    }
}

fn workloads(picture: &Picture) -> impl Iterator<Item = &Id> {
    let ids = picture.nodes.iter().map(|node| &node.id);
    ids.filter(|id| id.column == Column::Workloads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_typed_in_many_ways() {
        for typed in ["StatefulSet/db", "statefulsets/db", "sts/db", "statefulsets.apps/db"] {
            let named = Named::parse(typed).unwrap();
            assert!(named.is_kind("StatefulSet") && !named.is_kind("Deployment"), "{typed}");
        }
        for typed in ["db", "/db", "sts/", "a/b/c"] {
            Named::parse(typed).unwrap_err();
        }
    }
}
