//! Serves certificates from files and takes up new ones when the contents change.
//!
//! It polls and compares contents: a watch on a mounted Secret dies with the first swap of its `..data` link.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use tracing::{info, warn};

use super::certificate::{Certificate, CertificateError};
use super::tls::CertResolver;

/// How often the files are read; kubelet itself needs about a minute to project a changed Secret.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// A chain and a key in two files, and what was last read from them.
#[derive(Debug)]
pub struct CertificateFiles {
    chain: PathBuf,
    key: PathBuf,
    seen: Option<Contents>,
    /// Attempts since the last good pair: changed contents that cannot be served, and reads that failed.
    failures: u64,
    last_error: String,
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
            failures: 0,
            last_error: String::new(),
        }
    }

    /// Reads the files, and returns the certificate if they changed since the last call.
    ///
    /// # Errors
    /// When a file cannot be read, or both do not make a pair (as while they are being written).
    /// Contents that failed are not tried again until they change.
    pub fn read(&mut self) -> Result<Option<Certificate>, ReadError> {
        let contents = Contents {
            chain: read(&self.chain)?,
            key: read(&self.key)?,
        };
        if self.seen.as_ref() == Some(&contents) {
            return Ok(None);
        }
        let certificate = Certificate::from_pem(&contents.chain, &contents.key);
        self.seen = Some(contents);
        certificate.map(Some).map_err(|cause| ReadError::Certificate {
            chain: self.chain.clone(),
            key: self.key.clone(),
            cause,
        })
    }

    /// Hands changed certificates to the resolver for ever; the last good one stays while the files are wrong.
    pub async fn watch(mut self, resolver: Arc<CertResolver>, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            // A mounted file can hang, and must not hold up a thread that answers requests.
            let read = tokio::task::spawn_blocking(move || {
                let result = self.read();
                (self, result)
            });
            let Ok((files, result)) = read.await else {
                return; // The runtime is shutting down.
            };
            self = files;
            self.apply(result, &resolver);
        }
    }

    fn apply(&mut self, result: Result<Option<Certificate>, ReadError>, resolver: &CertResolver) {
        match result {
            Ok(None) => {}
            Ok(Some(certificate)) => {
                info!(
                    chain = %self.chain.display(),
                    not_after = certificate.not_after(),
                    failures = self.failures,
                    "Serving a new certificate"
                );
                resolver.replace(certificate);
                self.failures = 0;
                self.last_error.clear();
            }
            Err(error) => {
                self.failures += 1;
                let text = error.to_string();
                if text != self.last_error {
                    warn!(
                        error = text,
                        "The certificate files changed but cannot be used; the last good certificate stays"
                    );
                    self.last_error = text;
                }
            }
        }
    }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, ReadError> {
    fs::read(path).map_err(|cause| ReadError::File {
        path: path.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::gauge::Gauge;
    use rcgen::{CertificateParams, KeyPair};
    use std::os::unix::fs::symlink;
    use std::path::Path;

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
            assert_eq!(leaf(&files.read().unwrap().unwrap()), wanted, "{version}");
            assert!(files.read().unwrap().is_none(), "{version} is read twice");
        }
    }

    #[test]
    fn a_bad_pair_keeps_the_last_good_one() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let first = write_pair(dir);
        let mut files = files(dir);
        let certificate = files.read().unwrap().unwrap();
        let resolver = CertResolver::new(certificate, Gauge::default());
        let old_key = fs::read(dir.join("tls.key")).unwrap();
        let second = write_pair(dir);
        let new_key = fs::read(dir.join("tls.key")).unwrap();

        let mut poll = || {
            let result = files.read();
            files.apply(result, &resolver);
            (files.failures, resolver.certified().cert[0].to_vec())
        };
        fs::write(dir.join("tls.key"), old_key).unwrap();
        assert_eq!(poll(), (1, first.clone()), "a new chain with the old key");
        assert_eq!(poll(), (1, first.clone()), "the same contents again");
        fs::remove_file(dir.join("tls.key")).unwrap();
        assert_eq!(poll(), (2, first), "no key");
        fs::write(dir.join("tls.key"), new_key).unwrap();
        assert_eq!(poll(), (0, second));
    }
}
