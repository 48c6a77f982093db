//! What plans say to kubectl.

use super::plan::{Check, Command};

/// Commands of a namespace.
#[derive(Clone, Copy)]
pub(super) struct Shell<'n>(pub(super) &'n str);

impl Shell<'_> {
    pub(super) fn kubectl(self, what: &str) -> String {
        format!("kubectl -n {} {what}", self.0)
    }

    pub(super) fn line(self, what: &str) -> Command {
        Command::line(self.kubectl(what))
    }

    /// Prints a field of an object.
    pub(super) fn field(self, resource: &str, name: &str, path: &str) -> String {
        format!(
            "{} -o jsonpath='{path}'",
            self.kubectl(&format!("get {resource} {name}"))
        )
    }

    /// Prints an object by a Go template.
    pub(super) fn shown(self, resource: &str, name: &str, template: &str) -> String {
        let get = self.kubectl(&format!("get {resource} {name}"));
        format!("{get} -o go-template='{template}'")
    }

    /// How many pods of a workload are ready.
    pub(super) fn ready(self, resource: &str, name: &str) -> String {
        self.shown(resource, name, "{{or .status.readyReplicas 0}}")
    }

    /// That a StatefulSet has no pod of an older template.
    pub(super) fn rolled(self, name: &str) -> Check {
        let template = "{{and (eq (print .metadata.generation) (print .status.observedGeneration)) \
                        (eq .status.currentRevision .status.updateRevision)}}";
        Check::new(
            format!("all pods of statefulset {name} were started again"),
            self.shown("statefulset", name, template),
            "true",
        )
    }

    /// That all pods that a workload asks for are there and ready.
    pub(super) fn complete(self, resource: &str, name: &str) -> Check {
        let template = "{{and (eq (print .metadata.generation) (print .status.observedGeneration)) \
                        (eq (print (or .status.readyReplicas 0)) (print .spec.replicas))}}";
        let command = self.shown(resource, name, template);
        Check::new(format!("all pods of {resource} {name} are ready"), command, "true")
    }

    /// That an object is not there.
    pub(super) fn none(self, resource: &str, name: &str) -> Check {
        let get = self.kubectl(&format!("get {resource} {name}"));
        Check::new(
            format!("there is no {resource} {name}"),
            format!("{get} --ignore-not-found -o name"),
            "",
        )
    }

    /// That no pod uses a claim; those that have ended do not.
    pub(super) fn unused(self, claim: &str) -> Check {
        let template = format!(
            "{{{{range .items}}}}{{{{$pod := .metadata.name}}}}{{{{range .spec.volumes}}}}{{{{with .persistentVolumeClaim}}}}\
             {{{{if eq .claimName \"{claim}\"}}}}{{{{$pod}}}} {{{{end}}}}{{{{end}}}}{{{{end}}}}{{{{end}}}}"
        );
        let command = format!(
            "{} --field-selector=status.phase!=Succeeded,status.phase!=Failed -o go-template='{template}'",
            self.kubectl("get pods")
        );
        Check::new(format!("no pod uses claim {claim}"), command, "")
    }
}
