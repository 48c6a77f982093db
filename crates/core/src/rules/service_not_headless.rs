//! `service-not-headless`: the governing Service gives the pods no names of their own.

use super::kit::{Action, Case, Finding, Rule, Surroundings, governing};
use crate::graph::{Exposure, Features, Field, Service, Workload};

const ONE_POD: usize = 1;

/// See `service-not-headless.md`.
pub(super) static RULE: Rule = Rule {
    id: "service-not-headless",
    summary: "the governing Service of a StatefulSet is not headless",
    page: include_str!("service-not-headless.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Audit).when("one pod"),
    ],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(service) = workload
        .service_name
        .as_deref()
        .and_then(|name| cx.view.service(name).known())
    else {
        return;
    };
    let name = &service.name;
    let (is, path, resolves) = match service.exposure {
        // CoreDNS answers all the same; that is its own doing, and other servers do not.
        Exposure::ClusterIp | Exposure::NodePort => ("has a cluster IP", "/spec/clusterIP", "may not resolve"),
        Exposure::ExternalName => ("is an ExternalName", "/spec/type", "does not resolve"),
        Exposure::Headless => return,
    };
    let pod = format!("{}-{}.{name}", workload.id.name, workload.ordinals().first());
    let finding = Finding::violation(&RULE, &workload.id, name)
        .at("/spec/serviceName")
        .says(
            format!(
                "its governing Service \"{name}\" {is}; only a headless Service is promised a DNS record for each \
                 pod, so {pod} {resolves}"
            ),
            format!("governing Service \"{name}\" {is}; pods may have no names"),
        )
        .remedy(remedy(workload, service, cx))
        .related(governing::reference(name), path, format!("Service {is}"));
    findings.push(if workload.replicas > 1 {
        finding
    } else {
        finding.case(ONE_POD)
    });
}

/// `serviceName` cannot be changed, and a Service of some types cannot become headless.
fn remedy(workload: &Workload, service: &Service, cx: &Surroundings<'_>) -> String {
    let kind = workload.id.kind;
    // What can be changed in a kind that is declared, nobody says.
    let anew = match kind.declared() {
        Some(_) => "",
        None => "; a StatefulSet that exists is deleted with --cascade=orphan and applied anew",
    };
    let field = kind.service_field();
    let name = &service.name;
    if let Some(other) = governing::candidates(workload, cx.view).first() {
        let other = &other.name;
        return format!("Write {field}: {other}, a headless Service that selects these pods{anew}");
    }
    if service.exposure == Exposure::NodePort {
        return format!(
            "Keep Service \"{name}\" for clients, since its type cannot be headless, and name another one in \
             {field}, with clusterIP: None and the selector {}{anew}",
            governing::pairs(governing::selector(workload))
        );
    }
    format!(
        "Recreate Service \"{name}\" under the same name with clusterIP: None (kubectl replace --force): {field} \
         stays, clients of the old address are interrupted"
    )
}
