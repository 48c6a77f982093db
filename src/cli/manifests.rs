//! `stateward manifests`: everything that an installation in a cluster needs, as YAML.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::cluster::cert_manager::Issuer;
use crate::cluster::cidr::Cidr;
use crate::cluster::install::{Certificate, Dashboard, IMAGE, Installation, REPLICAS};
use crate::cluster::mode::Mode;
use crate::cluster::scope::{EXCLUDED, EntryName, FailurePolicy, OptOut, Scope, failure};
use crate::cluster::webhooks::NAMESPACE;
use crate::kinds;
use crate::policy::resource::definitions;
use crate::rules::RULES;

/// What `--policy` says where nothing counts but the policies of the cluster.
const NO_POLICY: &str = "none";

/// Print the Kubernetes objects that install stateward.
///
/// The replicas sign their own certificates, unless --ca-bundle, --ca-from-secret or --cert-manager says who does. A first installation is
/// in mode audit: nothing is refused. Go on to warn and enforce when the replicas run and you know what they find.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Namespace of the installation
    #[arg(long, default_value = NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// How far it goes
    #[arg(long, default_value = "audit", value_name = "MODE")]
    mode: Mode,
    /// Container image
    #[arg(long, default_value = IMAGE)]
    image: String,
    /// How many processes answer
    #[arg(long, default_value_t = REPLICAS, value_name = "NUMBER")]
    replicas: u16,
    /// PEM file with the CA that signed the certificate in the Secret stateward-tls
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// The Secret stateward-tls has the CA that signed as ca.crt: the replicas write whom to trust
    #[arg(long, conflicts_with = "ca_bundle")]
    ca_from_secret: bool,
    /// Let cert-manager fill that Secret: NAME of an Issuer of the namespace, or ClusterIssuer/NAME
    #[arg(long, value_name = "ISSUER", conflicts_with_all = ["ca_bundle", "ca_from_secret"])]
    cert_manager: Option<Issuer>,
    /// PEM file with the CA of the API server's client certificate: nobody else is answered
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Addresses of the API servers, for a NetworkPolicy by which nobody else reaches the webhook; repeatable
    #[arg(long, value_name = "CIDR")]
    allow_from: Vec<Cidr>,
    /// Namespaces of which nothing is sent to stateward, instead of these; its own never is
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', default_values_t = EXCLUDED.map(str::to_owned), value_parser = namespace)]
    exclude_namespaces: Vec<String>,
    /// Send nothing of namespaces with the label stateward.dev/admission=ignore
    ///
    /// Whoever may label a namespace then may take it out.
    #[arg(long)]
    allow_opt_out: bool,
    /// ENTRY=Fail or ENTRY=Ignore: what becomes of the requests of an entry while stateward cannot be called; repeatable
    ///
    /// In mode enforce, workloads=Fail is usual, and Ignore of every other entry. Of a `scale` the request does not say
    /// which claims the pods use, so that scale=Fail is about every workload, autoscalers included.
    #[arg(long, value_name = "ENTRY=POLICY", value_parser = failure)]
    failure_policy: Vec<(EntryName, FailurePolicy)>,
    /// Kinds of workloads beside Kubernetes' own that may be read and are sent: names of those that stateward knows, or files that declare some
    ///
    /// docs/workload-kinds.md has the names. What files declare the replicas learn from the cluster: apply the files too.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    workload_kinds: Vec<String>,
    /// What counts where no policy of the cluster says otherwise, instead of what belongs to the mode
    #[arg(long, value_name = "POLICY", value_parser = [NO_POLICY, "audit", "warn", "baseline", "strict"])]
    policy: Option<String>,
    /// Serve the dashboard on port 8090 of every replica
    #[arg(long, value_name = "FOR")]
    dashboard: Option<Dashboard>,
}

impl Args {
    /// Prints the objects.
    ///
    /// # Errors
    /// When the CA cannot be read or holds no certificate, or standard output cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let ca = self.ca_bundle.as_deref();
        let ca = ca.map(|path| read_ca("--ca-bundle", path)).transpose()?;
        let client_ca = self.client_ca.as_deref();
        let client_ca = client_ca.map(|path| read_ca("--client-ca", path)).transpose()?;
        let client_ca = client_ca.as_deref().map(String::from_utf8_lossy);
        if self.mode != Mode::Enforce && !self.failure_policy.is_empty() {
            bail!("--failure-policy counts with --mode enforce alone: before, everything passes while nobody answers");
        }
        let known = self
            .workload_kinds
            .iter()
            .filter(|given| kinds::names().any(|name| name == **given));
        let known: Vec<String> = known.cloned().collect();
        let installation = Installation {
            namespace: &self.namespace,
            image: &self.image,
            certificate: match (&self.cert_manager, &ca) {
                (Some(issuer), _) => Certificate::CertManager(issuer),
                (None, Some(ca)) => Certificate::Files(ca),
                (None, None) if self.ca_from_secret => Certificate::Secret,
                (None, None) => Certificate::Own,
            },
            mode: self.mode,
            replicas: self.replicas,
            client_ca: client_ca.as_deref(),
            callers: &self.allow_from,
            scope: &self.scope(),
            kinds: kinds::chosen(&self.workload_kinds)?,
            workload_kinds: &known,
            definitions: &definitions(RULES),
            default_policy: self.default_policy(),
            dashboard: self.dashboard,
        };
        let yaml = installation.to_yaml()?;
        super::print(yaml.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    fn scope(&self) -> Scope {
        Scope {
            excluded: self.exclude_namespaces.clone(),
            opt_out: if self.allow_opt_out {
                OptOut::Honoured
            } else {
                OptOut::Refused
            },
            failures: self.failure_policy.iter().copied().collect(),
        }
    }

    fn default_policy(&self) -> Option<&str> {
        let name = self.policy.as_deref().unwrap_or(self.mode.policy());
        (name != NO_POLICY).then_some(name)
    }
}

/// Reads the certificates of a PEM file, and nothing else of it: a private key beside them is never printed.
fn read_ca(flag: &str, path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    use rustls::pki_types::pem::{PemObject as _, SectionKind};

    let name = path.display();
    let text = std::fs::read(path).with_context(|| format!("{flag} {name}: cannot read the file"))?;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(&text) {
        let (kind, _) = section.with_context(|| format!("{flag} {name}: not a PEM file"))?;
        if kind != SectionKind::Certificate {
            bail!("{flag} {name}: holds something else than certificates, which does not belong into a cluster");
        }
    }
    if rustls::pki_types::CertificateDer::pem_slice_iter(&text)
        .next()
        .is_none()
    {
        bail!("{flag} {name}: holds no PEM certificate");
    }
    Ok(text)
}

/// A DNS label (RFC 1123), which namespaces are named by.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| inner(c) && c != '-');
    let label =
        text.len() <= 63 && text.chars().all(inner) && edge(text.chars().next()) && edge(text.chars().next_back());
    if label {
        Ok(text.to_owned())
    } else {
        Err("a namespace is a DNS label: a-z, 0-9 and -, at most 63".to_owned())
    }
}
