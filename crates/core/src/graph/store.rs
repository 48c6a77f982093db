//! The whole graph: a shard a namespace, and the facts of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;

use super::claim::{Claim, Volume, VolumeTraits};
use super::edges::Table;
use super::facts::{Facts, Knowledge};
use super::hashed::Hashed;
use super::kind::Kind;
use super::lookup::Lookup;
use super::names::{Name, ObjectRef, Timestamp};
use super::node::Node;
use super::reservation::Room;
use super::shard::Shard;
use super::touched::Touched;
use super::version::Version;

/// Everything that is known, written by watches or files and read by judgements.
///
/// Architecture Invariant: a judgement holds one shard's lock and one `Arc` of facts, nothing else; so there is no
/// lock order to get wrong, and reads of one namespace never wait for writes in another. Writers of claims and
/// volumes hold `volumes` before a shard's lock, never after it.
#[derive(Debug)]
pub struct Graph {
    shards: RwLock<Table<Name, Arc<Mutex<Shard>>>>,
    facts: ArcSwap<Facts>,
    volumes: Mutex<Volumes>,
    room: Room,
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            shards: RwLock::default(),
            facts: ArcSwap::from_pointee(facts),
            volumes: Mutex::default(),
            room: Room::default(),
        }
    }

    /// A copy to lay other objects over: these namespaces, and all that is in none. The objects are shared.
    #[must_use]
    pub fn copy_of(&self, namespaces: impl IntoIterator<Item = Name>) -> Self {
        let mut shards = Table::default();
        for name in namespaces {
            if let Some(shard) = self.snapshot(&name) {
                shards.insert(Hashed::name(name), Arc::new(Mutex::new(shard)));
            }
        }
        Self {
            shards: RwLock::new(shards),
            facts: ArcSwap::new(self.facts()),
            volumes: Mutex::new(unpoisoned(self.volumes.lock()).clone()),
            room: self.room.clone(),
        }
    }

    /// The facts as they are now.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        self.facts.load_full()
    }

    /// Changes the facts. The closure may run again where two writers meet.
    pub fn update_facts(&self, mut change: impl FnMut(&mut Facts)) {
        self.facts.rcu(|facts| {
            let mut facts = Facts::clone(facts);
            change(&mut facts);
            facts.next_edition();
            facts
        });
    }

    /// Says how far objects of `kind` are known. Claims carry what is known of their volumes, so these follow.
    pub fn set_knowledge(&self, kind: Kind, knowledge: Knowledge) -> Touched {
        if self.facts.load().knowledge(kind) == knowledge {
            return Touched::default();
        }
        self.update_facts(|facts| facts.set_knowledge(kind, knowledge));
        if kind == Kind::VOLUME {
            self.resolve_claims();
        }
        Touched {
            everything: true,
            ..Touched::default()
        }
    }

    /// Says what version the API server is of.
    pub fn set_version(&self, version: Version) -> Touched {
        if self.facts.load().version == Some(version) {
            return Touched::default();
        }
        self.update_facts(|facts| facts.version = Some(version));
        Touched {
            everything: true,
            ..Touched::default()
        }
    }

    /// The shard of a namespace, made where there is none.
    #[must_use]
    pub fn shard(&self, namespace: &str) -> Arc<Mutex<Shard>> {
        self.existing_shard(namespace).unwrap_or_else(|| {
            let mut shards = unpoisoned(self.shards.write());
            // Made meanwhile, maybe.
            if let Some(shard) = shards.get(Hashed::name_like(namespace)) {
                return shard.clone();
            }
            let name: Name = namespace.into();
            let shard = Arc::new(Mutex::new(Shard::new(name.clone())));
            shards.insert(Hashed::name(name), shard.clone());
            shard
        })
    }

    /// The shard by which a request is judged. One of a namespace that the watch does not know is forgotten afterwards:
    /// whoever invents namespaces leaves nothing behind.
    #[must_use]
    pub fn shard_of_request(&self, namespace: &str) -> Arc<Mutex<Shard>> {
        if let Some(shard) = self.existing_shard(namespace) {
            return shard;
        }
        if self.facts.load().knowledge(Kind::NAMESPACE) == Knowledge::Complete {
            return Arc::new(Mutex::new(Shard::new(namespace.into())));
        }
        self.shard(namespace)
    }

    /// The room for what is reserved.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Drops the reservations that ran out, and the namespaces in which nothing else was. Requests do it for their own
    /// namespace; of those that get no more requests nobody else would.
    pub fn expire(&self, now: Timestamp) {
        let invented = self.facts.load().knowledge(Kind::NAMESPACE) != Knowledge::Complete;
        if invented || !self.room.is_empty() {
            for namespace in self.namespaces() {
                self.remove_from(&namespace, |shard| shard.expire(now));
            }
        }
    }

    /// A namespace as it is now, to be judged without holding up the requests for it; `None` where nothing is in it.
    #[must_use]
    pub fn snapshot(&self, namespace: &str) -> Option<Shard> {
        let shard = self.existing_shard(namespace)?;
        Some(locked(&shard).snapshot())
    }

    /// As [`Self::snapshot`]; empty where the graph has nothing of the namespace.
    #[must_use]
    pub fn namespace(&self, namespace: &Name) -> Shard {
        self.snapshot(namespace)
            .unwrap_or_else(|| Shard::new(namespace.clone()))
    }

    /// The shard of a namespace, where there is one.
    #[must_use]
    pub fn existing_shard(&self, namespace: &str) -> Option<Arc<Mutex<Shard>>> {
        unpoisoned(self.shards.read())
            .get(Hashed::name_like(namespace))
            .cloned()
    }

    /// Every namespace that holds something, by name.
    #[must_use]
    pub fn namespaces(&self) -> Vec<Name> {
        self.all().into_iter().map(|(name, _)| name).collect()
    }

    /// Looks at every namespace, by name, each under its own lock.
    pub fn each_shard(&self, mut look: impl FnMut(&Shard)) {
        self.all().iter().for_each(|(_, shard)| look(&locked(shard)));
    }

    /// Every namespace with its shard, by name.
    fn all(&self) -> Vec<(Name, Arc<Mutex<Shard>>)> {
        let shards = unpoisoned(self.shards.read());
        let named = shards.iter().map(|(name, shard)| (name.key().clone(), shard.clone()));
        let mut all: Vec<_> = named.collect();
        drop(shards);
        all.sort_by(|(left, _), (right, _)| left.cmp(right));
        all
    }

    /// How many admitted writes no watch has delivered yet.
    #[must_use]
    pub fn reservations(&self, now: Timestamp) -> u64 {
        let mut pending = 0;
        self.each_shard(|shard| {
            let reservations = shard.reservations();
            pending += reservations.filter(|one| !one.is_over(now)).count() as u64;
        });
        pending
    }

    /// Runs `change` under the lock of a namespace.
    pub fn with<T>(&self, namespace: &str, change: impl FnOnce(&mut Shard) -> T) -> T {
        change(&mut locked(&self.shard(namespace)))
    }

    /// The name of a namespace, sharing the allocation with all that is in it.
    #[must_use]
    pub fn namespace_name(&self, namespace: &str) -> Name {
        let shards = unpoisoned(self.shards.read());
        let found = shards.entry(Hashed::name_like(namespace));
        found.map_or_else(|| namespace.into(), |(name, _)| name.key().clone())
    }

    /// Takes something out of a namespace, and the namespace with it where nothing is left.
    pub fn remove_from(&self, namespace: &str, remove: impl FnOnce(&mut Shard)) {
        let Some(shard) = self.existing_shard(namespace) else {
            return;
        };
        let empty = {
            let mut shard = locked(&shard);
            remove(&mut shard);
            shard.is_empty()
        };
        drop(shard);
        if empty {
            let mut shards = unpoisoned(self.shards.write());
            // Whoever got hold of it meanwhile may be about to fill it.
            let unused = |shard: &Arc<Mutex<Shard>>| Arc::strong_count(shard) == 1 && locked(shard).is_empty();
            if shards.get(Hashed::name_like(namespace)).is_some_and(unused) {
                shards.remove(Hashed::name_like(namespace));
            }
        }
    }

    /// Changes an object of a namespace, and the namespace with it where nothing is left.
    pub(super) fn write(&self, namespace: &str, object: &ObjectRef, node: Option<Node>, touched: &mut Touched) {
        let facts = self.facts.load();
        if node.is_some() {
            self.with(namespace, |shard| shard.write(object, node, &facts, touched));
        } else {
            self.remove_from(namespace, |shard| shard.write(object, None, &facts, touched));
        }
    }

    /// Puts a claim in, with the facts of its volume.
    pub(super) fn insert_claim(&self, namespace: &str, mut claim: Arc<Claim>, touched: &mut Touched) {
        let mut volumes = unpoisoned(self.volumes.lock());
        self.resolve_in(&volumes, &mut claim);
        let object = ObjectRef::new(Kind::CLAIM, claim.name.clone());
        self.write(namespace, &object, Some(Node::Claim(claim)), touched);
        self.with(namespace, |shard| {
            // Its names as the shard shares them.
            if let Some(claim) = shard.claim(&object.name)
                && let Some(volume) = &claim.volume_name
            {
                volumes.expect(volume, &shard.namespace, &claim.name);
            }
        });
    }

    /// Takes a claim out.
    pub(super) fn remove_claim(&self, namespace: &str, name: &str, touched: &mut Touched) {
        let mut volumes = unpoisoned(self.volumes.lock());
        let gone = self
            .existing_shard(namespace)
            .and_then(|shard| locked(&shard).claim(name).cloned());
        if let Some(volume) = gone.as_ref().and_then(|claim| claim.volume_name.as_ref()) {
            volumes
                .expected
                .remove(&(volume.clone(), namespace.into(), name.into()));
        }
        self.write(namespace, &ObjectRef::new(Kind::CLAIM, name), None, touched);
    }

    /// The volume that a claim is bound to, as far as it is known.
    #[must_use]
    pub fn volume_of(&self, claim: &Claim) -> Lookup<VolumeTraits> {
        let volumes = unpoisoned(self.volumes.lock());
        self.resolve(&volumes, claim)
    }

    /// Puts a volume in, and rewrites the claims that name it or that it names.
    pub(super) fn insert_volume(&self, volume: Volume, touched: &mut Touched) {
        let mut volumes = unpoisoned(self.volumes.lock());
        let name = volume.name.clone();
        let owner = volume.claim.clone();
        let former = volumes.by_name.insert(name.clone(), volume).and_then(|old| old.claim);
        if former != owner {
            self.rewrite(&volumes, former.as_ref(), touched);
        }
        self.rewrite(&volumes, owner.as_ref(), touched);
        for claim in volumes.expected_by(&name) {
            self.rewrite(&volumes, Some(&claim), touched);
        }
        if let Some((namespace, claim)) = owner {
            volumes.expected.remove(&(name, namespace, claim));
        }
    }

    /// Takes a volume out, and rewrites the claims that had it.
    pub(super) fn remove_volume(&self, name: &str, touched: &mut Touched) {
        let mut volumes = unpoisoned(self.volumes.lock());
        let former = volumes.by_name.remove(name).and_then(|old| old.claim);
        self.rewrite(&volumes, former.as_ref(), touched);
        for claim in volumes.expected_by(&name.into()) {
            self.rewrite(&volumes, Some(&claim), touched);
        }
    }

    /// The names of all volumes: what a relist compares with.
    #[must_use]
    pub fn volume_names(&self) -> Vec<Name> {
        unpoisoned(self.volumes.lock()).by_name.keys().cloned().collect()
    }

    /// How many volumes there are.
    #[must_use]
    pub fn volume_count(&self) -> usize {
        unpoisoned(self.volumes.lock()).by_name.len()
    }

    /// Looks up the volume of every claim again: what a claim carries is as old as its last write.
    fn resolve_claims(&self) {
        let volumes = unpoisoned(self.volumes.lock());
        let mut claims = Vec::new();
        self.each_shard(|shard| {
            claims.extend(
                shard
                    .claims()
                    .map(|claim| (shard.namespace.clone(), claim.name.clone())),
            );
        });
        // What is known of all volumes changed, so that everything is touched anyway.
        let mut touched = Touched::default();
        claims
            .iter()
            .for_each(|claim| self.rewrite(&volumes, Some(claim), &mut touched));
    }

    fn rewrite(&self, volumes: &Volumes, claim: Option<&(Name, Name)>, touched: &mut Touched) {
        let Some((namespace, name)) = claim else { return };
        let known = self
            .existing_shard(namespace)
            .and_then(|shard| locked(&shard).claim(name).cloned());
        if let Some(mut claim) = known
            && self.resolve_in(volumes, &mut claim)
        {
            let object = ObjectRef::new(Kind::CLAIM, name.clone());
            self.write(namespace, &object, Some(Node::Claim(claim)), touched);
        }
    }

    /// Writes into a claim what is known of its volume, with that one's name for its own; false where that is nothing new.
    fn resolve_in(&self, volumes: &Volumes, claim: &mut Arc<Claim>) -> bool {
        let volume = self.resolve(volumes, claim);
        if volume == claim.volume {
            return false;
        }
        let claim = Arc::make_mut(claim);
        claim.volume = volume;
        if let Some(name) = &mut claim.volume_name
            && let Some((known, _)) = volumes.by_name.get_key_value(name)
        {
            *name = known.clone();
        }
        true
    }

    fn resolve(&self, volumes: &Volumes, claim: &Claim) -> Lookup<VolumeTraits> {
        match &claim.volume_name {
            None => Lookup::Absent,
            Some(name) => self.facts.load().answer(
                Kind::VOLUME,
                volumes.by_name.get(name).map(|volume| volume.traits.clone()),
            ),
        }
    }
}

/// The volumes of the cluster, and who waits for which.
#[derive(Clone, Debug, Default)]
struct Volumes {
    by_name: BTreeMap<Name, Volume>,
    /// Volume, namespace and name of the claims that name a volume which does not name them: it is still to come, or was
    /// made by hand without a `claimRef`. After a start those are all claims, so it is flat.
    expected: BTreeSet<(Name, Name, Name)>,
}

impl Volumes {
    fn expect(&mut self, volume: &Name, namespace: &Name, claim: &Name) {
        let owner = self.by_name.get(volume).and_then(|volume| volume.claim.as_ref());
        if owner.is_none_or(|(space, name)| (space, name) != (namespace, claim)) {
            self.expected.insert((volume.clone(), namespace.clone(), claim.clone()));
        }
    }

    fn expected_by(&self, volume: &Name) -> Vec<(Name, Name)> {
        let first: Name = "".into();
        self.expected
            .range((volume.clone(), first.clone(), first)..)
            .take_while(|(expected, ..)| expected == volume)
            .map(|(_, namespace, claim)| (namespace.clone(), claim.clone()))
            .collect()
    }
}

/// Locks a shard. A panic elsewhere leaves plain data behind, which the next watch event repairs.
pub fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    unpoisoned(shard.lock())
}

fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
