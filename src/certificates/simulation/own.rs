//! Replicas that are signed by an authority of our own.

use std::time::Instant;

use super::super::authority::Authority;
use super::super::contents::Authorities;
use super::super::rotation::Change;
use super::super::serving::{Leaf, Serving};
use super::{AUTHORITY, ENDPOINTS, LEAF, Replica, Source, World};
use crate::controller::Signing;

/// What each replica remembers.
#[derive(Default)]
struct Own([Serving; 3]);

impl Source for Own {
    fn begin(&mut self, number: usize) {
        self.0[number] = Serving::default();
    }

    fn serve(&mut self, number: usize, replica: &mut Replica, now: i64, at: Instant) -> Signing {
        let (serving, seen) = (&mut self.0[number], replica.view.seen());
        if let Some(authorities) = &seen.kept
            && serving.is_due(authorities, now, at)
        {
            let issuer = &authorities.current;
            let validity = issuer.sign(&["a.test".to_owned()], LEAF, now).unwrap().validity;
            serving.leaf = Some(Leaf {
                issuer: issuer.trusted.fingerprint.clone(),
                validity,
            });
        }
        replica.leaf.clone_from(&serving.leaf);
        Signing {
            issuer: serving
                .leaf
                .as_ref()
                .map(|leaf| leaf.issuer.clone())
                .unwrap_or_default(),
            known: serving.known().cloned().collect(),
        }
    }
}

fn rotations(world: &World<Own>) -> usize {
    world.changes.iter().filter(|change| **change == Change::Retire).count()
}

#[test]
fn rotations_go_on_while_leaders_and_replicas_die_or_are_cut_off() {
    for seed in 1..=2 {
        let mut world = World::new(Own::default(), seed);
        for _ in 0..1_200 {
            if world.chance.one_in(25) {
                let number = world.chance.below(3);
                world.lead_by(number);
            }
            if world.chance.one_in(40) {
                let number = world.chance.below(3);
                world.restart(number);
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

/// Every state of the machine begins with a write.
fn after_every_single_write(happens: impl Fn(&mut World<Own>)) {
    let mut world = World::new(Own::default(), 5);
    let mut writes = 0;
    for _ in 0..1_200 {
        world.tick();
        if world.stored.version > writes {
            writes = world.stored.version;
            happens(&mut world);
        }
    }
    assert!(rotations(&world) >= 3, "{:?}", world.changes);
    for change in [Change::Begin, Change::Announce, Change::Switch, Change::Retire] {
        assert!(world.changes.contains(&change), "{change:?}");
    }
}

#[test]
fn a_leader_may_die_after_every_single_write() {
    after_every_single_write(|world| {
        let number = world.leader;
        world.restart(number);
        world.lead_by((number + 1) % 3);
    });
}

#[test]
fn a_follower_may_die_after_every_single_write() {
    after_every_single_write(|world| world.restart((world.leader + 1) % 3));
}

#[test]
fn a_secret_that_is_lost_damaged_or_exchanged_fails_no_review() {
    for seed in 6..=7 {
        let mut world = World::new(Own::default(), seed);
        let mut meddled = 0;
        for _ in 0..1_200 {
            world.tick();
            // Only where all are in use, so that one thing happens at a time.
            if world.replicas.iter().all(|replica| replica.ready > 3 * ENDPOINTS) && world.chance.one_in(60) {
                meddled += 1;
                match world.chance.below(4) {
                    0 => world.stored.secret = None,
                    1 => world.write_secret([("ca.crt".to_owned(), b"x".to_vec())].into()),
                    2 => {
                        let another = Authority::make(AUTHORITY, world.now()).unwrap();
                        world.write_secret(Authorities::of(another).data());
                    }
                    _ => {
                        // And who leads from then on has never seen it.
                        world.stored.secret = None;
                        let number = world.chance.below(3);
                        world.restart(number);
                        world.lead_by(number);
                    }
                }
            }
        }
        assert!(meddled > 3, "{meddled}");
    }
}
