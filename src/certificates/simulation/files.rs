//! Replicas that are signed by an authority of files, each of which comes to them when it does: a kubelet brings a changed
//! Secret 30 to 100 s later.

use std::time::{Duration, Instant};

use super::super::authority::Authority;
use super::super::bundle::Trusted;
use super::super::holding::{Due, Holding, Offered};
use super::super::serving::Leaf;
use super::super::trust::wrong;
use super::{Chance, Replica, START, Source, World};
use crate::cluster::webhooks::NAME;
use crate::controller::Signing;

const AUTHORITY: Duration = Duration::from_hours(24);
const LEAF: Duration = Duration::from_hours(12);

/// What the Secret held at a time.
struct Version {
    offered: Offered,
    leaf: Leaf,
}

/// What a replica has of it.
#[derive(Default)]
struct Mount {
    holding: Option<Holding>,
    /// The version in its files, and the one that it serves.
    version: usize,
    served: usize,
    /// When its kubelet looks again.
    looks: i64,
}

struct Files {
    authorities: Vec<Authority>,
    versions: Vec<Version>,
    mounts: [Mount; 3],
    chance: Chance,
}

impl Files {
    fn new(seed: u64) -> Self {
        let mut files = Self {
            authorities: Vec::new(),
            versions: Vec::new(),
            mounts: Default::default(),
            chance: Chance(seed),
        };
        files.change(START);
        files
    }

    /// Another authority signs.
    fn change(&mut self, now: i64) {
        self.authorities.push(Authority::make(AUTHORITY, now).unwrap());
        self.renew(self.authorities.len() - 1, now);
    }

    /// One of the authorities signs a new leaf.
    fn renew(&mut self, authority: usize, now: i64) {
        let authority = &self.authorities[authority];
        let signed = authority.sign(&[format!("{NAME}.guard.svc")], LEAF, now).unwrap();
        self.versions.push(Version {
            offered: Offered {
                certificate: signed.certificate,
                authorities: vec![authority.trusted.clone()],
            },
            leaf: Leaf {
                issuer: authority.trusted.fingerprint.clone(),
                validity: signed.validity,
            },
        });
    }
}

impl Source for Files {
    fn begin(&mut self, number: usize) {
        self.mounts[number] = Mount::default();
    }

    fn serve(&mut self, number: usize, replica: &mut Replica, now: i64, at: Instant) -> Signing {
        let mount = &mut self.mounts[number];
        if now >= mount.looks {
            mount.version = self.versions.len() - 1;
            mount.looks = now + 30 + i64::try_from(self.chance.below(71)).unwrap();
            replica.view.offer(self.versions[mount.version].offered.clone());
        }
        let Version { offered, .. } = &self.versions[mount.version];
        let holding = mount.holding.get_or_insert_with(|| {
            mount.served = mount.version;
            Holding::new(offered, now)
        });
        if mount.served != mount.version {
            let seen = replica.view.seen();
            let refused = wrong(&seen, offered.certificate.chain(), "guard", now);
            if let Some(due) = holding.take(offered, refused.as_deref(), now, at) {
                assert_eq!(due, Due::Trusted);
                mount.served = mount.version;
            }
        }
        replica.leaf = Some(self.versions[mount.served].leaf.clone());
        holding.signing(offered)
    }
}

/// Lets things come to rest; then all serve what is newest, and nobody else is trusted.
fn rests(world: &mut World<Files>) {
    for _ in 0..150 {
        world.tick();
    }
    let newest = world.source.versions.len() - 1;
    assert!(world.source.mounts.iter().all(|mount| mount.served == newest));
    let seen = world.replicas[0].view.seen();
    let carried = seen.configurations().unwrap();
    let trusted: Vec<Trusted> = carried.iter().flat_map(|(_, carried)| carried.trusted()).collect();
    let wanted = &world.source.versions[newest].offered.authorities;
    assert_eq!(trusted, [&wanted[..], wanted].concat());
}

#[test]
fn another_authority_fails_no_review_while_replicas_lag_and_leaders_and_replicas_die_or_are_cut_off() {
    for seed in 1..=2 {
        let mut world = World::new(Files::new(seed), seed);
        for _ in 0..6 {
            let now = world.now();
            world.source.change(now);
            for _ in 0..150 + world.chance.below(100) {
                if world.chance.one_in(25) {
                    let number = world.chance.below(3);
                    world.lead_by(number);
                }
                if world.chance.one_in(40) {
                    let number = world.chance.below(3);
                    world.restart(number);
                }
                if world.chance.one_in(60) {
                    let number = world.chance.below(3);
                    world.replicas[number].cut_off = 25;
                }
                if world.chance.one_in(80) {
                    let (newest, now) = (world.source.authorities.len() - 1, world.now());
                    world.source.renew(newest, now);
                }
                world.tick();
            }
        }
        assert!(world.in_use > 1_000, "{}", world.in_use);
        rests(&mut world);
    }
}

#[test]
fn authorities_may_change_faster_than_files_follow_and_go_back() {
    for seed in 3..=4 {
        let mut world = World::new(Files::new(seed), seed);
        for _ in 0..20 {
            let (count, now) = (world.source.authorities.len(), world.now());
            if world.chance.one_in(3) {
                world.source.change(now);
            } else {
                let authority = world.chance.below(count);
                world.source.renew(authority, now);
            }
            for _ in 0..5 + world.chance.below(100) {
                world.tick();
            }
        }
        assert!(world.in_use > 1_500, "{}", world.in_use);
        rests(&mut world);
    }
}
