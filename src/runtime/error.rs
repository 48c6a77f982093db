//! Why a process could not start, or go on.

use std::io;
use std::net::SocketAddr;

use super::policies::PolicyError;
use crate::cluster::connect::ConnectError;
use crate::cluster::policies::ListError;
use crate::cluster::register::RegisterError;
use crate::manifests::files::FileError;
use crate::server::client_ca::ClientCaError;
use crate::server::reload::ReadError;
use crate::server::self_signed::SelfSignedError;
use crate::server::shutdown::Interrupted;

/// Why a process could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system does not tell the address of the webhook's socket.
    #[error("cannot read the address of --listen")]
    Address(#[source] io::Error),
    /// The system has no thread to spare on which connections are accepted.
    #[error("cannot start a thread for connections")]
    Door(#[source] io::Error),
    /// The certificate files cannot be used.
    #[error(transparent)]
    Certificate(#[from] ReadError),
    /// The authorities of clients cannot be used.
    #[error(transparent)]
    ClientCa(#[from] ClientCaError),
    /// A cluster is configured and cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An address is in use, or none of this machine.
    #[error("{flag} {address}: cannot listen")]
    Listen {
        flag: &'static str,
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
    /// A file with objects cannot be read.
    #[error("--manifests")]
    Manifests(#[source] FileError),
    /// There is no cluster that could say who bears a token.
    #[error("--dashboard-bind beyond loopback asks a cluster who may see it, and none was found")]
    NoClusterForTokens,
    /// There is no cluster to look at.
    #[error("no cluster is configured: name a kubeconfig with --kubeconfig or $KUBECONFIG")]
    NoCluster,
    /// The policies of the cluster cannot be listed.
    #[error(transparent)]
    ListPolicies(#[from] ListError),
    /// There is no cluster in which anything could be found.
    #[error("--otlp-logs needs a cluster, and none was found")]
    NoClusterForFindings,
    /// Some of the objects in files cannot be read.
    #[error(
        "--manifests: {0} of the documents and objects cannot be read, as told above; --skip-unreadable serves without \
         them"
    )]
    Unreadable(usize),
    /// There is no cluster that could hold policies.
    #[error("--policy-source cluster needs a cluster, and none was found")]
    NoClusterForPolicies,
    /// There is no cluster whose configurations could be told whom to trust.
    #[error("--tls-ca says whom a cluster shall trust, and none was found")]
    NoClusterForTrust,
    /// The files of the certificate hold none.
    #[error("--tls-cert: the files hold no certificate")]
    NoCertificate,
    /// There is no cluster to register with.
    #[error("--register-url needs a cluster, and none was found")]
    NothingToRegisterWith,
    /// TLS to a collector cannot be set up.
    #[error("{flag}: cannot set up TLS")]
    Otlp {
        flag: &'static str,
        #[source]
        cause: kube::Error,
    },
    /// The API server could not be told which authority signed the certificate.
    #[error("--register-url brings its own certificate: leave out --tls-cert and --tls-key")]
    OwnCertificate,
    /// Policies cannot be read or are not valid.
    #[error(transparent)]
    Policies(#[from] PolicyError),
    /// No certificate can be made.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    /// The handlers of signals cannot be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// A signal came first.
    #[error("asked to stop before the start was done")]
    Stopped,
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// Why a process that had started did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A second signal came before the first was done.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The cluster refused the configurations.
    #[error(transparent)]
    Register(#[from] RegisterError),
}
