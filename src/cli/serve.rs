//! `stateward serve`: the webhook.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::ArgGroup;

use super::live::Cluster;
use super::logging::{self, LogFormat, LogLevel};
use crate::admission::OnError;
use crate::certificates::Lifetimes;
use crate::cluster::register::WebhookUrl;
use crate::graph::Kinds;
use crate::kinds;
use crate::otlp::{self, Endpoint};
use crate::reports::Wanted;
use crate::runtime::policies::{PolicyOrigin, PolicySource, default_policy};
use crate::runtime::{CertificateSource, Config, FilesSigner, ObjectSource, Own, RunError, Runtime};

/// Serve the admission webhook.
///
/// With a kubeconfig, or in a pod, it judges against the live cluster. With --manifests the objects of files are
/// known and everything else is unknown. With neither it serves a small built-in example and prints requests to try.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("otlp").args(["otlp_logs", "otlp_traces"]).multiple(true))]
pub struct Args {
    /// Address of the webhook, over TLS
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics, in plain text
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS", value_parser = address)]
    admin_listen: SocketAddr,
    /// Address of the dashboard, such as 127.0.0.1:8090; without one there is none. On loopback in plain text and for whoever reaches it (kubectl port-forward); elsewhere over TLS, for tokens of those who may list workloadpolicies
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    dashboard_bind: Option<SocketAddr>,
    /// Policies: a file, a directory, or one of baseline, strict, warn, audit; repeatable, reloaded when changed
    #[arg(long, value_name = "PATH", value_parser = PolicySource::parse)]
    policy: Vec<PolicySource>,
    /// Where policies come from: --policy, or the WorkloadPolicy objects of the cluster
    #[arg(long, default_value = "files", value_name = "SOURCE")]
    policy_source: PolicySourceArg,
    /// With --policy-source cluster: what counts where no policy of the cluster says otherwise
    #[arg(long, value_name = "POLICY", value_parser = ["audit", "warn", "baseline", "strict"])]
    default_policy: Option<String>,
    /// PEM file with the serving certificate and its chain, reloaded when changed; without one, an installation signs its own
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the key of the serving certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// PEM file with the CA that signed it, reloaded when changed: the installation then writes whom to trust into its webhook configurations
    #[arg(long, value_name = "FILE", requires = "tls_cert", conflicts_with_all = ["no_cluster", "manifests", "register_url"])]
    tls_ca: Option<PathBuf>,
    /// PEM file with the CA of the clients: only who has a certificate of it is answered; reloaded when changed
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    #[command(flatten)]
    cluster: Cluster,
    /// Look for no cluster: serve the built-in example, or --manifests
    #[arg(long, conflicts_with_all = ["kubeconfig", "context"])]
    no_cluster: bool,
    /// Files or directories with the objects that are known; repeatable
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    manifests: Vec<PathBuf>,
    /// Serve although some of --manifests cannot be read: what is in them is unknown
    #[arg(long, requires = "manifests")]
    skip_unreadable: bool,
    /// Kinds of workloads beside Kubernetes' own that are watched and judged: names of those that stateward knows, or files that declare some
    ///
    /// docs/workload-kinds.md has the names. A kind that the cluster does not have yet is waited for.
    #[arg(long, value_name = "NAME|PATH", value_delimiter = ',', conflicts_with = "no_cluster")]
    workload_kinds: Vec<String>,
    /// What a request gets when judging it fails in this process
    #[arg(long, default_value = "allow", value_name = "ANSWER")]
    on_error: OnErrorArg,
    /// How much of request bodies may be in memory at once, such as 64Mi; where it is spent, the connection that holds most gives way
    #[arg(long, default_value = "64Mi", value_name = "BYTES", value_parser = bytes)]
    body_budget: usize,
    /// Namespace of the installation, for Leases of the replicas; else $POD_NAMESPACE. Without one there are no reports
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Which reports are written of what is found: auto takes those that the cluster has a definition for
    #[arg(long, default_value = "auto", value_name = "KIND")]
    reports: ReportsArg,
    /// How many reports are written at most
    #[arg(long, default_value = "10000", value_name = "NUMBER")]
    max_reports: usize,
    /// Whether events on workloads tell of new findings and of refusals
    #[arg(long, default_value = "on", value_name = "SWITCH")]
    events: SwitchArg,
    /// URL of an OpenTelemetry Collector, to which findings are sent as log records (OTLP over HTTP, JSON); /v1/logs is added to one without a path
    #[arg(long, value_name = "URL", conflicts_with_all = ["no_cluster", "manifests"], value_parser = Endpoint::for_logs)]
    otlp_logs: Option<Endpoint>,
    /// How often all findings there are are sent again, such as 6h
    #[arg(long, default_value = "6h", value_name = "DURATION", requires = "otlp_logs", value_parser = period)]
    otlp_resend: Duration,
    /// URL of an OpenTelemetry Collector, to which reviews are sent as spans (OTLP over HTTP, JSON); /v1/traces is added to one without a path
    #[arg(long, value_name = "URL", value_parser = Endpoint::for_traces)]
    otlp_traces: Option<Endpoint>,
    /// What the cluster is called in what is sent; it is told apart by the uid of kube-system too
    #[arg(long, value_name = "NAME", requires = "otlp")]
    cluster_name: Option<String>,
    /// How many namespaces have metrics of their own; the findings of the others are summed as "other"
    #[arg(long, default_value = "500", value_name = "NUMBER")]
    metric_namespaces: usize,
    /// How long an authority of our own holds
    #[arg(long, hide = true, default_value = "8760h", value_parser = period)]
    authority_lifetime: Duration,
    /// How long a certificate that we signed holds
    #[arg(long, hide = true, default_value = "720h", value_parser = period)]
    certificate_lifetime: Duration,
    /// How long an authority is announced before it signs, and trusted after it does not
    #[arg(long, hide = true, default_value = "10m", value_parser = period)]
    authority_settle: Duration,
    /// For development: create webhook configurations that point at this URL of this process, and remove them at exit
    #[arg(long, value_name = "URL", conflicts_with_all = ["no_cluster", "manifests"])]
    register_url: Option<WebhookUrl>,
    /// How long to go on answering after SIGTERM, in seconds: the API server keeps using its connection for a while
    #[arg(long, default_value = "3", value_name = "SECONDS", value_parser = seconds)]
    shutdown_delay: Duration,
    /// How log lines are written; for people on a terminal, JSON elsewhere
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// How much is logged; else what $RUST_LOG says, else info
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PolicySourceArg {
    Cluster,
    Files,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ReportsArg {
    Auto,
    #[value(name = "openreports")]
    OpenReports,
    #[value(name = "policyreport")]
    PolicyReport,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SwitchArg {
    On,
    Off,
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
        if self.policy_source == PolicySourceArg::Cluster && !self.policy.is_empty() {
            bail!(
                "--policy-source cluster takes the policies of the cluster: leave out --policy, or say --default-policy \
                 for what counts where they say nothing"
            );
        }
        if self.policy_source == PolicySourceArg::Files && self.default_policy.is_some() {
            bail!("--default-policy stands beside the policies of a cluster: say --policy-source cluster, or --policy");
        }
        if self.otlp_logs.is_some() && self.namespace().is_none() {
            bail!("--otlp-logs sends what an installation finds, which needs --namespace, or $POD_NAMESPACE");
        }
        if self.tls_ca.is_some() && self.namespace().is_none() {
            bail!(
                "--tls-ca says whom the API server of an installation trusts, which needs --namespace, or $POD_NAMESPACE"
            );
        }
        logging::init(self.log_format, self.log_level)?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let kinds = kinds::chosen(&self.workload_kinds)?;
        let code = threads.block_on(serve(self.config(kinds)));
        // A live read that nobody waits for any more must not hold the exit up.
        threads.shutdown_background();
        code
    }

    /// The namespace of the installation.
    fn namespace(&self) -> Option<String> {
        self.namespace.clone().or_else(|| variable("POD_NAMESPACE"))
    }

    fn config(self, kinds: &'static Kinds) -> Config {
        let namespace = self.namespace();
        let lifetimes = Lifetimes {
            authority: self.authority_lifetime,
            leaf: self.certificate_lifetime,
            settle: self.authority_settle,
        };
        let certificate = match (self.tls_cert.zip(self.tls_key), &namespace) {
            (Some((chain, key)), _) => CertificateSource::Files {
                chain,
                key,
                signer: self.tls_ca.zip(namespace.clone()).map(|(file, namespace)| FilesSigner {
                    file,
                    namespace,
                    lifetimes,
                }),
            },
            (None, Some(namespace)) if self.register_url.is_none() => CertificateSource::Own {
                namespace: namespace.clone(),
                lifetimes,
            },
            (None, _) => CertificateSource::self_signed(self.listen, self.register_url.as_ref()),
        };
        let objects = if !self.manifests.is_empty() {
            ObjectSource::Manifests {
                paths: self.manifests,
                kinds,
                skip_unreadable: self.skip_unreadable,
            }
        } else if self.no_cluster {
            ObjectSource::Example
        } else {
            ObjectSource::Cluster {
                kubeconfig: self.cluster.kubeconfig,
                context: self.cluster.context,
                kinds,
            }
        };
        let cluster_name = self.cluster_name.unwrap_or_default();
        let target = |endpoint| otlp::Target {
            endpoint,
            cluster_name: cluster_name.clone(),
        };
        let own = namespace.map(|namespace| Own {
            namespace,
            name: variable("POD_NAME").unwrap_or_else(|| "stateward".to_owned()),
            reports: self.reports.into(),
            most_reports: self.max_reports,
            events: self.events == SwitchArg::On,
            otlp: self.otlp_logs.map(|endpoint| otlp::Settings {
                target: target(endpoint),
                resend: self.otlp_resend,
            }),
            metric_namespaces: self.metric_namespaces,
        });
        Config {
            listen: self.listen,
            admin_listen: self.admin_listen,
            dashboard: self.dashboard_bind,
            policies: match self.policy_source {
                PolicySourceArg::Cluster => PolicyOrigin::Cluster {
                    default: self.default_policy.as_deref().and_then(default_policy),
                },
                PolicySourceArg::Files => PolicyOrigin::Files(self.policy),
            },
            certificate,
            client_ca: self.client_ca,
            objects,
            on_error: self.on_error.into(),
            body_budget: self.body_budget,
            own,
            traces: self.otlp_traces.map(target),
            register_url: self.register_url,
            shutdown_delay: self.shutdown_delay,
        }
    }
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::start(config).await?;
    if let Some(guide) = runtime.guide() {
        super::print(guide.as_bytes())?;
    }
    match runtime.run().await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(RunError::Interrupted(_)) => Ok(ExitCode::FAILURE),
        Err(error) => Err(error.into()),
    }
}

impl From<ReportsArg> for Wanted {
    fn from(wanted: ReportsArg) -> Self {
        match wanted {
            ReportsArg::Auto => Self::Auto,
            ReportsArg::OpenReports => Self::OpenReports,
            ReportsArg::PolicyReport => Self::PolicyReport,
            ReportsArg::Off => Self::Off,
        }
    }
}

impl From<OnErrorArg> for OnError {
    fn from(answer: OnErrorArg) -> Self {
        match answer {
            OnErrorArg::Allow => Self::Allow,
            OnErrorArg::Deny => Self::Deny,
        }
    }
}

/// Parses an address; without a host it is all of this machine's.
fn address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    whole
        .parse()
        .map_err(|_| "not an IP address and a port such as 0.0.0.0:8443, 127.0.0.1:8443 or :8443".to_owned())
}

/// Parses an address; without a host it is loopback.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with(':') {
        address(&format!("127.0.0.1{text}"))
    } else {
        address(text)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .trim_end_matches('s')
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a duration".to_owned())
}

/// Parses a whole number of hours, minutes or seconds.
fn period(text: &str) -> Result<Duration, String> {
    let units = [('h', 3_600), ('m', 60), ('s', 1)];
    let parsed = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        (number > 0).then(|| Duration::from_secs(u64::from(number) * seconds))
    });
    parsed.ok_or_else(|| "not a duration such as 6h, 30m or 10s".to_owned())
}

/// Parses a number of bytes as Kubernetes writes them.
fn bytes(text: &str) -> Result<usize, String> {
    let units = [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, 1));
    let number: usize = number
        .parse()
        .map_err(|_| "not a number of bytes such as 64Mi".to_owned())?;
    let bytes = number.checked_mul(unit).ok_or("more than this machine can have")?;
    // Less could not take the largest review.
    if bytes < 16 << 20 {
        return Err("less than 16Mi".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_a_port() {
        assert_eq!(address(":9443"), Ok(SocketAddr::from(([0, 0, 0, 0], 9443))));
        assert_eq!(address("127.0.0.1:1"), Ok(SocketAddr::from(([127, 0, 0, 1], 1))));
        for wrong in ["", ":", "9443", "localhost:9443", ":99999"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_dashboard_is_on_loopback_unless_told_otherwise() {
        assert_eq!(loopback(":8090"), Ok(SocketAddr::from(([127, 0, 0, 1], 8090))));
        assert_eq!(loopback("0.0.0.0:1"), Ok(SocketAddr::from(([0, 0, 0, 0], 1))));
    }

    #[test]
    fn bytes_are_written_as_in_kubernetes() {
        assert_eq!(bytes("64Mi"), Ok(64 * 1024 * 1024));
        assert_eq!(bytes("1Gi"), Ok(1024 * 1024 * 1024));
        assert_eq!(bytes("16777216"), Ok(16 * 1024 * 1024));
        for wrong in ["", "Mi", "64M", "-1Mi", "15Mi", "99999999999999999999", "17179869184Gi"] {
            assert!(bytes(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn periods_have_a_unit() {
        assert_eq!(period("6h"), Ok(Duration::from_hours(6)));
        assert_eq!(period("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(period("2s"), Ok(Duration::from_secs(2)));
        for wrong in ["", "h", "0h", "6", "1.5h", "-1h", "6d", "99999999999h"] {
            assert!(period(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cluster_is_called_something_where_something_is_sent() {
        use clap::Parser as _;

        let parsed = |flags: &[&str]| crate::cli::Cli::try_parse_from([&["stateward", "serve"], flags].concat());
        let (logs, traces) = (
            "--otlp-logs=http://collector:4318",
            "--otlp-traces=http://collector:4318",
        );
        for flags in [&[logs][..], &[traces], &[logs, traces], &[traces, "--no-cluster"]] {
            assert!(
                parsed(&[flags, &["--cluster-name=north"]].concat()).is_ok(),
                "{flags:?}"
            );
        }
        for flags in [&["--cluster-name=north"][..], &[traces, "--otlp-resend=1h"]] {
            let refused = parsed(flags).unwrap_err().to_string();
            assert!(refused.contains("--otlp-logs <URL>"), "{refused}");
        }
    }

    #[test]
    fn policies_come_from_one_place() {
        use clap::Parser as _;

        for (flags, wanted) in [
            (
                &["--policy-source=cluster", "--policy=strict"][..],
                "leave out --policy",
            ),
            (&["--default-policy=audit"], "say --policy-source cluster"),
        ] {
            let arguments = [&["stateward", "serve"], flags].concat();
            let refused = crate::cli::Cli::try_parse_from(arguments).unwrap().run();
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
