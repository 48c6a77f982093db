//! Serves certificates from files and takes up new ones when the contents change.
//!
//! It polls and compares contents: a watch on a mounted Secret dies with the first swap of its `..data` link.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, fs, io};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tracing::{info, warn};

use super::admin::Gate;
use super::certificate::{Certificate, CertificateError};
use super::chain::{Verdict, verdict};
use super::tls::CertResolver;
use crate::metrics::{Refusal, Reloads};

/// How often the files are read; kubelet itself needs about a minute to project a changed Secret.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// A chain and a key in two files, maybe who signed in a third, and what was last read from them.
#[derive(Debug)]
pub struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    authorities: Option<PathBuf>,
    seen: Option<Contents>,
    /// The last good one.
    taken: Option<Issued>,
    /// What was read and is not taken: its time may come.
    waiting: Option<Issued>,
    last_error: Option<(Refusal, String)>,
}

/// A certificate, and the authorities of which one has signed it, where their file is named.
#[derive(Clone, Debug)]
pub struct Issued {
    pub certificate: Certificate,
    pub authorities: Vec<CertificateDer<'static>>,
}

/// Who serves what files hold.
pub trait Presenter: fmt::Debug + Send + Sync {
    /// Serves it, at once or as soon as clients accept it.
    fn present(&self, issued: Issued);
    /// Why what was last presented is not served yet.
    fn waits(&self) -> Option<String>;
}

impl Presenter for CertResolver {
    fn present(&self, issued: Issued) {
        info!(not_after = issued.certificate.not_after(), "Serving a new certificate");
        self.replace(issued.certificate);
    }

    fn waits(&self) -> Option<String> {
        None
    }
}

/// Whom a change of the certificate is told.
#[derive(Debug)]
pub struct Told {
    /// Serves it.
    pub presenter: Arc<dyn Presenter>,
    /// Says in `/readyz` what is wrong.
    pub gate: Gate,
    /// Says it in the metrics.
    pub reloads: Reloads,
}

#[derive(Debug, Eq, PartialEq)]
struct Contents {
    chain: Vec<u8>,
    key: Vec<u8>,
    authorities: Option<Vec<u8>>,
}

impl Contents {
    fn issued(&self) -> Result<Issued, CertificateError> {
        let authorities = self.authorities.as_deref().unwrap_or_default();
        Ok(Issued {
            certificate: Certificate::from_pem(&self.chain, &self.key)?,
            authorities: CertificateDer::pem_slice_iter(authorities)
                .collect::<Result<_, _>>()
                .map_err(CertificateError::AuthorityPem)?,
        })
    }
}

impl CertificateFiles {
    /// Names the files, the last one with who signs; nothing is read yet.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>, authorities: Option<PathBuf>) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
            authorities,
            seen: None,
            taken: None,
            waiting: None,
            last_error: None,
        }
    }

    /// Reads the files, and returns the certificate if it shall be served from now on, at a time in Unix seconds.
    ///
    /// # Errors
    /// When a file cannot be read, they do not fit (as while they are being written), or clients would refuse the
    /// certificate. Contents that make no pair are not tried again until they change.
    pub fn read(&mut self, now: i64) -> Result<Option<Issued>, ReadError> {
        let contents = Contents {
            chain: read(&self.chain)?,
            key: read(&self.key)?,
            authorities: self.authorities.as_deref().map(read).transpose()?,
        };
        if self.seen.as_ref() != Some(&contents) {
            self.waiting = None;
            let issued = contents.issued();
            self.seen = Some(contents);
            self.waiting = Some(issued.map_err(|cause| self.unusable(cause))?);
        }
        let Some(Issued {
            certificate,
            authorities,
        }) = &self.waiting
        else {
            return Ok(None);
        };
        let checked = match &self.taken {
            Some(taken) => certificate.may_replace(&taken.certificate, now),
            None => certificate.check(now),
        };
        // By which name it is called plays no part in who signed it.
        let signed = || verdict(certificate.chain(), authorities, "localhost", now) != Verdict::Stranger;
        let checked = checked.and_then(|()| {
            if self.authorities.is_none() || signed() {
                Ok(())
            } else {
                Err(CertificateError::Stranger)
            }
        });
        checked.map_err(|cause| self.unusable(cause))?;
        self.taken = self.waiting.take();
        Ok(self.taken.clone())
    }

    /// Hands changed certificates to the resolver for ever; the last good one stays while the files are wrong.
    pub async fn watch(mut self, told: Told, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            // A mounted file can hang, and must not hold up a thread that answers requests.
            let read = tokio::task::spawn_blocking(move || {
                let result = self.read(now());
                (self, result)
            });
            let Ok((files, result)) = read.await else {
                return; // The runtime is shutting down.
            };
            self = files;
            self.apply(result, &told);
        }
    }

    fn apply(&mut self, result: Result<Option<Issued>, ReadError>, told: &Told) {
        match result {
            Ok(None) => self.look_after_taken(told),
            Ok(Some(issued)) => {
                told.presenter.present(issued);
                self.last_error = None;
                self.look_after_taken(told);
            }
            Err(error) => {
                let error = (error.reason(), error.to_string());
                // A file that is missing says the same each time; how long something is over does not.
                let told_already = matches!(&self.last_error, Some((reason, text)) if *reason == error.0
                    && (*text == error.1 || matches!(reason, Refusal::Expired | Refusal::NotYetValid)));
                told.gate
                    .remark(&format!("not reloaded, the last good one stays: {}", error.1));
                told.reloads.refused(error.0);
                if !told_already {
                    warn!(
                        error = error.1,
                        "The certificate files changed but cannot be used; the last good certificate stays"
                    );
                    self.last_error = Some(error);
                }
            }
        }
    }

    /// Says whether what was taken is served, and that its time is over where the files hold no other.
    fn look_after_taken(&mut self, told: &Told) {
        if self.last_error.is_some() {
            return;
        }
        if let Some(why) = told.presenter.waits() {
            told.gate.remark(&format!("a new certificate waits: {why}"));
            told.reloads.refused(Refusal::Untrusted);
            return;
        }
        match self.taken.as_ref().map(|taken| taken.certificate.check(now())) {
            Some(Err(cause)) => {
                warn!(error = %cause, "No valid certificate to serve: the API server refuses the present one");
                told.gate.remark(&cause.to_string());
                told.reloads.refused(cause.reason());
                self.last_error = Some((cause.reason(), cause.to_string()));
            }
            Some(Ok(())) | None => {
                told.gate.open();
                told.reloads.taken();
            }
        }
    }

    fn unusable(&self, cause: CertificateError) -> ReadError {
        if let (CertificateError::AuthorityPem(_), Some(path)) = (&cause, &self.authorities) {
            let path = path.clone();
            return ReadError::Authorities { path, cause };
        }
        ReadError::Certificate {
            chain: self.chain.clone(),
            key: self.key.clone(),
            cause,
        }
    }
}

/// The time of this machine, in Unix seconds.
pub(crate) fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

/// Reads a file, and nothing that could keep its reader waiting, as a pipe does.
fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let contents = fs::metadata(path).and_then(|metadata| {
        if metadata.is_file() {
            fs::read(path)
        } else {
            Err(io::Error::other("not a regular file"))
        }
    });
    contents.map_err(|cause| ReadError::File {
        path: path.to_owned(),
        cause,
    })
}

/// Why the certificate files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The authorities were read but make no sense.
    #[error("cannot use --tls-ca {}: {cause}", path.display())]
    Authorities {
        /// The `--tls-ca` file.
        path: PathBuf,
        /// What is wrong with it.
        cause: CertificateError,
    },
    /// The files were read but cannot be served.
    #[error("cannot serve --tls-cert {} with --tls-key {}: {cause}", chain.display(), key.display())]
    Certificate {
        /// The `--tls-cert` file.
        chain: PathBuf,
        /// The `--tls-key` file.
        key: PathBuf,
        /// What is wrong with them.
        cause: CertificateError,
    },
    /// A file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl ReadError {
    fn reason(&self) -> Refusal {
        match self {
            Self::Authorities { cause, .. } | Self::Certificate { cause, .. } => cause.reason(),
            Self::File { .. } => Refusal::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, Reloaded, Validity};
    use crate::server::admin::Readiness;
    use crate::server::shutdown::Shutdown;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::os::unix::fs::symlink;

    fn write_pair(dir: &Path) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["a.test".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("tls.crt"), certificate.pem()).unwrap();
        fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
        certificate.der().to_vec()
    }

    fn files(dir: &Path) -> CertificateFiles {
        CertificateFiles::new(dir.join("tls.crt"), dir.join("tls.key"), None)
    }

    fn told(resolver: Arc<CertResolver>) -> Told {
        Told {
            presenter: resolver,
            gate: Readiness::new(Shutdown::new()).gate("certificate", "not loaded"),
            reloads: Metrics::new(&[]).reloads(Reloaded::Certificate),
        }
    }

    fn leaf(issued: &Issued) -> Vec<u8> {
        issued.certificate.chain()[0].to_vec()
    }

    /// Points `..data` at another directory as kubelet does: a new link renamed over the old one.
    fn swap(mount: &Path, to: &str) {
        symlink(to, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    }

    #[test]
    fn every_swap_of_a_mounted_secret_is_seen() {
        let mount = tempfile::tempdir().unwrap();
        let mount = mount.path();
        symlink("..data/tls.crt", mount.join("tls.crt")).unwrap();
        symlink("..data/tls.key", mount.join("tls.key")).unwrap();
        let mut files = files(mount);
        for version in ["..1", "..2", "..3"] {
            let wanted = write_pair(&mount.join(version));
            swap(mount, version);
            assert_eq!(leaf(&files.read(now()).unwrap().unwrap()), wanted, "{version}");
            assert!(files.read(now()).unwrap().is_none(), "{version} is read twice");
        }
    }

    #[test]
    fn a_bad_pair_keeps_the_last_good_one() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = write_pair(dir);
        let mut files = files(dir);
        let first_read = files.read(now()).unwrap().unwrap();
        let resolver = CertResolver::new(first_read.certificate, Validity::default());
        let told = told(resolver.clone());
        let old_key = fs::read(dir.join("tls.key")).unwrap();
        let second = write_pair(dir);
        let new_key = fs::read(dir.join("tls.key")).unwrap();

        let mut poll = || {
            let result = files.read(now());
            files.apply(result, &told);
            (files.last_error.is_some(), resolver.certified().cert[0].to_vec())
        };
        fs::write(dir.join("tls.key"), old_key).unwrap();
        assert_eq!(poll(), (true, first.clone()), "a new chain with the old key");
        assert_eq!(poll(), (true, first.clone()), "the same contents again");
        fs::remove_file(dir.join("tls.key")).unwrap();
        assert_eq!(poll(), (true, first), "no key");
        fs::write(dir.join("tls.key"), new_key).unwrap();
        assert_eq!(poll(), (false, second));
    }

    #[test]
    fn what_is_not_valid_yet_is_served_once_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write_pair(dir);
        let mut files = files(dir);
        let begin = date_time_ymd(2020, 1, 1).unix_timestamp();
        assert!(files.read(begin).unwrap().is_some());
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2021, 1, 1);
        fs::write(dir.join("tls.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
        for _ in 0..2 {
            assert_eq!(files.read(begin).unwrap_err().reason(), Refusal::NotYetValid);
        }
        let later = date_time_ymd(2021, 1, 2).unix_timestamp();
        assert!(files.read(later).unwrap().is_some());
        assert!(files.read(later).unwrap().is_none());
    }

    #[test]
    fn an_authority_has_to_fit_and_comes_along() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let ca = dir.join("ca.crt");
        let mut files = CertificateFiles::new(dir.join("tls.crt"), dir.join("tls.key"), Some(ca.clone()));
        let first = write_pair(dir);
        let missing = files.read(now()).unwrap_err();
        assert_eq!(missing.reason(), Refusal::Unreadable);
        for (text, said) in [
            ("", "signed by no authority of --tls-ca"),
            ("-----BEGIN X-----", "cannot use --tls-ca"),
        ] {
            fs::write(&ca, text).unwrap();
            let error = files.read(now()).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
        // Who signed it is itself.
        let pem = fs::read(dir.join("tls.crt")).unwrap();
        fs::write(&ca, &pem).unwrap();
        let issued = files.read(now()).unwrap().unwrap();
        assert_eq!((leaf(&issued), issued.authorities.len()), (first.clone(), 1));
        // Others beside it are news too.
        let (_, other) = (
            write_pair(&dir.join("other")),
            fs::read(dir.join("other/tls.crt")).unwrap(),
        );
        fs::write(&ca, [&other[..], &pem].concat()).unwrap();
        let issued = files.read(now()).unwrap().unwrap();
        assert_eq!((leaf(&issued), issued.authorities.len()), (first, 2));
        fs::write(&ca, other).unwrap();
        assert!(matches!(
            files.read(now()),
            Err(ReadError::Certificate {
                cause: CertificateError::Stranger,
                ..
            })
        ));
    }

    #[test]
    fn what_would_keep_its_reader_waiting_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let error = CertificateFiles::new(dir.path(), "/dev/zero", None)
            .read(now())
            .unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}
