//! Which containers are databases, and what they keep their data on.

use super::parameter::{Parameter, ParameterKind};
use super::parameters::Parameters;
use crate::graph::{Image, Mount, PodVolume, VolumeSource, Workload};

/// The parameter that says which images are data stores.
pub const DATA_STORES: Parameter = Parameter {
    name: "data-stores",
    summary: "the images that are data stores, each by the last segment of its path, or the last two",
    kind: ParameterKind::List(IMAGES),
};

/// Servers that own the files of their data: of two on one directory the second refuses to start, or corrupts it. The
/// names of their images at Docker Hub, Quay and of their vendors; exporters, clients, poolers and UIs have others.
const IMAGES: &[&str] = &[
    "arangodb",
    "cassandra",
    "clickhouse",
    "clickhouse-server",
    "cockroach",
    "couchbase",
    "couchdb",
    "database/express",
    "database/free",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "mariadb",
    "mariadb-galera",
    "minio",
    "mongo",
    "mongodb",
    "mongodb-community-server",
    "mssql/server",
    "mysql",
    "mysql-server",
    "neo4j",
    "opensearch",
    "percona",
    "percona-server",
    "percona-server-mongodb",
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "questdb",
    "redis",
    "redis-stack-server",
    "rethinkdb",
    "scylla",
    "timescaledb",
    "timescaledb-ha",
    "valkey",
    "zookeeper",
];

/// Of which most other images are told apart at once.
const SEEDS: Seeds = Seeds::of(IMAGES);

/// Those that also run without data of their own: as a cache, a coordinating node, a gateway. They
/// are data stores where they have a volume.
const MAY_BE_STATELESS: &[&str] = &[
    "elasticsearch",
    "minio",
    "opensearch",
    "redis",
    "redis-stack-server",
    "valkey",
];

/// A bit for each length and first and last letter that some names have.
struct Seeds([u64; 4]);

impl Seeds {
    const fn of(names: &[&str]) -> Self {
        let mut bits = [0; 4];
        let mut at = 0;
        while at < names.len() {
            let seed = Self::seed(names[at]);
            bits[seed / 64] |= 1 << (seed % 64);
            at += 1;
        }
        Self(bits)
    }

    const fn seed(name: &str) -> usize {
        match name.as_bytes() {
            [] => 0,
            [first, .., last] => (*first as usize * 7 + *last as usize * 3 + name.len()) % 256,
            [only] => *only as usize,
        }
    }

    const fn has(&self, name: &str) -> bool {
        let seed = Self::seed(name);
        self.0[seed / 64] >> (seed % 64) & 1 == 1
    }
}

/// A main container that runs a data store.
#[derive(Clone, Copy, Debug)]
pub struct DataStore<'a> {
    workload: &'a Workload,
    image: &'a Image,
}

/// A claim that a data store writes.
#[derive(Debug)]
pub struct Written<'a> {
    pub store: DataStore<'a>,
    pub claim: &'a str,
    /// Of the volume among those of the pod.
    pub index: usize,
}

/// The containers of a workload that are data stores.
pub fn data_stores<'a>(workload: &'a Workload, parameters: &Parameters) -> impl Iterator<Item = DataStore<'a>> {
    let images = workload.pods.images.iter();
    images
        .filter(move |image| is_listed(&image.repository, parameters))
        .map(move |image| DataStore { workload, image })
        .filter(|store| !MAY_BE_STATELESS.contains(&store.name()) || store.keeps_data())
}

/// The claims that data stores of a workload write, each once.
#[must_use]
pub fn written<'a>(workload: &'a Workload, parameters: &Parameters) -> Vec<Written<'a>> {
    let mut found: Vec<Written<'a>> = Vec::new();
    for store in data_stores(workload, parameters) {
        for (index, volume) in workload.pods.volumes.iter().enumerate() {
            if let VolumeSource::Claim {
                claim,
                read_only: false,
            } = &volume.source
                && !claim.is_empty()
                && store.writes(volume)
                && !found.iter().any(|other| other.claim == claim.as_str())
            {
                found.push(Written { store, claim, index });
            }
        }
    }
    found
}

fn is_listed(repository: &str, parameters: &Parameters) -> bool {
    let last = last_segment(repository);
    match parameters.list(DATA_STORES.name) {
        Some(entries) => is_named(repository, entries),
        // Sorted, for every Deployment asks.
        None => {
            let is_known = |name: &str| SEEDS.has(name) && IMAGES.binary_search(&name).is_ok();
            is_known(last) || (last.len() < repository.len() && is_known(repository))
        }
    }
}

/// Returns true where one of `names` is the last segment of a path of images, or the last two.
#[must_use]
pub fn is_named(repository: &str, names: &[impl AsRef<str>]) -> bool {
    let last = last_segment(repository);
    names.iter().any(|name| [last, repository].contains(&name.as_ref()))
}

fn last_segment(repository: &str) -> &str {
    let slash = repository.bytes().rposition(|byte| byte == b'/');
    slash.map_or(repository, |slash| &repository[slash + 1..])
}

impl<'a> DataStore<'a> {
    /// The last segment of its image's path: `postgres`.
    #[must_use]
    pub fn name(self) -> &'a str {
        last_segment(&self.image.repository)
    }

    /// JSON pointer to its image.
    #[must_use]
    pub fn path(self) -> String {
        let spec = self.workload.id.kind.pod_spec();
        format!("{spec}/containers/{}/image", self.image.container)
    }

    /// It may write to something that outlives the pod.
    #[must_use]
    pub fn keeps_data(self) -> bool {
        let outlives = |volume: &PodVolume| {
            !matches!(
                volume.source,
                VolumeSource::Empty | VolumeSource::Ephemeral | VolumeSource::Provided
            )
        };
        let mut volumes = self.workload.pods.volumes.iter();
        volumes.any(|volume| outlives(volume) && self.writes(volume))
    }

    fn writes(self, volume: &PodVolume) -> bool {
        let own = |mount: &&Mount| !mount.position.init && mount.position.container == self.image.container;
        let mut mounts = self.workload.pods.mounts.iter().filter(own);
        mounts.any(|mount| mount.volume == volume.name && !mount.read_only)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Value;
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(IMAGES.is_sorted());
        assert!(MAY_BE_STATELESS.iter().all(|name| IMAGES.contains(name)));
    }

    #[test]
    fn images_are_known_by_their_last_segments() {
        let none = Parameters::default();
        for image in ["postgres", "library/postgres", "bitnami/postgresql", "mssql/server"] {
            assert!(is_listed(image, &none), "{image}");
        }
        for image in [
            "",
            "server",
            "postgres-exporter",
            "bitnami/pgbouncer",
            "mongo-express",
            "my-postgres",
        ] {
            assert!(!is_listed(image, &none), "{image}");
        }
        let mut own = Parameters::default();
        own.set_default(DATA_STORES.name, Value::List(vec!["acme/db".into()]));
        assert!(is_listed("acme/db", &own) && !is_listed("other/db", &own) && !is_listed("postgres", &own));
    }
}
