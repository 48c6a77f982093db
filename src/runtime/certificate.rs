//! The serving certificate: from files that are read again, of our own authority in the cluster, or made at the start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::info;

use super::error::StartError;
use super::objects::Cluster;
use super::parts::{End, Parts};
use crate::certificates::{Held, Holding, Lifetimes, Signer, Target, Trust, View};
use crate::cluster::register::WebhookUrl;
use crate::cluster::webhooks::NAME;
use crate::metrics::Reloaded;
use crate::server::reload::{CertificateFiles, INTERVAL, Presenter, Told, now};
use crate::server::self_signed::SelfSigned;
use crate::server::tls::CertResolver;

/// Where the serving certificate comes from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// PEM files, read again when they change.
    Files {
        chain: PathBuf,
        key: PathBuf,
        signer: Option<FilesSigner>,
    },
    /// Signed by the authority of the installation in this namespace; made at the start where there is no cluster.
    Own { namespace: String, lifetimes: Lifetimes },
    /// Made at the start for these DNS names and addresses.
    SelfSigned { names: Vec<String> },
}

/// Who signs what files hold, where we write it into the configurations.
#[derive(Clone, Debug)]
pub struct FilesSigner {
    /// The PEM file with the certificate of the authority.
    pub file: PathBuf,
    /// Where the installation is.
    pub namespace: String,
    /// Only how long an authority stays trusted after nobody has a use for it.
    pub lifetimes: Lifetimes,
}

impl CertificateSource {
    /// A certificate of our own, for all by which this process may be called.
    #[must_use]
    pub fn self_signed(listen: SocketAddr, url: Option<&WebhookUrl>) -> Self {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        names.extend((!listen.ip().is_unspecified()).then(|| listen.ip().to_string()));
        names.extend(url.map(|url| url.host().to_owned()));
        Self::SelfSigned { names }
    }
}

/// A certificate in force.
pub(super) struct Served {
    pub(super) resolver: Arc<CertResolver>,
    /// Whom to trust, where it was made at the start.
    pub(super) ca_pem: Option<String>,
    /// What is to be done once there is a cluster.
    waiting: Option<Waiting>,
}

/// What a certificate has to do with a cluster.
enum Waiting {
    /// It is to be compared with whom the configurations trust.
    Files,
    /// And they are to be told who signed it.
    FilesSigned(Followed, Holding),
    /// It has to be signed.
    Own(Own),
}

impl Served {
    /// Begins what waits for a cluster, of an installation in this namespace.
    pub(super) fn follow(
        &mut self,
        cluster: Option<&Cluster>,
        namespace: Option<&str>,
        parts: &mut Parts,
    ) -> Result<Option<Followed>, StartError> {
        match self.waiting.take() {
            Some(Waiting::Own(own)) => return own.start(cluster, parts),
            Some(Waiting::Files) => {
                if let Some((cluster, namespace)) = cluster.zip(namespace) {
                    self.compare(cluster, View::new(namespace), None, parts);
                }
            }
            Some(Waiting::FilesSigned(followed, holding)) => {
                let cluster = cluster.ok_or(StartError::NoClusterForTrust)?;
                self.compare(cluster, followed.view.clone(), Some(holding), parts);
                return Ok(Some(followed));
            }
            None => {}
        }
        Ok(None)
    }

    fn compare(&self, cluster: &Cluster, view: Arc<View>, holding: Option<Holding>, parts: &mut Parts) {
        let gate = parts
            .readiness
            .gate("trust", "the webhook configurations were not seen");
        if holding.is_none() {
            gate.open();
        }
        let trust = Trust {
            view,
            resolver: self.resolver.clone(),
            gate,
            reloads: parts.metrics.reloads(Reloaded::CaBundle),
            holding,
        };
        parts.start("trust", End::Cut, trust.run(cluster.client.clone()));
    }
}

/// A certificate that waits for the authority of its installation.
struct Own {
    namespace: String,
    lifetimes: Lifetimes,
    target: Target,
}

/// The authority of an installation, as it is seen, in its Secret or in files.
pub(super) struct Followed {
    pub(super) view: Arc<View>,
    pub(super) lifetimes: Lifetimes,
}

impl Own {
    /// Begins to follow the authority, and to sign by it.
    fn start(self, cluster: Option<&Cluster>, parts: &mut Parts) -> Result<Option<Followed>, StartError> {
        let Self {
            namespace,
            lifetimes,
            target,
        } = self;
        // As the API server calls a Service.
        let names = [
            format!("{NAME}.{namespace}.svc"),
            format!("{NAME}.{namespace}"),
            NAME.to_owned(),
        ]
        .to_vec();
        let Some(cluster) = cluster else {
            target.resolver.replace(SelfSigned::new(names)?.certificate);
            target.gate.open();
            info!("Serving a self-signed certificate, made just now: there is no cluster");
            return Ok(None);
        };
        let view = View::new(&namespace);
        let signer = Signer {
            view: view.clone(),
            names,
            lifetimes,
            target,
        };
        parts.start("authority", End::Cut, view.clone().follow(cluster.client.clone()));
        parts.start("certificate", End::Cut, signer.run());
        Ok(Some(Followed { view, lifetimes }))
    }
}

/// Reads or makes the certificate, and begins to look for changes of its files.
pub(super) fn start(source: CertificateSource, parts: &mut Parts) -> Result<Served, StartError> {
    let gate = parts.readiness.gate("certificate", "not loaded");
    let validity = parts.metrics.certificate.clone();
    let served = match source {
        CertificateSource::Files { chain, key, signer } => {
            let file = signer.as_ref().map(|signer| signer.file.clone());
            let mut files = CertificateFiles::new(chain, key, file);
            let issued = files.read(now())?.ok_or(StartError::NoCertificate)?;
            let resolver = CertResolver::new(issued.certificate.clone(), validity);
            let (presenter, waiting): (Arc<dyn Presenter>, Waiting) = match signer {
                None => (resolver.clone(), Waiting::Files),
                Some(FilesSigner {
                    namespace, lifetimes, ..
                }) => {
                    let view = View::new(&namespace);
                    let held = Held {
                        view: view.clone(),
                        resolver: resolver.clone(),
                    };
                    let holding = held.begin(issued);
                    let waiting = Waiting::FilesSigned(Followed { view, lifetimes }, holding);
                    (Arc::new(held), waiting)
                }
            };
            let reloads = parts.metrics.reloads(Reloaded::Certificate);
            reloads.taken();
            let told = Told {
                presenter,
                gate: gate.clone(),
                reloads,
            };
            parts.start("certificate", End::Cut, files.watch(told, INTERVAL));
            Served {
                resolver,
                ca_pem: None,
                waiting: Some(waiting),
            }
        }
        CertificateSource::Own { namespace, lifetimes } => {
            gate.close("not signed yet: the Secret with the authority was not seen");
            let resolver = CertResolver::empty(validity);
            let target = Target {
                resolver: resolver.clone(),
                gate,
                authority: parts.metrics.authority.clone(),
            };
            let own = Own {
                namespace,
                lifetimes,
                target,
            };
            return Ok(Served {
                resolver,
                ca_pem: None,
                waiting: Some(Waiting::Own(own)),
            });
        }
        CertificateSource::SelfSigned { names } => {
            let SelfSigned { certificate, ca_pem } = SelfSigned::new(names)?;
            info!("Serving a self-signed certificate, made just now");
            Served {
                resolver: CertResolver::new(certificate, validity),
                ca_pem: Some(ca_pem),
                waiting: None,
            }
        }
    };
    gate.open();
    Ok(served)
}
