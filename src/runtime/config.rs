//! What a process shall serve, and where: everything that its start needs to know.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::certificate::CertificateSource;
use super::objects::ObjectSource;
use super::own::Own;
use super::policies::PolicyOrigin;
use crate::admission::OnError;
use crate::cluster::register::WebhookUrl;
use crate::otlp::Target;

/// The settings of a process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the webhook listens.
    pub listen: SocketAddr,
    /// Where the admin port listens.
    pub admin_listen: SocketAddr,
    /// Where the dashboard listens, if anywhere.
    pub dashboard: Option<SocketAddr>,
    pub policies: PolicyOrigin,
    pub certificate: CertificateSource,
    /// The authorities of the clients that are answered; everybody where there is none.
    pub client_ca: Option<PathBuf>,
    pub objects: ObjectSource,
    pub on_error: OnError,
    /// Bytes of request bodies that are held at once.
    pub body_budget: usize,
    /// What an installation does beside answering; nothing of it where there is none.
    pub own: Option<Own>,
    /// Where spans of reviews are sent to, if anywhere.
    pub traces: Option<Target>,
    /// By which URL a cluster shall call this process for as long as it runs.
    pub register_url: Option<WebhookUrl>,
    /// How long to go on answering after the first signal.
    pub shutdown_delay: Duration,
}
