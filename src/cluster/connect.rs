//! Finding the cluster: a kubeconfig that is named, the one of the environment, the pod's own account, or none.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tokio::time::sleep;
use tracing::warn;

use crate::causes::root;

/// A host that does not answer is found out well before anybody waits for readiness.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A pod's network may come up a moment after the pod, so that a first failure means little.
const REACH_WITHIN: Duration = Duration::from_secs(10);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// A cluster is configured, but not usably. That there is none is no error.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot use kubeconfig {from}{}", context.as_ref().map(|name| format!(", context {name:?}")).unwrap_or_default())]
    Kubeconfig {
        /// The file, or the variable that names it.
        from: String,
        context: Option<String>,
        source: KubeconfigError,
    },
    #[error("cannot read kubeconfig {from}")]
    Unreadable { from: String, source: io::Error },
    #[error("--context {0:?} needs a kubeconfig, and there is none")]
    NoKubeconfig(String),
    #[error("cannot use the service account of this pod")]
    InCluster(#[source] InClusterError),
    #[error("cannot make a client for {url}")]
    Client { url: String, source: kube::Error },
    #[error(
        "cannot reach the cluster at {url}: {cause}; is it running, and is it the one that is meant? \
         (kubectl config get-contexts shows others for --context)"
    )]
    Unreachable { url: String, cause: String },
    #[error("the cluster at {url} does not accept our credentials")]
    Unauthorized { url: String },
}

/// Returns a client of the cluster that is configured, `None` where none is: no `--kubeconfig`, no `$KUBECONFIG`,
/// no service account, no `~/.kube/config`, looked for in this order. A cluster of a kubeconfig has answered by then.
///
/// A pod must not wait for its API server, nor give up: restarts with growing pauses would keep the webhook away just
/// when the cluster comes back.
///
/// # Errors
/// A configuration that is there and cannot be used, or a cluster that is not there.
pub async fn connect(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Option<Client>, ConnectError> {
    let Some(config) = configured(kubeconfig, context).await? else {
        return Ok(None);
    };
    Ok(Some(match config {
        Found::InPod(config) => client(config)?,
        Found::ByKubeconfig(config) => {
            let url = config.cluster_url.to_string();
            let client = client(config)?;
            reach(&client, &url).await?;
            client
        }
    }))
}

/// How a cluster was found.
enum Found {
    ByKubeconfig(Config),
    InPod(Config),
}

async fn configured(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Option<Found>, ConnectError> {
    if let Some(path) = kubeconfig {
        return from_file(path, context).await.map(Found::ByKubeconfig).map(Some);
    }
    match (find(context).await?, context) {
        (None, Some(context)) => Err(ConnectError::NoKubeconfig(context.to_owned())),
        (found, _) => Ok(found),
    }
}

async fn reach(client: &Client, url: &str) -> Result<(), ConnectError> {
    let deadline = Instant::now() + REACH_WITHIN;
    let mut told = false;
    loop {
        let source = match client.apiserver_version().await {
            Err(kube::Error::Api(status)) if status.code == 401 => {
                return Err(ConnectError::Unauthorized { url: url.to_owned() });
            }
            // Whatever else it refuses, it is there.
            Ok(_) | Err(kube::Error::Api(_)) => return Ok(()),
            Err(source) => source,
        };
        if Instant::now() >= deadline {
            return Err(ConnectError::Unreachable {
                url: url.to_owned(),
                cause: root(&source),
            });
        }
        if !told {
            warn!(url, error = root(&source), "The cluster does not answer yet");
            told = true;
        }
        sleep(PAUSE).await;
    }
}

async fn find(context: Option<&str>) -> Result<Option<Found>, ConnectError> {
    let variable = "$KUBECONFIG";
    if env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty()) {
        let read = Kubeconfig::from_env().map_err(|source| failed(variable, context, source))?;
        if let Some(read) = read {
            return use_context(read, variable, context)
                .await
                .map(Found::ByKubeconfig)
                .map(Some);
        }
    }
    // A context can only be meant for a kubeconfig.
    if context.is_none() && env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
        return Config::incluster()
            .map(Found::InPod)
            .map(Some)
            .map_err(ConnectError::InCluster);
    }
    let home = env::home_dir().map(|home| home.join(".kube").join("config"));
    Ok(from_home(home, context).await?.map(Found::ByKubeconfig))
}

/// The file of the home directory need not be there, nor name a cluster: many tools leave an empty one behind.
async fn from_home(path: Option<PathBuf>, context: Option<&str>) -> Result<Option<Config>, ConnectError> {
    let Some(path) = path.filter(|path| path.exists()) else {
        return Ok(None);
    };
    let from = path.display().to_string();
    let read = Kubeconfig::read_from(&path).map_err(|source| failed(&from, context, source))?;
    if read.contexts.is_empty() && context.is_none() {
        return Ok(None);
    }
    use_context(read, &from, context).await.map(Some)
}

async fn from_file(path: &Path, context: Option<&str>) -> Result<Config, ConnectError> {
    let from = path.display().to_string();
    let read = Kubeconfig::read_from(path).map_err(|source| failed(&from, context, source))?;
    use_context(read, &from, context).await
}

async fn use_context(read: Kubeconfig, from: &str, context: Option<&str>) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(read, &options)
        .await
        .map_err(|source| failed(from, context, source))
}

fn client(mut config: Config) -> Result<Client, ConnectError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    if matches!(config.cluster_url.host(), Some("127.0.0.1" | "localhost" | "[::1]")) {
        // Loopback is never behind the proxy that the environment may name.
        config.proxy_url = None;
    }
    let url = config.cluster_url.to_string();
    Client::try_from(config).map_err(|source| ConnectError::Client { url, source })
}

fn failed(from: &str, context: Option<&str>, source: KubeconfigError) -> ConnectError {
    let from = from.to_owned();
    match source {
        // Its own words name the file once more.
        KubeconfigError::ReadConfig(source, _) => ConnectError::Unreadable { from, source },
        source => ConnectError::Kubeconfig {
            from,
            context: context.map(str::to_owned),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KUBECONFIG: &str = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}]}"#;

    #[tokio::test]
    async fn names_the_file_and_the_context_that_are_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let missing = configured(Some(&path), None).await.err().unwrap().to_string();
        assert_eq!(missing, format!("cannot read kubeconfig {}", path.display()));
        fs::write(&path, KUBECONFIG).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        assert!(configured(Some(&path), None).await.unwrap().is_some());
        let wrong = configured(Some(&path), Some("there")).await.err().unwrap().to_string();
        assert_eq!(
            wrong,
            format!("cannot use kubeconfig {}, context \"there\"", path.display())
        );
    }

    #[tokio::test]
    async fn no_cluster_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        assert!(from_home(None, None).await.unwrap().is_none());
        assert!(from_home(Some(path.clone()), None).await.unwrap().is_none());
        fs::write(&path, "apiVersion: v1\nkind: Config\n").unwrap();
        assert!(from_home(Some(path.clone()), None).await.unwrap().is_none());
        fs::write(&path, "{").unwrap();
        assert!(from_home(Some(path), None).await.is_err());
    }
}
