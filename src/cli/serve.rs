//! `stateward serve`: the webhook.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::logging::{self, LogFormat};
use super::policies::{self, PolicySource};
use super::world::{self, World};
use crate::admission::{OnError, Webhook, router};
use crate::cluster::register::{Registration, WebhookUrl};
use crate::metrics::Metrics;
use crate::rules::RULES;
use crate::server::accept::Server;
use crate::server::admin::{self, Readiness};
use crate::server::limits::Limits;
use crate::server::reload::CertificateFiles;
use crate::server::self_signed::SelfSigned;
use crate::server::shutdown::{Interrupted, Shutdown};
use crate::server::tls::{CertResolver, server_config};

/// How often certificate files are compared with what was read.
const CERTIFICATE_POLL: Duration = Duration::from_secs(10);

/// Serve the admission webhook.
///
/// With a kubeconfig, or in a pod, it judges against the live cluster. With --manifests the objects of files are
/// known and everything else is unknown. With neither it serves a small built-in example and prints requests to try.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address of the webhook, over TLS
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics, in plain text
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    admin_listen: SocketAddr,
    /// Policies: a file, a directory, or one of baseline, strict, audit; repeatable, reloaded when changed
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse)]
    policy: Vec<PolicySource>,
    /// PEM file with the serving certificate and its chain, reloaded when changed
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of the serving certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    world: world::Args,
    /// What a request gets when judging it fails in this process
    #[arg(long, default_value = "allow", value_name = "ANSWER")]
    on_error: OnErrorArg,
    /// For development: create webhook configurations that point at this URL of this process, and remove them at exit
    #[arg(long, value_name = "URL", conflicts_with_all = ["no_cluster", "manifests"])]
    register_url: Option<WebhookUrl>,
    /// How long to go on answering after SIGTERM, in seconds: the API server keeps using its connection for a while
    #[arg(long, default_value = "3", value_name = "SECONDS", value_parser = seconds)]
    shutdown_delay: Duration,
    /// How log lines are written; for people on a terminal, JSON elsewhere
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OnErrorArg {
    Allow,
    Deny,
}

impl Args {
    /// Serves until a signal.
    ///
    /// # Errors
    /// Bad flags, unreadable files, addresses in use, or a cluster that is configured and cannot be reached.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        logging::init(self.log_format)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let code = runtime.block_on(self.serve());
        // A live read that nobody waits for any more must not hold the exit up.
        runtime.shutdown_background();
        code
    }

    async fn serve(self) -> anyhow::Result<ExitCode> {
        let Self {
            listen,
            admin_listen,
            policy,
            tls_cert,
            tls_key,
            world,
            on_error,
            register_url,
            shutdown_delay,
            log_format: _,
        } = self;
        let metrics = Arc::new(Metrics::new(RULES));
        let shutdown = Shutdown::on_signals().context("cannot listen for signals")?;
        let readiness = Readiness::new(shutdown.clone());

        let loaded = policies::load(&policy)?;
        info!(policies = policies::names(&loaded), "Policies loaded");
        let policies = Arc::new(ArcSwap::from_pointee(loaded));
        let policy_gate = readiness.gate("policies", "not loaded");
        policy_gate.open();

        let (resolver, ca) = certificate(tls_cert.zip(tls_key), listen, register_url.as_ref(), &metrics)?;
        readiness.gate("certificate", "not loaded").open();

        let listener = bind(listen, "--listen").await?;
        let admin_listener = bind(admin_listen, "--admin-listen").await?;
        let address = listener.local_addr().context("cannot read the address of --listen")?;

        let World {
            graph,
            live,
            client,
            example,
        } = world
            .open(&metrics, readiness.gate("sync", "first lists under way"))
            .await?;
        let registration = match (register_url, client, &ca) {
            (None, ..) => None,
            (Some(_), None, _) => bail!("--register-url needs a cluster, and none was found"),
            (Some(_), _, None) => {
                bail!("--register-url brings its own certificate: leave out --tls-cert and --tls-key")
            }
            (Some(url), Some(client), Some(ca)) => Some(Registration::create(client, url, ca.as_bytes()).await?),
        };

        tokio::spawn(policies::watch(policy, policies.clone(), metrics.clone(), policy_gate));
        let on_error = match on_error {
            OnErrorArg::Allow => OnError::Allow,
            OnErrorArg::Deny => OnError::Deny,
        };
        let webhook = Webhook {
            graph,
            policies,
            rules: RULES,
            metrics: metrics.clone(),
            live,
            on_error,
        };
        let service = TowerToHyperService::new(router(Arc::new(webhook)));
        let limits = Limits {
            shutdown_delay,
            ..Limits::default()
        };
        let tls = server_config(resolver).context("cannot set up TLS")?;
        let server = Server::tls(listener, tls, limits);
        // It goes on until the very end: readiness must tell of the drain.
        let admin = Server::plain(admin_listener, Limits::default());
        let admin_service = TowerToHyperService::new(admin::router(readiness, metrics));
        tokio::spawn(async move { admin.serve(admin_service, &Shutdown::new()).await });

        info!(%address, admin = %admin_listen, "Serving");
        if example {
            greet(address)?;
        }
        let removal =
            registration.map(|registration| tokio::spawn(remove_when_stopping(registration, shutdown.clone())));
        let ended = async {
            server.serve(service, &shutdown).await?;
            if let Some(removal) = removal {
                tokio::select! {
                    _ = removal => {}
                    () = shutdown.forced() => return Err(Interrupted),
                }
            }
            Ok(())
        };
        match ended.await {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(Interrupted) => Ok(ExitCode::FAILURE),
        }
    }
}

/// Removes the configurations while requests are still answered: afterwards, those in between would fail open.
async fn remove_when_stopping(registration: Registration, shutdown: Shutdown) {
    shutdown.requested().await;
    match registration.remove().await {
        Ok(()) => info!("Webhook configurations removed"),
        Err(error) => warn!(
            error = format!("{:#}", anyhow::Error::from(error)),
            "Webhook configurations stay behind"
        ),
    }
}

/// The certificate to serve, and the CA to trust where we made it ourselves.
fn certificate(
    files: Option<(PathBuf, PathBuf)>,
    listen: SocketAddr,
    url: Option<&WebhookUrl>,
    metrics: &Metrics,
) -> anyhow::Result<(Arc<CertResolver>, Option<String>)> {
    if let Some((chain, key)) = files {
        let mut files = CertificateFiles::new(chain, key);
        let certificate = files.read()?.context("--tls-cert: the files hold no certificate")?;
        let resolver = CertResolver::new(certificate, metrics.certificate_expiry.clone());
        tokio::spawn(files.watch(resolver.clone(), CERTIFICATE_POLL));
        return Ok((resolver, None));
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend((!listen.ip().is_unspecified()).then(|| listen.ip().to_string()));
    names.extend(url.map(|url| url.host().to_owned()));
    let SelfSigned { certificate, ca_pem } = SelfSigned::new(names)?;
    info!("Serving a self-signed certificate, made just now");
    Ok((
        CertResolver::new(certificate, metrics.certificate_expiry.clone()),
        Some(ca_pem),
    ))
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{flag} {address}: cannot listen"))
}

fn greet(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let text = super::example::guide(address);
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .trim_end_matches('s')
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a duration".to_owned())
}
