//! What the Secret says: the authority that signs, the one that comes, and those that go. This is the whole state of a
//! rotation, so that whoever begins to lead goes on with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::authority::{Authority, AuthorityError};
use super::bundle::{self, Trusted};

const CURRENT: [&str; 2] = ["ca.crt", "ca.key"];
const NEXT: [&str; 2] = ["next-ca.crt", "next-ca.key"];
const PREVIOUS: &str = "previous-ca.crt";

/// The data of a Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// The authorities of an installation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Authorities {
    /// Signs leaves.
    pub(super) current: Arc<Authority>,
    /// Announced: trusted, and signs nothing yet.
    pub(super) next: Option<Arc<Authority>>,
    /// Signs nothing any more, and is still trusted.
    pub(super) previous: Vec<Trusted>,
}

impl Authorities {
    /// One alone.
    pub(super) fn of(current: Authority) -> Self {
        Self {
            current: Arc::new(current),
            next: None,
            previous: Vec::new(),
        }
    }

    /// Reads the data of a Secret. What is wrong beside the present authority is left out, and [`Self::is_all_of`] says
    /// so.
    pub(super) fn read(data: &Data) -> Result<Self, AuthorityError> {
        let pair = |[certificate, key]: [&str; 2]| {
            let (certificate, key) = data.get(certificate).zip(data.get(key))?;
            Some(Authority::read(certificate, key))
        };
        let current = pair(CURRENT).ok_or(AuthorityError::Unreadable)??;
        Ok(Self {
            current: Arc::new(current),
            next: pair(NEXT).and_then(Result::ok).map(Arc::new),
            previous: data.get(PREVIOUS).map(|pem| Trusted::read_all(pem)).unwrap_or_default(),
        })
    }

    /// What a Secret with these holds.
    pub(super) fn data(&self) -> Data {
        let mut data = Data::new();
        let mut put = |[certificate, key]: [&str; 2], authority: &Authority| {
            data.insert(certificate.to_owned(), authority.certificate_pem().into_bytes());
            data.insert(key.to_owned(), authority.key_pem().into_bytes());
        };
        put(CURRENT, &self.current);
        if let Some(next) = &self.next {
            put(NEXT, next);
        }
        if !self.previous.is_empty() {
            data.insert(PREVIOUS.to_owned(), bundle::pem(&self.previous).into_bytes());
        }
        data
    }

    /// Whether the data say this and nothing else: then nobody has meddled with them.
    pub(super) fn is_all_of(&self, data: &Data) -> bool {
        self.data() == *data
    }

    /// With another that comes.
    pub(super) fn announcing(self, next: Authority) -> Self {
        Self {
            next: Some(Arc::new(next)),
            ..self
        }
    }

    /// The next signs, and the present one is only trusted from now on.
    pub(super) fn switched(self) -> Self {
        let Some(next) = self.next else { return self };
        let mut previous = self.previous;
        previous.push(self.current.trusted.clone());
        Self {
            current: next,
            next: None,
            previous,
        }
    }

    /// Without those that sign nothing any more.
    pub(super) fn retired(self) -> Self {
        Self {
            previous: Vec::new(),
            ..self
        }
    }

    /// Without the one that comes.
    pub(super) fn withdrawn(self) -> Self {
        Self { next: None, ..self }
    }

    /// Whom clients shall trust.
    pub(super) fn trusted(&self) -> Vec<Trusted> {
        let mut all = vec![self.current.trusted.clone()];
        all.extend(self.next.iter().map(|next| next.trusted.clone()));
        all.extend(self.previous.iter().cloned());
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn make() -> Authority {
        Authority::make(Duration::from_secs(60), 1_800_000_000).unwrap()
    }

    #[test]
    fn every_state_is_read_as_it_was_written() {
        let steady = Authorities::of(make());
        let announced = Authorities {
            next: Some(Arc::new(make())),
            ..steady.clone()
        };
        let retiring = Authorities {
            previous: vec![make().trusted, make().trusted],
            ..steady.clone()
        };
        for state in [steady, announced, retiring] {
            let data = state.data();
            let read = Authorities::read(&data).unwrap();
            assert_eq!(read, state);
            assert!(read.is_all_of(&data));
        }
    }

    #[test]
    fn meddling_is_seen_and_costs_no_good_authority() {
        let mut state = Authorities::of(make());
        state.next = Some(Arc::new(make()));
        let whole = state.data();
        let meddled = |key: &str, text: &str| {
            let mut data = whole.clone();
            data.insert(key.to_owned(), text.as_bytes().to_vec());
            data
        };
        for (key, text) in [(NEXT[0], ""), (NEXT[1], "x"), (PREVIOUS, "x"), ("tls.crt", "x")] {
            let data = meddled(key, text);
            let read = Authorities::read(&data).unwrap();
            assert_eq!(read.current, state.current);
            assert!(!read.is_all_of(&data), "{key}");
        }
        let another = make();
        for data in [
            meddled(CURRENT[0], ""),
            meddled(CURRENT[1], &another.key_pem()),
            meddled(CURRENT[0], &another.certificate_pem()),
            Data::new(),
        ] {
            assert!(Authorities::read(&data).is_err());
        }
    }
}
