//! Containers: what they mount and run, their ports and privileges.

use std::borrow::Cow;

use super::super::names::Name;
use super::super::pods::{ContainerLevel, Image, Mount, MountForm, MountPosition, PodVolume};
use crate::cursor::{Cursor, list, members};

/// A container, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Container<'a> {
    name: Cow<'a, str>,
    image: Cow<'a, str>,
    command: Vec<Cow<'a, str>>,
    args: Vec<Cow<'a, str>>,
    mounts: Vec<Volume<'a>>,
    devices: Vec<Volume<'a>>,
    /// A port that is open, and one that is open on the node.
    port: bool,
    host_port: bool,
    /// The names of its ports.
    pub(super) port_names: Vec<Name>,
    stdin: bool,
    level: Option<Name>,
}

/// An entry of `volumeMounts` or `volumeDevices`.
#[derive(Debug, Default)]
struct Volume<'a> {
    name: Cow<'a, str>,
    read_only: bool,
}

/// An entry of `ports`.
#[derive(Debug, Default)]
struct Port {
    /// It is open on the node.
    on_host: bool,
    name: Option<Name>,
}

impl<'a> Container<'a> {
    pub(super) fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut container = Self::default();
        members!(cursor, {
            "args" => container.args = texts(cursor),
            "command" => container.command = texts(cursor),
            "image" => container.image = cursor.text().unwrap_or_default(),
            "name" => container.name = cursor.text().unwrap_or_default(),
            "ports" => {
                let ports = list(cursor, Port::read).unwrap_or_default();
                container.port = !ports.is_empty();
                container.host_port = ports.iter().any(|port| port.on_host);
                container.port_names = ports.into_iter().filter_map(|port| port.name).collect();
            },
            "securityContext" => members!(cursor, { "seLinuxOptions" => container.level = read_level(cursor) }),
            "stdin" => container.stdin = cursor.boolean() == Some(true),
            "volumeDevices" => container.devices = list(cursor, Volume::read).unwrap_or_default(),
            "volumeMounts" => container.mounts = list(cursor, Volume::read).unwrap_or_default(),
        });
        container
    }

    pub(super) fn mount_count(&self) -> usize {
        self.mounts.len() + self.devices.len()
    }

    /// The mounts and devices of the container at `index` of its list. They share the names of `volumes`.
    pub(super) fn mounts(&self, init: bool, index: usize, volumes: &[PodVolume]) -> impl Iterator<Item = Mount> {
        let name: Name = (&*self.name).into();
        let directories = self.mounts.iter().enumerate();
        let devices = self.devices.iter().enumerate();
        directories
            .map(|entry| (MountForm::Directory, entry))
            .chain(devices.map(|entry| (MountForm::Device, entry)))
            .map(move |(form, (mount, volume))| Mount {
                container: name.clone(),
                volume: shared(&volume.name, volumes),
                form,
                read_only: volume.read_only,
                position: MountPosition {
                    init,
                    container: place(index),
                    mount: place(mount),
                },
            })
    }

    pub(super) fn image_name(&self) -> &str {
        &self.image
    }

    /// What the main container at `index` runs, where it is the program that its image is for.
    pub(super) fn image(&self, index: usize) -> Option<Image> {
        if self.image.is_empty() || !runs_server(&self.command, &self.args) {
            return None;
        }
        Some(Image {
            repository: repository(&self.image).into(),
            container: place(index),
        })
    }

    /// A port of it is open on the node: each is, where the pod has the node's network.
    pub(super) const fn has_host_port(&self, host_network: bool) -> bool {
        self.host_port || (host_network && self.port)
    }

    /// Somebody is attached to it: `kubectl run -i`, `kubectl debug`, which names its containers so.
    pub(super) fn is_interactive(&self) -> bool {
        self.stdin || self.name.starts_with("debugger-")
    }

    /// What the container at `index` of its list says of its SELinux level itself.
    pub(super) fn level(&self, init: bool, index: usize) -> Option<ContainerLevel> {
        self.level.clone().map(|level| ContainerLevel {
            init,
            container: place(index),
            level,
        })
    }
}

impl<'a> Volume<'a> {
    fn read<C: Cursor<'a>>(cursor: &mut C) -> Self {
        let mut volume = Self::default();
        members!(cursor, {
            "name" => volume.name = cursor.text().unwrap_or_default(),
            "readOnly" => volume.read_only = cursor.boolean() == Some(true),
        });
        volume
    }
}

/// Reads the level of `seLinuxOptions`; empty where there are options without it.
pub(super) fn read_level<'a, C: Cursor<'a>>(cursor: &mut C) -> Option<Name> {
    let mut level = None;
    let there = members!(cursor, { "level" => level = cursor.text() });
    there.then(|| level.as_deref().unwrap_or_default().into())
}

impl Port {
    fn read<'a, C: Cursor<'a>>(cursor: &mut C) -> Self {
        let (mut host, mut name) = (None, None);
        members!(cursor, {
            "hostPort" => host = cursor.integer(),
            "name" => name = cursor.text(),
        });
        let name = name.as_deref().filter(|name| !name.is_empty());
        Self {
            on_host: host.is_some_and(|port| port != 0),
            name: name.map(Into::into),
        }
    }
}

fn texts<'a, C: Cursor<'a>>(cursor: &mut C) -> Vec<Cow<'a, str>> {
    list(cursor, |cursor| cursor.text().unwrap_or_default()).unwrap_or_default()
}

fn shared(name: &str, volumes: &[PodVolume]) -> Name {
    let known = volumes.iter().find(|volume| *volume.name == *name);
    known.map_or_else(|| name.into(), |volume| volume.name.clone())
}

fn place(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The last two segments of an image's path, without registry, tag and digest: more is never asked for.
fn repository(image: &str) -> &str {
    // Byte by byte: of so few no search is faster.
    let at = |text: &str, byte: u8| text.bytes().position(|other| other == byte);
    let behind_last_slash = |text: &str| text.bytes().rposition(|byte| byte == b'/').map(|slash| slash + 1);
    let image = at(image, b'@').map_or(image, |at| &image[..at]);
    let last = behind_last_slash(image).unwrap_or(0);
    let end = at(&image[last..], b':').map_or(image.len(), |colon| last + colon);
    let path = &image[..end];
    let Some(above) = behind_last_slash(&path[..last.saturating_sub(1)]) else {
        // Of two segments the first may be a registry (`distribution/reference`, splitDockerDomain).
        let registry = path[..last].contains(['.', ':']) || path.starts_with("localhost/");
        return if registry { &path[last..] } else { path };
    };
    // Of three or more the first is cut off, whatever it is.
    &path[above..]
}

/// Programs that serve: what runs where a container names the program itself.
const SERVERS: &[&str] = &[
    "arangod",
    "cassandra",
    "clickhouse-server",
    "cockroach",
    "couchdb",
    "dgraph",
    "docker-entrypoint.sh",
    "elasticsearch",
    "entrypoint.sh",
    "etcd",
    "eswrapper",
    "influxd",
    "kafka-server-start.sh",
    "keydb-server",
    "mariadbd",
    "minio",
    "mongod",
    "mysqld",
    "mysqld_safe",
    "neo4j",
    "opensearch",
    "postgres",
    "rabbitmq-server",
    "redis-server",
    "rethinkdb",
    "run.sh",
    "scylla",
    "server",
    "sqlservr",
    "start",
    "start-single-node",
    "tidb-server",
    "tikv-server",
    "valkey-server",
    "zkServer.sh",
];

/// Whether a container runs the server of its image. The images of databases also serve for clients (`pg_dump`), for
/// routers (`mongos`) and for waiting (`sleep`): then the command says so, or the first argument, which the entry point
/// of most images runs where it is no option.
fn runs_server(command: &[Cow<'_, str>], args: &[Cow<'_, str>]) -> bool {
    let Some(first) = command.first().or(args.first()) else {
        return true;
    };
    let program = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        SERVERS.contains(&name)
    };
    if !first.ends_with("sh") || program(first) {
        return (command.is_empty() && first.starts_with('-')) || program(first);
    }
    // A shell: what its script becomes in the end.
    let words = command.iter().chain(args).flat_map(|text| text.split_whitespace());
    let mut becomes = false;
    words.into_iter().any(|word| {
        let server = becomes && program(word);
        becomes = matches!(word, "exec" | "docker-entrypoint.sh");
        server
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_loses_its_registry_tag_and_digest() {
        for (image, wanted) in [
            ("postgres", "postgres"),
            ("postgres:17", "postgres"),
            ("docker.io/library/postgres:17@sha256:0", "library/postgres"),
            ("bitnami/postgresql", "bitnami/postgresql"),
            ("registry:5000/postgres", "postgres"),
            ("localhost/postgres", "postgres"),
            ("registry:5000/a/b/postgres:1", "b/postgres"),
            ("ghcr.io/org/postgres@sha256:0", "org/postgres"),
            ("", ""),
        ] {
            assert_eq!(repository(image), wanted, "{image}");
        }
    }

    #[test]
    fn a_container_serves_unless_it_names_another_program() {
        for (command, args, serves) in [
            (&[][..], &[][..], true),
            (&[], &["-c", "max_connections=9"], true),
            (&[], &["postgres", "-c", "fsync=off"], true),
            (&[], &["mongos", "--configdb", "cfg"], false),
            (&["/usr/local/bin/docker-entrypoint.sh"], &["mysqld"], true),
            (&["mongod"], &["--replSet=rs"], true),
            (&["sleep", "infinity"], &[], false),
            (&["pg_dump", "-h", "postgres"], &[], false),
            (&["sh", "-c", "psql -h postgres -f /init.sql"], &[], false),
            (&["/bin/bash"], &["-c", "chown x /d && exec mongod --bind_ip_all"], true),
        ] {
            let texts = |list: &[&'static str]| list.iter().map(|text| Cow::Borrowed(*text)).collect::<Vec<_>>();
            assert_eq!(
                runs_server(&texts(command), &texts(args)),
                serves,
                "{command:?} {args:?}"
            );
        }
    }
}
