//! The one integration test binary.

#![expect(
    unreachable_pub,
    reason = "a test binary exports nothing: `pub` marks what a module offers to the others"
)]

/// Whatever is read, with bytes changed.
mod any_bytes;

/// Attacks on the running program.
mod attack;

/// The pages in a real browser.
mod browser;

/// `stateward check` over files.
mod check;

/// The audit of a live cluster, once.
mod audit;

/// What the page about CI says, run.
mod ci;

/// `stateward convert` over files.
mod convert;

/// The live graph: lists, watches, live reads.
mod cluster;

/// A real OpenTelemetry Collector.
mod collector;

/// The command: its names, its manual.
mod command;

/// A real Kubernetes API server, and what the tests need to use it.
mod controlplane;

/// `stateward check --fix` and `--diff`.
mod fix;

/// Files in git that a generator writes.
mod generated;

/// The dashboard, as a browser sees it.
mod dashboard;

/// Flux and Argo CD, as far as they apply.
mod gitops;

/// A StatefulSet, its name and its governing Service.
mod identity;

/// What cannot change in a StatefulSet, as the API server sees it.
mod immutable;

/// The image: the script that builds it, and the Dockerfile.
mod image;

/// `certs/make.sh`.
mod certificates;

/// The Helm chart.
mod chart;

/// Pictures of namespaces, and the commands that draw them.
mod pictures;

/// What `stateward manifests` prints.
mod install;

/// Kinds as data: one that nobody built in.
mod kinds;

/// The laws of the house: imports, files, rules, documents.
mod laws;

/// The metrics pack: rules, dashboard, what is scraped.
mod metrics;

/// Policies: parser, schema and page.
mod policies;

/// What holds for every world and every request.
mod properties;

/// Kubernetes' own controllers judge our verdicts.
mod oracle;

/// Generated StatefulSets through the defaults: create, replace, update.
mod properties_defaults;

/// The script that packs a release.
mod release;

/// Remedies, followed before a real API server.
mod remedies;

/// The rules' pages, executed.
mod rules;

/// The whole program before a real API server, as kubectl sees it.
mod served;

/// The server on real sockets.
mod server;

/// What strangers can do who reach the port.
mod strangers;

/// Which requests the API server sends to us.
mod webhooks;

/// Who is told of reviews, for traces.
mod traces;

/// Small worlds, and webhooks that know them.
mod support;

/// What an installation says whose certificate is of others.
mod whose_certificate;

/// What a broken or hostile client may send.
mod wire_abuse;

/// `.github/workflows`.
mod workflows;
