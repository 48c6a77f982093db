//! Reviews are spans at a real OpenTelemetry Collector, in the traces of those who asked for them.

use kube::Client;

use super::objects::{claim, deployment};
use super::{Served, workshop};
use crate::collector::{Collector, Span, assert_told, uid_of};
use crate::controlplane::ControlPlane;
use crate::controlplane::process::Scratch;

const PARENT: &str = "00f067aa0ba902b7";
const RECORDED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNRECORDED: &str = "4bf92f3577b34da6a3ce929d0e0e4737";

/// A namespace with a Deployment of one replica, which may have no more.
async fn shop(cluster: &ControlPlane) -> String {
    let namespace = cluster.namespace("shop").await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)].join("\n---\n");
    let create = ["create", "-n", &namespace, "-f", "-"];
    cluster.kubectl_stdin(create, &objects).await.succeeded();
    namespace
}

/// Is refused to scale it up, as part of a trace.
async fn scale(client: &Client, namespace: &str, traceparent: &str) {
    let url = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web/scale");
    let request = http::Request::patch(url)
        .header("content-type", "application/merge-patch+json")
        .header("traceparent", traceparent)
        .body(br#"{"spec":{"replicas":3}}"#.to_vec());
    let refused = client.request_text(request.expect("a request")).await;
    let refused = refused.expect_err("three replicas on one disk").to_string();
    assert!(refused.contains("rwo-replicas"), "{refused}");
}

fn is_of(span: &Span, namespace: &str, decision: &str) -> bool {
    let says = |attribute: &str, value: &str| span.attributes.get(attribute).is_some_and(|told| told == value);
    says("k8s.namespace.name", namespace) && says("stateward.decision", decision)
}

#[tokio::test]
async fn a_denial_is_a_span_of_the_trace_of_its_request() {
    let cluster = workshop().await;
    let mut collector = Collector::new();
    collector.start().await;
    let url = collector.url();
    let arguments = ["--shutdown-delay=0", "--otlp-traces", &url, "--cluster-name=north"];
    let served = Served::start(&cluster, &arguments).await;
    let namespace = shop(&cluster).await;

    // An API server that does not trace hands on what its client says.
    let client = cluster.client().await;
    scale(&client, &namespace, &format!("00-{UNRECORDED}-{PARENT}-00")).await;
    scale(&client, &namespace, &format!("00-{RECORDED}-{PARENT}-01")).await;
    let span = collector
        .span("the denial's span", |span| is_of(span, &namespace, "deny"))
        .await;
    assert_eq!(span.fields["traceId"], RECORDED, "{span:?}");
    assert_eq!(span.fields["parentSpanId"], PARENT, "{span:?}");
    assert_eq!(span.fields["kind"], 2, "{span:?}");
    assert!(span.fields["status"]["code"].is_null(), "{span:?}");
    let uid = uid_of(&cluster).await;
    let expected = [
        ("k8s.cluster.uid", &*uid),
        ("k8s.cluster.name", "north"),
        ("service.name", "stateward"),
        ("stateward.findings", "rwo-replicas=Deny"),
        ("stateward.operation", "UPDATE"),
        ("stateward.resource", "deployments.apps/scale"),
        ("stateward.dry_run", "false"),
        ("k8s.object.kind", "Scale"),
        ("k8s.object.name", "web"),
    ];
    assert_told(&span.attributes, &expected);
    // By the uid the line in the log is found.
    let line = served
        .logged(|line| line["message"] == "Decided" && line["uid"] == *span.attributes["stateward.request.uid"])
        .await;
    assert_eq!(line["workloads"], "Deployment/web", "{line}");

    // What had no parent is the root of a trace, and what is not recorded leaves no span.
    let allowed = |span: &Span| is_of(span, &namespace, "allow") && span.attributes["k8s.object.kind"] == "Deployment";
    let root = collector.span("the span of what was allowed", allowed).await;
    assert_eq!(root.fields["parentSpanId"].as_str().unwrap_or_default(), "", "{root:?}");
    assert_ne!(root.fields["traceId"], RECORDED, "{root:?}");
    let unrecorded = collector
        .spans()
        .into_iter()
        .find(|span| span.fields["traceId"] == UNRECORDED);
    assert!(unrecorded.is_none(), "{unrecorded:?}");

    let metrics = served.metrics().await;
    let count = |result| metrics.series("stateward_otlp_spans_total", &[("result", result)]);
    assert!(count("sent") > Some(1.0), "{:?}", count("sent"));
    assert_eq!((count("dropped"), count("refused")), (Some(0.0), Some(0.0)));

    // What waits when the process ends is sent.
    let last = RECORDED.replace('4', "5");
    scale(&client, &namespace, &format!("00-{last}-{PARENT}-01")).await;
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
    collector
        .span("the last span", |span| span.fields["traceId"] == *last)
        .await;
}

#[tokio::test]
async fn the_traces_of_an_api_server_go_on_in_ours() {
    let mut collector = Collector::new();
    collector.start().await;
    let scratch = Scratch::new().expect("a directory can be made");
    let page = include_str!("../../../docs/logs.md");
    let (_, block) = page
        .split_once("```yaml\napiVersion: apiserver")
        .expect("a configuration");
    let block = block.split("```").next().unwrap_or_default();
    let config = format!("apiVersion: apiserver{block}")
        .replace("localhost:4317", &collector.grpc_address())
        .replace("samplingRatePerMillion: 10000", "samplingRatePerMillion: 1000000");
    let config = scratch.write("tracing.yaml", config).expect("a file");
    let cluster = ControlPlane::start_with([format!("--tracing-config-file={}", config.display())]).await;
    let url = collector.url();
    let _served = Served::start(&cluster, &["--otlp-traces", &url]).await;
    let namespace = shop(&cluster).await;
    let scale = ["scale", "deployment", "web", "--replicas=3", "-n", &namespace];
    cluster.kubectl(scale).await.failed();

    let ours = collector
        .span("the denial's span", |span| is_of(span, &namespace, "deny"))
        .await;
    let parent = collector
        .span("the span of the API server's call", |span| {
            span.fields["spanId"] == ours.fields["parentSpanId"]
        })
        .await;
    assert_eq!(parent.fields["traceId"], ours.fields["traceId"], "{parent:?}");
    assert_eq!(parent.attributes["service.name"], "apiserver", "{parent:?}");
}
