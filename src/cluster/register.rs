//! `serve --register-url`: webhook configurations that point at this process, for as long as it runs.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{info, warn};

use super::scope::Scope;
use super::webhooks::{Configurations, DEVELOPMENT_NAME, Endpoint};
use crate::graph::Kinds;

/// The name under which the API server remembers our writes.
const FIELD_MANAGER: &str = "stateward";

/// The annotation that says which process the configurations point at.
const HOLDER: &str = "stateward.dev/registered-by";
/// Whoever accepts no connection in this time is not there, or not there for us.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// Configurations that exist in the cluster because of this process.
pub struct Registration {
    client: Client,
    base: WebhookUrl,
}

/// `https://HOST[:PORT][/PATH]`, as the API server wants it: no user, no query, no fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// Why configurations could not be created or removed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The API server refused, or did not answer.
    #[error("cannot {verb} the {kind} \"{DEVELOPMENT_NAME}\"")]
    Api {
        /// What was tried.
        verb: &'static str,
        /// The kind of the configuration.
        kind: String,
        /// The client's error.
        #[source]
        source: kube::Error,
    },
    /// Another process holds the registration, and answers.
    #[error(
        "the cluster calls {by} already, at {url}. Stop it first; or, if it shall not be called any more: \
         kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration {DEVELOPMENT_NAME}"
    )]
    Held {
        /// What the configuration says of the process.
        by: String,
        url: String,
    },
}

/// Why a text is no URL for a webhook.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not https://HOST[:PORT][/PATH]: the API server calls only https, without user, query or fragment")]
pub struct InvalidWebhookUrl(String);

impl Registration {
    /// Creates both configurations, or replaces what an earlier process left behind.
    ///
    /// # Errors
    /// When another process holds them, or the API server refuses one; then neither stays.
    pub async fn create(client: Client, kinds: &Kinds, base: WebhookUrl, ca_pem: &[u8]) -> Result<Self, RegisterError> {
        if let Some((by, url)) = holder(&client, &base).await? {
            return Err(RegisterError::Held { by, url });
        }
        let Configurations {
            mut mutating,
            mut validating,
        } = Configurations::new(
            kinds,
            Endpoint::Url {
                base: &base.0,
                ca: ca_pem,
            },
            &Scope::default(),
        );
        let name = this_process();
        for metadata in [&mut mutating.metadata, &mut validating.metadata] {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(HOLDER.to_owned(), name.clone());
        }
        let registration = Self { client, base };
        apply(&registration.client, &validating).await?;
        if let Err(error) = apply(&registration.client, &mutating).await {
            if let Err(left) = registration.remove().await {
                warn!(error = %left, "A webhook configuration stays behind");
            }
            return Err(error);
        }
        info!(url = %registration.base.0, name = DEVELOPMENT_NAME, "Webhook configurations registered");
        Ok(registration)
    }

    /// Removes both configurations, unless another process has made them its own since.
    ///
    /// # Errors
    /// The first refusal of the API server; the other configuration has been tried all the same.
    pub async fn remove(self) -> Result<(), RegisterError> {
        let mutating = remove::<MutatingWebhookConfiguration>(&self.client, &self.base).await;
        let validating = remove::<ValidatingWebhookConfiguration>(&self.client, &self.base).await;
        mutating.and(validating)
    }
}

impl WebhookUrl {
    /// The host by which the API server will call, without brackets around an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.0.strip_prefix("https://").unwrap_or(&self.0);
        let authority = rest.split('/').next().unwrap_or(rest);
        match authority.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or(address),
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    /// Whether somebody accepts connections there.
    async fn answers(&self) -> bool {
        let port = self.0.parse::<http::Uri>().ok().and_then(|uri| uri.port_u16());
        let connect = TcpStream::connect((self.host(), port.unwrap_or(443)));
        matches!(timeout(ANSWERS_WITHIN, connect).await, Ok(Ok(_)))
    }
}

impl std::fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for WebhookUrl {
    type Err = InvalidWebhookUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidWebhookUrl(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| invalid())?;
        let authority = uri.authority().ok_or_else(invalid)?;
        let plain = uri.scheme_str() == Some("https")
            && uri.query().is_none()
            && !authority.as_str().contains('@')
            && !text.contains('#');
        if plain {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(invalid())
        }
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// Who is called now, by its name and its URL, where that is another process that answers: one that was killed is in
/// nobody's way.
async fn holder(client: &Client, base: &WebhookUrl) -> Result<Option<(String, String)>, RegisterError> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let found = api
        .get_opt(DEVELOPMENT_NAME)
        .await
        .map_err(|source| failed::<ValidatingWebhookConfiguration>("read", source))?;
    let Some(found) = found else { return Ok(None) };
    let mut urls = found.client_configs().filter_map(|config| config.url.as_deref());
    let Some(url) = urls.next().and_then(|url| url.rsplit_once('/')).map(|(url, _)| url) else {
        return Ok(None);
    };
    let Ok(theirs) = url.parse::<WebhookUrl>() else {
        return Ok(None);
    };
    if theirs == *base || !theirs.answers().await {
        return Ok(None);
    }
    let by = found.annotations().get(HOLDER);
    let by = by.map_or_else(|| "another process".to_owned(), Clone::clone);
    Ok(Some((by, url.to_owned())))
}

/// What the next process is told of this one.
fn this_process() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() {
        "this machine"
    } else {
        host.trim()
    };
    format!("process {} on {host}", std::process::id())
}

/// The two kinds of configuration, seen alike.
trait Configuration: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned {
    fn client_configs(&self) -> impl Iterator<Item = &WebhookClientConfig>;
}

impl Configuration for MutatingWebhookConfiguration {
    fn client_configs(&self) -> impl Iterator<Item = &WebhookClientConfig> {
        self.webhooks.iter().flatten().map(|webhook| &webhook.client_config)
    }
}

impl Configuration for ValidatingWebhookConfiguration {
    fn client_configs(&self) -> impl Iterator<Item = &WebhookClientConfig> {
        self.webhooks.iter().flatten().map(|webhook| &webhook.client_config)
    }
}

/// Server-side apply: one request that creates, or replaces what we wrote before and drops what we no longer write.
async fn apply<K: Configuration>(client: &Client, configuration: &K) -> Result<(), RegisterError> {
    let api: Api<K> = Api::all(client.clone());
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&configuration.name_any(), &parameters, &Patch::Apply(configuration))
        .await
        .map_err(|source| failed::<K>("apply", source))?;
    Ok(())
}

async fn remove<K: Configuration>(client: &Client, base: &WebhookUrl) -> Result<(), RegisterError> {
    let api: Api<K> = Api::all(client.clone());
    let Some(found) = api
        .get_opt(DEVELOPMENT_NAME)
        .await
        .map_err(|source| failed::<K>("read", source))?
    else {
        return Ok(());
    };
    let ours = |config: &WebhookClientConfig| {
        let rest = config.url.as_deref().and_then(|url| url.strip_prefix(&base.0));
        rest.is_some_and(|path| path.starts_with('/'))
    };
    if !found.client_configs().all(ours) {
        info!(kind = %K::kind(&()), "Left a webhook configuration alone: it points at another process now");
        return Ok(());
    }
    // Between our look and this request the next process may have registered itself.
    let unchanged = Preconditions {
        resource_version: found.resource_version(),
        uid: found.uid(),
    };
    match api
        .delete(DEVELOPMENT_NAME, &DeleteParams::default().preconditions(unchanged))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(failed::<K>("remove", source)),
    }
}

fn failed<K: Configuration>(verb: &'static str, source: kube::Error) -> RegisterError {
    RegisterError::Api {
        verb,
        kind: K::kind(&()).into_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::{Method, Request, Response, StatusCode};
    use http_body_util::BodyExt as _;
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// Method, path and body of every request, in order.
    type Calls = Arc<Mutex<Vec<(Method, String, Value)>>>;

    /// An API server that answers by method and path.
    fn client(answer: fn(&Method, &str) -> (StatusCode, Value)) -> (Client, Calls) {
        let calls = Calls::default();
        let seen = calls.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let seen = seen.clone();
            async move {
                let (parts, body) = request.into_parts();
                let bytes = body.collect().await.unwrap().to_bytes();
                let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                let (status, answer) = answer(&parts.method, parts.uri.path());
                let path = parts.uri.path_and_query().unwrap().to_string();
                seen.lock().unwrap().push((parts.method, path, body));
                let response = Response::builder()
                    .status(status)
                    .body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, std::convert::Infallible>(response.unwrap())
            }
        });
        (Client::new(service, "default"), calls)
    }

    fn found(url: &str) -> Value {
        let webhook = json!({"name": "a.stateward.dev", "clientConfig": {"url": url}, "admissionReviewVersions": [],
            "sideEffects": "None"});
        json!({"metadata": {"name": DEVELOPMENT_NAME, "uid": "u", "resourceVersion": "7"}, "webhooks": [webhook]})
    }

    fn refusal(code: u16, reason: &str) -> Value {
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code,
            "message": "no"})
    }

    fn url() -> WebhookUrl {
        "https://127.0.0.1:8443/".parse().unwrap()
    }

    #[tokio::test]
    async fn applies_both_by_force() {
        let (client, calls) = client(|_, _| (StatusCode::OK, found("https://127.0.0.1:8443/validate")));
        Registration::create(client, Kinds::builtin(), url(), b"pem")
            .await
            .unwrap();
        let calls = calls.lock().unwrap();
        let group = "/apis/admissionregistration.k8s.io/v1";
        let written: Vec<_> = calls.iter().filter(|(method, ..)| method != Method::GET).collect();
        assert_eq!(written.len(), 2);
        for ((method, path, body), kind) in written.into_iter().zip(["validating", "mutating"]) {
            assert_eq!(method, Method::PATCH);
            assert!(
                path.starts_with(&format!("{group}/{kind}webhookconfigurations/stateward-dev?")),
                "{path}"
            );
            assert!(
                path.contains("force=true") && path.contains("fieldManager=stateward"),
                "{path}"
            );
            for webhook in body["webhooks"].as_array().unwrap() {
                assert_eq!(webhook["failurePolicy"], "Ignore");
                assert!(
                    webhook["clientConfig"]["url"]
                        .as_str()
                        .unwrap()
                        .starts_with("https://127.0.0.1:8443/")
                );
            }
        }
    }

    #[tokio::test]
    async fn takes_back_the_first_when_the_second_is_refused() {
        let (client, calls) = client(|method, path| match (method, path) {
            (&Method::PATCH, path) if path.contains("mutating") => (StatusCode::FORBIDDEN, refusal(403, "Forbidden")),
            (_, path) if path.contains("mutating") => (StatusCode::NOT_FOUND, refusal(404, "NotFound")),
            _ => (StatusCode::OK, found("https://127.0.0.1:8443/validate")),
        });
        let error = Registration::create(client, Kinds::builtin(), url(), b"pem")
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot apply the MutatingWebhookConfiguration \"stateward-dev\""
        );
        let calls = calls.lock().unwrap();
        let (method, path, body) = calls.last().unwrap();
        assert_eq!((method, path.contains("validating")), (&Method::DELETE, true));
        assert_eq!(body["preconditions"], json!({"resourceVersion": "7", "uid": "u"}));
    }

    #[tokio::test]
    async fn leaves_what_another_process_registered() {
        let (client, calls) = client(|_, _| (StatusCode::OK, found("https://127.0.0.1:84430/validate")));
        Registration { client, base: url() }.remove().await.unwrap();
        assert!(calls.lock().unwrap().iter().all(|(method, ..)| method == Method::GET));
    }

    #[test]
    fn refuses_what_the_api_server_would_refuse() {
        for text in [
            "http://a",
            "a:8443",
            "https://u@a",
            "https://a?b=c",
            "https://a#b",
            "https://",
        ] {
            assert!(text.parse::<WebhookUrl>().is_err(), "{text}");
        }
        assert_eq!("https://a/b/".parse::<WebhookUrl>().unwrap().0, "https://a/b");
    }
}
