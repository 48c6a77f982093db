//! Serves certificates from files and takes up new ones when the contents change.
//!
//! It polls and compares contents: a watch on a mounted Secret dies with the first swap of its `..data` link.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use tracing::{info, warn};

use super::admin::Gate;
use super::certificate::{Certificate, CertificateError};
use super::tls::CertResolver;
use crate::metrics::{Refusal, Reloads};

/// How often the files are read; kubelet itself needs about a minute to project a changed Secret.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// A chain and a key in two files, and what was last read from them.
#[derive(Debug)]
pub struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    seen: Option<Contents>,
    /// The last good one.
    served: Option<Certificate>,
    /// What was read and is not served: its time may come.
    waiting: Option<Certificate>,
    /// Attempts since the last good pair: changed contents that cannot be served, and reads that failed.
    failures: u64,
    last_error: Option<(Refusal, String)>,
}

/// Whom a change of the certificate is told.
#[derive(Debug)]
pub struct Told {
    /// Presents it.
    pub resolver: Arc<CertResolver>,
    /// Says in `/readyz` what is wrong.
    pub gate: Gate,
    /// Says it in the metrics.
    pub reloads: Reloads,
}

#[derive(Debug, Eq, PartialEq)]
struct Contents {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl CertificateFiles {
    /// Names the files; nothing is read yet.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
            seen: None,
            served: None,
            waiting: None,
            failures: 0,
            last_error: None,
        }
    }

    /// Reads the files, and returns the certificate if it shall be served from now on, at a time in Unix seconds.
    ///
    /// # Errors
    /// When a file cannot be read, both do not make a pair (as while they are being written), or clients would refuse
    /// the certificate. Contents that make no pair are not tried again until they change.
    pub fn read(&mut self, now: i64) -> Result<Option<Certificate>, ReadError> {
        let contents = Contents {
            chain: read(&self.chain)?,
            key: read(&self.key)?,
        };
        if self.seen.as_ref() != Some(&contents) {
            self.waiting = None;
            let certificate = Certificate::from_pem(&contents.chain, &contents.key);
            self.seen = Some(contents);
            self.waiting = Some(certificate.map_err(|cause| self.unusable(cause))?);
        }
        let Some(certificate) = &self.waiting else {
            return Ok(None);
        };
        let checked = match &self.served {
            Some(served) => certificate.may_replace(served, now),
            None => certificate.check(now),
        };
        checked.map_err(|cause| self.unusable(cause))?;
        self.served = self.waiting.take();
        Ok(self.served.clone())
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

    fn apply(&mut self, result: Result<Option<Certificate>, ReadError>, told: &Told) {
        match result {
            Ok(None) => self.look_after_served(told),
            Ok(Some(certificate)) => {
                info!(
                    chain = %self.chain.display(),
                    not_after = certificate.not_after(),
                    failures = self.failures,
                    "Serving a new certificate"
                );
                told.resolver.replace(certificate);
                told.gate.open();
                told.reloads.taken();
                self.failures = 0;
                self.last_error = None;
            }
            Err(error) => {
                self.failures += 1;
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

    /// Says that the time of the served certificate is over, where the files hold no other.
    fn look_after_served(&mut self, told: &Told) {
        let checked = self.served.as_ref().map(|served| served.check(now()));
        if self.last_error.is_none()
            && let Some(Err(cause)) = checked
        {
            warn!(error = %cause, "No valid certificate to serve: the API server refuses the present one");
            told.gate.remark(&cause.to_string());
            told.reloads.refused(cause.reason());
            self.last_error = Some((cause.reason(), cause.to_string()));
        }
    }

    fn unusable(&self, cause: CertificateError) -> ReadError {
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
            Self::Certificate { cause, .. } => cause.reason(),
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
        CertificateFiles::new(dir.join("tls.crt"), dir.join("tls.key"))
    }

    fn told(resolver: Arc<CertResolver>) -> Told {
        Told {
            resolver,
            gate: Readiness::new(Shutdown::new()).gate("certificate", "not loaded"),
            reloads: Metrics::new(&[]).reloads(Reloaded::Certificate),
        }
    }

    fn leaf(certificate: &Certificate) -> Vec<u8> {
        certificate.certified.cert[0].to_vec()
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
        let certificate = files.read(now()).unwrap().unwrap();
        let told = told(CertResolver::new(certificate, Validity::default()));
        let old_key = fs::read(dir.join("tls.key")).unwrap();
        let second = write_pair(dir);
        let new_key = fs::read(dir.join("tls.key")).unwrap();

        let mut poll = || {
            let result = files.read(now());
            files.apply(result, &told);
            (files.failures, told.resolver.certified().cert[0].to_vec())
        };
        fs::write(dir.join("tls.key"), old_key).unwrap();
        assert_eq!(poll(), (1, first.clone()), "a new chain with the old key");
        assert_eq!(poll(), (1, first.clone()), "the same contents again");
        fs::remove_file(dir.join("tls.key")).unwrap();
        assert_eq!(poll(), (2, first), "no key");
        fs::write(dir.join("tls.key"), new_key).unwrap();
        assert_eq!(poll(), (0, second));
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
    fn what_would_keep_its_reader_waiting_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let error = CertificateFiles::new(dir.path(), "/dev/zero").read(now()).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}
