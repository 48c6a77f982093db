//! Whether the bearer of a token may see what a reader of the policies may: asked of the API server, and remembered for a
//! short while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use crate::digest;
use crate::policy::resource::POLICIES;

/// How long an answer counts: somebody who lost the permission sees pages for so long.
const REMEMBERED: Duration = Duration::from_secs(30);
/// So many answers are remembered; whoever sends random tokens fills no memory.
const ANSWERS: usize = 1_000;
/// So many tokens are asked about at once; further ones are not, so that strangers cannot use us against the API server.
const AT_ONCE: usize = 4;
/// Nobody waits longer for a page.
const PATIENCE: Duration = Duration::from_secs(5);
/// No honest token is longer.
const LONGEST: usize = 16 * 1024;

/// What is known of the bearer of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// May list policies.
    Allowed,
    /// Is somebody who may not.
    Forbidden,
    /// Is nobody.
    Nobody,
    /// The API server does not say, or too many are asked about.
    Unanswered,
}

/// Asks about tokens.
pub struct Tokens {
    client: Client,
    /// By digest: a token itself is kept nowhere.
    answers: Mutex<HashMap<String, (Bearer, Instant)>>,
    asking: Semaphore,
}

impl Tokens {
    /// Asks the API server of this client.
    #[must_use]
    pub fn new(client: Client) -> Arc<Self> {
        Arc::new(Self {
            client,
            answers: Mutex::default(),
            asking: Semaphore::new(AT_ONCE),
        })
    }

    /// Who bears a token.
    pub async fn bearer(&self, token: &str) -> Bearer {
        if token.is_empty() || token.len() > LONGEST {
            return Bearer::Nobody;
        }
        let key = digest::source(token);
        if let Some(known) = self.known(&key) {
            return known;
        }
        let Ok(_asking) = self.asking.try_acquire() else {
            return Bearer::Unanswered;
        };
        let bearer = match timeout(PATIENCE, self.ask(token)).await {
            Ok(Ok(bearer)) => bearer,
            Ok(Err(error)) => {
                warn!(%error, "Cannot ask the API server about a token: the dashboard lets nobody in");
                return Bearer::Unanswered;
            }
            Err(_) => return Bearer::Unanswered,
        };
        self.remember(key, bearer);
        bearer
    }

    fn known(&self, key: &str) -> Option<Bearer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (bearer, at) = answers.get(key)?;
        (at.elapsed() < REMEMBERED).then_some(*bearer)
    }

    fn remember(&self, key: String, bearer: Bearer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS {
            answers.retain(|_, (_, at)| at.elapsed() < REMEMBERED);
        }
        if answers.len() < ANSWERS {
            answers.insert(key, (bearer, Instant::now()));
        }
    }

    async fn ask(&self, token: &str) -> Result<Bearer, kube::Error> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: token.to_owned(),
                ..TokenReviewSpec::default()
            },
            ..TokenReview::default()
        };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let status = reviews
            .create(&PostParams::default(), &review)
            .await?
            .status
            .unwrap_or_default();
        let Some(user) = status.user.filter(|_| status.authenticated == Some(true)) else {
            return Ok(Bearer::Nobody);
        };
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let review = reviews.create(&PostParams::default(), &may_list(user)).await?;
        Ok(match review.status {
            Some(status) if status.allowed => Bearer::Allowed,
            _ => Bearer::Forbidden,
        })
    }
}

/// Whether somebody may list policies, as a question.
fn may_list(user: UserInfo) -> SubjectAccessReview {
    let group = POLICIES.name();
    let (resource, group) = group.split_once('.').unwrap_or((&group, ""));
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: user.username,
            groups: user.groups,
            uid: user.uid,
            extra: user.extra,
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                verb: Some("list".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_about_policies() {
        let asked = may_list(UserInfo::default()).spec.resource_attributes.unwrap();
        assert_eq!(asked.resource.as_deref(), Some("workloadpolicies"));
        assert_eq!(asked.group.as_deref(), Some("stateward.dev"));
    }
}
