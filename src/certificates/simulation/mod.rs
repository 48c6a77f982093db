//! An installation in which anything may fail at any moment: whatever happens, every API server trusts every replica
//! that is in use.
//!
//! Only the decisions are ours; the API server's store and the delays of its watches are played here.

mod files;
mod own;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authority::Authority;
use super::bundle::{self, Carried, Trusted};
use super::contents::Data;
use super::rotation::{Change, Rotation, Situation};
use super::serving::Leaf;
use super::signer::stranger;
use super::trusting::Trusting;
use super::view::{Part, View};
use crate::cluster::webhooks::NAME;
use crate::controller::Signing;

const START: i64 = 1_800_000_000;
const AUTHORITY: Duration = Duration::from_secs(360);
const LEAF: Duration = Duration::from_secs(40);
const SETTLE: Duration = Duration::from_secs(10);
/// How many seconds any watch is late at most. What comes unannounced is waited for twice as long.
const LAG: usize = 4;
/// How many seconds a replica that is ready waits for its first request.
const ENDPOINTS: usize = LAG + 1;

/// Pseudorandom numbers, the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }
}

/// What the API server stores.
#[derive(Clone, Default)]
struct Stored {
    secret: Option<Value>,
    configurations: [Value; 2],
    version: u64,
}

const PARTS: [Part; 2] = [Part::Mutating, Part::Validating];

/// How replicas come to their leaves.
trait Source {
    /// Begins anew for a replica that has just started.
    fn begin(&mut self, number: usize);
    /// A second in the life of a replica; returns what it says of itself.
    fn serve(&mut self, number: usize, replica: &mut Replica, now: i64, at: Instant) -> Signing;
}

struct Replica {
    view: Arc<View>,
    /// What is served.
    leaf: Option<Leaf>,
    /// Its Lease, as the leader sees it.
    lease: Signing,
    /// For how many seconds it has been ready.
    ready: usize,
    /// For how many seconds it hears nothing of the API server, nor that of it.
    cut_off: usize,
}

struct World<S: Source> {
    source: S,
    stored: Stored,
    /// The newest is the first.
    history: VecDeque<Stored>,
    replicas: Vec<Replica>,
    leader: usize,
    rotation: Rotation,
    trusting: Trusting,
    second: u32,
    origin: Instant,
    chance: Chance,
    changes: Vec<Change>,
    in_use: usize,
}

impl Replica {
    fn new() -> Self {
        Self {
            view: View::new("guard"),
            leaf: None,
            lease: Signing::default(),
            ready: 0,
            cut_off: 0,
        }
    }
}

impl<S: Source> World<S> {
    fn new(source: S, seed: u64) -> Self {
        let service = json!({"namespace": "guard", "name": NAME});
        let webhook = |name: &str| json!({"name": name, "clientConfig": {"service": service}});
        let configuration = json!({"metadata": {"resourceVersion": "0"}, "webhooks": [webhook("a"), webhook("b")]});
        let stored = Stored {
            configurations: [configuration.clone(), configuration],
            ..Stored::default()
        };
        Self {
            source,
            history: VecDeque::from(vec![stored.clone(); LAG + 1]),
            stored,
            replicas: (0..3).map(|_| Replica::new()).collect(),
            leader: 0,
            rotation: Rotation::new(SETTLE),
            trusting: Trusting::new(SETTLE),
            second: 0,
            origin: Instant::now(),
            chance: Chance(seed),
            changes: Vec::new(),
            in_use: 0,
        }
    }

    fn now(&self) -> i64 {
        START + i64::from(self.second)
    }

    fn at(&self) -> Instant {
        self.origin + Duration::from_secs(self.second.into())
    }

    /// Another leads from now on, and begins anew.
    fn lead_by(&mut self, number: usize) {
        self.leader = number;
        self.rotation = Rotation::new(SETTLE);
        self.trusting = Trusting::new(SETTLE);
    }

    /// A replica dies, and another comes.
    fn restart(&mut self, number: usize) {
        self.replicas[number] = Replica::new();
        self.source.begin(number);
    }

    fn write_secret(&mut self, data: Data) {
        let data: serde_json::Map<String, Value> = data
            .into_iter()
            .map(|(key, value)| (key, STANDARD.encode(value).into()))
            .collect();
        self.stored.version += 1;
        let version = self.stored.version.to_string();
        self.stored.secret = Some(json!({"metadata": {"resourceVersion": version}, "data": data}));
    }

    fn write_bundle(&mut self, number: usize, bundle: &str) {
        self.stored.version += 1;
        let configuration = &mut self.stored.configurations[number];
        configuration["metadata"]["resourceVersion"] = self.stored.version.to_string().into();
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = STANDARD.encode(bundle).into();
        }
    }

    /// One second, in which each replica sees the world as it was some moments ago, and the leader acts.
    fn tick(&mut self) {
        self.second += 1;
        self.history.push_front(self.stored.clone());
        self.history.truncate(LAG + 1);
        let (now, at) = (self.now(), self.at());
        for (number, replica) in self.replicas.iter_mut().enumerate() {
            replica.cut_off = replica.cut_off.saturating_sub(1);
            if replica.cut_off == 0 {
                let seen = &self.history[self.chance.below(LAG + 1)];
                let secret = seen.secret.as_ref().map(Value::to_string);
                replica.view.take(Part::Secret, secret.as_deref());
                for (part, configuration) in PARTS.into_iter().zip(&seen.configurations) {
                    replica.view.take(part, Some(&configuration.to_string()));
                }
            }
            let said = self.source.serve(number, replica, now, at);
            let seen = replica.view.seen();
            let trusted = |leaf: &Leaf| stranger(leaf, &seen).is_none();
            if replica.ready > 0 || replica.leaf.as_ref().is_some_and(trusted) {
                replica.ready += 1;
            }
            // The leader looks at all Leases every five seconds.
            if replica.cut_off == 0 && (self.chance.one_in(3) || self.second.is_multiple_of(5)) {
                replica.lease = said;
            }
        }
        self.lead();
        self.check();
    }

    fn lead(&mut self) {
        if self.replicas[self.leader].cut_off > 0 {
            return;
        }
        let seen = self.replicas[self.leader].view.seen();
        let Some(configurations) = seen.configurations() else {
            return;
        };
        let carried: Vec<Carried> = configurations.iter().map(|(_, carried)| carried.clone()).collect();
        let replicas: Vec<Signing> = self.replicas.iter().map(|replica| replica.lease.clone()).collect();
        let situation = Situation {
            secret: seen.secret.as_rotation(),
            kept: seen.kept.as_ref(),
            configurations: Some(&carried),
            replicas: &replicas,
            now: self.now(),
        };
        let at = self.at();
        if let Some(trusted) = seen.trusted() {
            let bundle = bundle::pem(&self.trusting.whom(trusted, &situation, at));
            for (number, carried) in carried.iter().enumerate() {
                let unchanged = self.stored.configurations[number]["metadata"]["resourceVersion"] == *carried.version;
                if unchanged && !carried.is(&bundle) {
                    self.write_bundle(number, &bundle);
                }
            }
        }
        let Some(change) = self.rotation.decide(&situation, at) else {
            return;
        };
        let make = || Authority::make(AUTHORITY, situation.now);
        let held = seen.secret.authorities();
        let stored = self
            .stored
            .secret
            .as_ref()
            .map(|secret| secret["metadata"]["resourceVersion"].clone());
        let unchanged = stored.as_ref().and_then(Value::as_str) == seen.secret.version();
        if let Some(authorities) = change.apply(held, seen.kept.as_ref(), make).unwrap()
            && unchanged
        {
            self.changes.push(change);
            self.write_secret(authorities.data());
        }
    }

    /// Every API server accepts every replica that is in use, however old its view of the configurations.
    fn check(&mut self) {
        let now = self.now();
        let configurations = self.history.iter().flat_map(|stored| &stored.configurations);
        let bundles = configurations.map(|it| it["webhooks"][0]["clientConfig"]["caBundle"].as_str());
        // Mostly they are all the same.
        let bundles: BTreeSet<&str> = bundles.map(Option::unwrap_or_default).collect();
        let bundles = bundles.into_iter().map(|bundle| STANDARD.decode(bundle).unwrap());
        let trusted: Vec<Vec<Trusted>> = bundles.map(|bundle| Trusted::read_all(&bundle)).collect();
        for (number, replica) in self.replicas.iter().enumerate() {
            if replica.ready <= ENDPOINTS {
                continue;
            }
            self.in_use += 1;
            let leaf = replica.leaf.as_ref().unwrap();
            assert!(leaf.validity.holds(now), "replica {number} at {}: over", self.second);
            let knows = |trusted: &Vec<Trusted>| trusted.iter().any(|trusted| trusted.fingerprint == leaf.issuer);
            assert!(
                trusted.iter().all(knows),
                "replica {number} at {}: unknown; {:?}",
                self.second,
                self.changes
            );
        }
    }
}
