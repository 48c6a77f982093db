//! The dashboard: pages of what is found in a cluster, kept up to date while they are open. It reads, and writes nothing.
//!
//! ```text
//!  request --> guard --> {overview, namespaces, namespace, workload, rules} --> page
//!  watches, findings, decisions --> pulse --> events --> script --> the same page once more
//! ```
//! Every page is whole without its script, which only brings it up to date.

mod decisions;
mod events;
mod guard;
mod history;
mod markdown;
mod namespace;
mod namespaces;
mod overview;
mod page;
mod pulse;
mod query;
mod replay;
mod rules;
mod sign_in;
mod trend;
mod workload;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::admission::Decisions;
use crate::audit::InForce;
use crate::clock;
use crate::findings::Store;
use crate::graph::{Graph, Overlay};
use crate::judge::Basis;
use crate::output::html;
use crate::picture::STYLE;
use crate::policy::Policies;
use crate::rules::RULES;
use crate::server::admin::Readiness;
use crate::server::shutdown::Shutdown;
pub use guard::Guard;
pub use history::History;
use page::{Place, page};
pub use pulse::Pulse;
use query::Query;

const OWN_STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// So many pages are made at once: each keeps a thread, and requests of the API server come first.
const AT_ONCE: usize = 2;

/// What the pages show.
#[derive(Debug)]
pub struct Dashboard {
    pub graph: Arc<Graph>,
    pub policies: Arc<ArcSwap<Policies>>,
    /// Where the policies are from.
    pub from: Vec<String>,
    pub store: Arc<Store>,
    /// What was decided; `None` where nobody sends requests.
    pub decisions: Option<Arc<Decisions>>,
    pub history: History,
    pub readiness: Readiness,
    pub shutdown: Shutdown,
    pub pulse: Pulse,
    /// What the reader should know of how it all came about.
    pub notes: Vec<String>,
}

impl Dashboard {
    /// Looks at a namespace, if there is one of this name: a snapshot, so that no request waits.
    fn look<T>(&self, namespace: &str, look: impl FnOnce(&Basis<'_>) -> T) -> Option<T> {
        let shard = self.graph.snapshot(namespace)?;
        let (facts, policies, fetched) = (self.graph.facts(), self.policies.load(), Overlay::default());
        Some(look(&Basis {
            shard: &shard,
            facts: &facts,
            fetched: &fetched,
            policies: &policies,
            rules: RULES,
            time: clock::now(),
        }))
    }

    /// The policies in force, and where they are from.
    fn in_force(&self) -> InForce {
        InForce {
            names: self.policies.load().names().map(str::to_owned).collect(),
            from: self.from.clone(),
        }
    }
}

/// The pages, for those whom the guard lets in.
pub fn router(dashboard: Arc<Dashboard>, guard: Arc<Guard>) -> Router {
    let pages = Pages {
        dashboard: dashboard.clone(),
        turns: Arc::new(Semaphore::new(AT_ONCE)),
    };
    let style = format!("{}{STYLE}{OWN_STYLE}", html::STYLE);
    Router::new()
        .route(
            "/",
            get(async |State(pages): State<Pages>| pages.make(overview::page).await),
        )
        .route("/namespaces", get(namespaces_page))
        .route("/namespaces/{namespace}", get(namespace_page))
        .route("/namespaces/{namespace}/{kind}/{name}", get(workload_page))
        .route(
            "/rules",
            get(async |State(pages): State<Pages>| pages.make(rules::all).await),
        )
        .route("/rules/{id}", get(rule_page))
        .route("/decisions", get(decisions_page))
        .route("/replay", get(replay_form).post(replay_answer))
        .with_state(pages)
        .merge(events::router(dashboard))
        .route(sign_in::PATH, post(sign_in::keep))
        .route(
            "/style.css",
            get(async move || ([(CONTENT_TYPE, "text/css; charset=utf-8")], style.clone())),
        )
        .route(
            "/script.js",
            get(async || ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)),
        )
        .route("/icon.svg", get(async || ([(CONTENT_TYPE, "image/svg+xml")], ICON)))
        .fallback(async || missing("There is no such page."))
        .layer(from_fn_with_state(guard, guard::check))
}

/// What a page says, without its frame.
#[derive(Debug)]
struct Content {
    title: String,
    place: Place,
    /// Markup.
    body: String,
}

/// Makes pages, a few at a time, and on no thread that answers others.
#[derive(Clone, Debug)]
struct Pages {
    dashboard: Arc<Dashboard>,
    turns: Arc<Semaphore>,
}

impl Pages {
    async fn make(&self, make: impl FnOnce(&Dashboard) -> Content + Send + 'static) -> Response {
        self.find("", |dashboard| Some(make(dashboard))).await
    }

    /// As [`Pages::make`]; where there is no such page, `why` says so.
    async fn find(&self, why: &str, make: impl FnOnce(&Dashboard) -> Option<Content> + Send + 'static) -> Response {
        let Ok(_turn) = self.turns.acquire().await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        // Before anything is looked at: what comes meanwhile makes the page be asked for again.
        let beat = self.dashboard.pulse.beat();
        let dashboard = self.dashboard.clone();
        match spawn_blocking(move || make(&dashboard).map(|content| page(&content, beat))).await {
            Ok(Some(text)) => html(text),
            Ok(None) => missing(why),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

async fn namespaces_page(State(pages): State<Pages>, RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref());
    pages.make(move |dashboard| namespaces::page(dashboard, &query)).await
}

async fn namespace_page(
    State(pages): State<Pages>,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query::parse(query.as_deref());
    let make = move |dashboard: &Dashboard| namespace::page(dashboard, &namespace, &query);
    pages.find("There is no such namespace.", make).await
}

async fn workload_page(
    State(pages): State<Pages>,
    Path((namespace, kind, name)): Path<(String, String, String)>,
) -> Response {
    let make = move |dashboard: &Dashboard| workload::page(dashboard, &namespace, &kind, &name);
    pages.find("There is no such workload.", make).await
}

async fn decisions_page(State(pages): State<Pages>, RawQuery(query): RawQuery) -> Response {
    let query = Query::parse(query.as_deref());
    pages.make(move |dashboard| decisions::page(dashboard, &query)).await
}

async fn replay_form(State(pages): State<Pages>) -> Response {
    pages.make(|_| replay::form()).await
}

async fn replay_answer(State(pages): State<Pages>, body: Bytes) -> Response {
    pages.make(move |dashboard| replay::answer(dashboard, &body)).await
}

async fn rule_page(State(pages): State<Pages>, Path(id): Path<String>) -> Response {
    pages
        .find("There is no such rule.", move |dashboard| rules::one(dashboard, &id))
        .await
}

fn missing(why: &str) -> Response {
    let content = Content {
        title: "Not here".to_owned(),
        place: Place::Nowhere,
        body: format!("<h1>Not here</h1>\n<p>{why} It may have gone. <a href=\"/\">To the overview</a></p>\n"),
    };
    (StatusCode::NOT_FOUND, html(page(&content, 0))).into_response()
}

fn html(text: String) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}
