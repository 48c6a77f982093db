//! Who may see the pages from elsewhere: asked of a real API server.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use stateward::cluster::access::{Bearer, Tokens};
use stateward::dashboard::{Dashboard, Guard, History, Pulse, router};
use stateward::findings::Store;
use stateward::graph::{Facts, Graph, Knowledge};
use stateward::policy::Policies;
use stateward::rules::RULES;
use stateward::server::admin::Readiness;
use stateward::server::shutdown::Shutdown;
use tower::ServiceExt as _;

use crate::controlplane::{ControlPlane, eventually};

/// The pages of an empty cluster.
fn pages(guard: Guard) -> Router {
    let history = History::default();
    let shutdown = Shutdown::new();
    let dashboard = Dashboard {
        graph: Arc::new(Graph::new(Facts::new(Knowledge::Complete))),
        policies: Arc::new(ArcSwap::from_pointee(Policies::new(Vec::new(), RULES))),
        from: Vec::new(),
        store: Arc::new(Store::at_once(Vec::new())),
        decisions: None,
        history,
        readiness: Readiness::new(shutdown.clone()),
        shutdown,
        pulse: Pulse::default(),
        notes: Vec::new(),
    };
    router(Arc::new(dashboard), Arc::new(guard))
}

/// A token of a new service account.
pub async fn token(cluster: &ControlPlane, namespace: &str, account: &str) -> String {
    let created = cluster
        .kubectl(["create", "serviceaccount", "-n", namespace, account])
        .await;
    created.succeeded();
    let token = cluster.kubectl(["create", "token", "-n", namespace, account]).await;
    token.succeeded().stdout.trim().to_owned()
}

#[tokio::test]
async fn a_token_of_who_may_list_policies_is_let_in_and_no_other() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("tokens").await;
    let (reader, other) = (
        token(cluster, &namespace, "reader").await,
        token(cluster, &namespace, "other").await,
    );
    let role = format!("reads-policies-{namespace}");
    let rule = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {role}}}\n\
         rules: [{{apiGroups: [stateward.dev], resources: [workloadpolicies], verbs: [list]}}]\n"
    );
    cluster.kubectl_stdin(["create", "-f", "-"], &rule).await.succeeded();
    let (of, account) = (
        format!("--clusterrole={role}"),
        format!("--serviceaccount={namespace}:reader"),
    );
    let bind = ["create", "clusterrolebinding", &role, &of, &account];
    cluster.kubectl(bind).await.succeeded();

    let tokens = Tokens::new(cluster.client().await);
    eventually("the new binding", async || {
        // An answer is remembered, so that each look asks anew.
        let tokens = Tokens::new(cluster.client().await);
        (tokens.bearer(&reader).await == Bearer::Allowed).then_some(())
    })
    .await;
    assert_eq!(tokens.bearer(&reader).await, Bearer::Allowed);
    assert_eq!(tokens.bearer(&other).await, Bearer::Forbidden);
    assert_eq!(tokens.bearer("abc").await, Bearer::Nobody);
    assert_eq!(tokens.bearer("").await, Bearer::Nobody);

    let pages = pages(Guard::Tokens(tokens));
    let asked = async |path: &str, header: Option<(&str, String)>| {
        let mut request = Request::builder().uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = pages
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert!(answer.headers().contains_key("content-security-policy"));
        answer.status()
    };
    for path in ["/", "/namespaces", "/rules", "/events", "/decisions"] {
        assert_eq!(asked(path, None).await, StatusCode::UNAUTHORIZED, "{path}");
        let bearer = |token: &str| Some(("authorization", format!("Bearer {token}")));
        assert_eq!(asked(path, bearer("abc")).await, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(asked(path, bearer(&other)).await, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(asked(path, bearer(&reader)).await, StatusCode::OK, "{path}");
        let cookie = Some(("cookie", format!("__Host-stateward={reader}")));
        assert_eq!(asked(path, cookie).await, StatusCode::OK, "{path}");
    }
    assert_eq!(asked("/style.css", None).await, StatusCode::OK);
}
