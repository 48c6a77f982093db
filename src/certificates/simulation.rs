//! An installation in which anything may fail at any moment: whatever happens, every API server trusts every replica
//! that is in use.
//!
//! Only the decisions are ours; the API server's store and the delays of its watches are played here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authority::Authority;
use super::bundle::{self, Carried, Trusted};
use super::rotation::{self, Change, Rotation, Situation};
use super::serving::{Leaf, Serving};
use super::signer::stranger;
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

struct Replica {
    view: Arc<View>,
    serving: Serving,
    /// Its Lease, as the leader sees it.
    lease: Signing,
    /// For how many seconds it has been ready.
    ready: usize,
    /// For how many seconds it hears nothing of the API server, nor that of it.
    cut_off: usize,
}

struct World {
    stored: Stored,
    /// The newest is the first.
    history: VecDeque<Stored>,
    replicas: Vec<Replica>,
    leader: usize,
    rotation: Rotation,
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
            serving: Serving::default(),
            lease: Signing::default(),
            ready: 0,
            cut_off: 0,
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let service = json!({"namespace": "guard", "name": NAME});
        let webhook = |name: &str| json!({"name": name, "clientConfig": {"service": service}});
        let configuration = json!({"metadata": {"resourceVersion": "0"}, "webhooks": [webhook("a"), webhook("b")]});
        let stored = Stored {
            configurations: [configuration.clone(), configuration],
            ..Stored::default()
        };
        Self {
            history: VecDeque::from(vec![stored.clone(); LAG + 1]),
            stored,
            replicas: (0..3).map(|_| Replica::new()).collect(),
            leader: 0,
            rotation: Rotation::new(SETTLE),
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

    fn write_secret(&mut self, data: impl IntoIterator<Item = (String, Vec<u8>)>) {
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
        for replica in &mut self.replicas {
            replica.cut_off = replica.cut_off.saturating_sub(1);
            if replica.cut_off == 0 {
                let seen = &self.history[self.chance.below(LAG + 1)];
                let secret = seen.secret.as_ref().map(Value::to_string);
                replica.view.take(Part::Secret, secret.as_deref());
                for (part, configuration) in PARTS.into_iter().zip(&seen.configurations) {
                    replica.view.take(part, Some(&configuration.to_string()));
                }
            }
            let seen = replica.view.seen();
            if let Some(authorities) = &seen.kept
                && replica.serving.is_due(authorities, now, at)
            {
                let issuer = &authorities.current;
                let validity = issuer.sign(&["a.test".to_owned()], LEAF, now).unwrap().validity;
                replica.serving.leaf = Some(Leaf {
                    issuer: issuer.trusted.fingerprint.clone(),
                    validity,
                });
            }
            let trusted = |leaf: &Leaf| stranger(leaf, &seen).is_none();
            if replica.ready > 0 || replica.serving.leaf.as_ref().is_some_and(trusted) {
                replica.ready += 1;
            }
            if replica.cut_off == 0 && self.chance.one_in(3) {
                replica.lease = Signing {
                    issuer: replica
                        .serving
                        .leaf
                        .as_ref()
                        .map(|leaf| leaf.issuer.clone())
                        .unwrap_or_default(),
                    known: replica.serving.known().cloned().collect(),
                };
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
        if let Some(authorities) = seen.secret.authorities() {
            let bundle = bundle::pem(&rotation::trusted(authorities, &situation));
            for (number, carried) in carried.iter().enumerate() {
                let unchanged = self.stored.configurations[number]["metadata"]["resourceVersion"] == *carried.version;
                if unchanged && !carried.is(&bundle) {
                    self.write_bundle(number, &bundle);
                }
            }
        }
        let Some(change) = self.rotation.decide(&situation, self.at()) else {
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
        for (number, replica) in self.replicas.iter().enumerate() {
            if replica.ready <= ENDPOINTS {
                continue;
            }
            self.in_use += 1;
            let leaf = replica.serving.leaf.as_ref().unwrap();
            assert!(leaf.validity.holds(now), "replica {number} at {}: over", self.second);
            for (age, stored) in self.history.iter().enumerate() {
                for configuration in &stored.configurations {
                    let bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"].as_str();
                    let bundle = STANDARD.decode(bundle.unwrap_or_default()).unwrap();
                    let mut trusted = Trusted::read_all(&bundle).into_iter();
                    assert!(
                        trusted.any(|trusted| trusted.fingerprint == leaf.issuer),
                        "replica {number} at {}: unknown {age} s ago; {:?}",
                        self.second,
                        self.changes
                    );
                }
            }
        }
    }
}

fn rotations(world: &World) -> usize {
    world.changes.iter().filter(|change| **change == Change::Retire).count()
}

#[test]
fn rotations_go_on_while_leaders_and_replicas_die_or_are_cut_off() {
    for seed in 1..=2 {
        let mut world = World::new(seed);
        for _ in 0..1_200 {
            if world.chance.one_in(25) {
                world.leader = world.chance.below(3);
                world.rotation = Rotation::new(SETTLE);
            }
            if world.chance.one_in(40) {
                let number = world.chance.below(3);
                world.replicas[number] = Replica::new();
            }
            let changes = world.changes.len();
            world.tick();
            let switched = world.changes.len() > changes && world.changes.last() == Some(&Change::Switch);
            // Above all whoever should have followed just now.
            if switched || world.chance.one_in(60) {
                let number = world.chance.below(3);
                world.replicas[number].cut_off = 25;
            }
        }
        assert!(rotations(&world) >= 3, "{:?}", world.changes);
        assert!(world.in_use > 1_000, "{}", world.in_use);
    }
}

#[test]
fn a_leader_may_die_after_every_single_write() {
    let mut world = World::new(5);
    let mut writes = 0;
    for _ in 0..1_200 {
        world.tick();
        if world.stored.version > writes {
            writes = world.stored.version;
            let number = world.leader;
            world.replicas[number] = Replica::new();
            world.leader = (number + 1) % 3;
            world.rotation = Rotation::new(SETTLE);
        }
    }
    assert!(rotations(&world) >= 3, "{:?}", world.changes);
}

#[test]
fn a_secret_that_is_lost_damaged_or_exchanged_fails_no_review() {
    for seed in 6..=7 {
        let mut world = World::new(seed);
        let mut meddled = 0;
        for _ in 0..1_200 {
            world.tick();
            // Only where all are in use, so that one thing happens at a time.
            if world.replicas.iter().all(|replica| replica.ready > 3 * ENDPOINTS) && world.chance.one_in(60) {
                meddled += 1;
                match world.chance.below(4) {
                    0 => world.stored.secret = None,
                    1 => world.write_secret([("ca.crt".to_owned(), b"x".to_vec())]),
                    2 => {
                        let another = Authority::make(AUTHORITY, world.now()).unwrap();
                        world.write_secret(super::contents::Authorities::of(another).data());
                    }
                    _ => {
                        // And who leads from then on has never seen it.
                        world.stored.secret = None;
                        world.leader = world.chance.below(3);
                        let number = world.leader;
                        world.replicas[number] = Replica::new();
                        world.rotation = Rotation::new(SETTLE);
                    }
                }
            }
        }
        assert!(meddled > 3, "{meddled}");
    }
}
