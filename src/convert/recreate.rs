//! A StatefulSet with changed fields that cannot be changed: made anew around its pods, which stay.

use serde_json::Value as Json;

use super::differences::Differences;
use super::object::{Object, is_name, text};
use super::plan::{Back, Check, Command, Down, Plan, Step};
use super::shell::Shell;
use super::{Conversion, Fate, Request, Scope};

/// The old one, the new one, and what lies between.
struct Recreation<'o> {
    now: &'o Object,
    wanted: Json,
    differences: Differences,
    /// Claims that are to be larger, with how much.
    claims: Vec<(String, String)>,
    pods: Vec<String>,
    shell: Shell<'o>,
}

pub(super) fn convert(request: Request<'_>, wanted: &Json) -> Result<Conversion, Vec<String>> {
    let now = &request.objects[request.subject];
    let mut obstacles = Vec::new();
    let wanted = Object {
        namespace: now.namespace.clone(),
        json: wanted.clone(),
    }
    .cleaned();
    if text(&wanted, "/kind") != "StatefulSet" || text(&wanted, "/metadata/name") != now.name() {
        return Err(vec![format!(
            "{} {} was given for it with --wanted, and no StatefulSet {}",
            text(&wanted, "/kind"),
            text(&wanted, "/metadata/name"),
            now.name()
        )]);
    }
    if !is_name(now.name()) {
        obstacles.push("it has a name that Kubernetes refuses".to_owned());
    }
    obstacles.extend(now.maker());
    let differences = match Differences::between(now, &wanted) {
        Ok(differences) if obstacles.is_empty() => differences,
        Ok(_) => return Err(obstacles),
        Err(more) => return Err([obstacles, more].concat()),
    };
    let ordinals = ordinals(now);
    let pods = ordinals
        .clone()
        .map(|ordinal| format!("{}-{ordinal}", now.name()))
        .collect();
    let mut claims = Vec::new();
    for (template, size) in &differences.grown {
        let prefix = format!("{template}-{}-", now.name());
        let known = request.objects.iter().filter(|object| {
            object.is("", "PersistentVolumeClaim")
                && object.namespace == now.namespace
                && object
                    .name()
                    .strip_prefix(&prefix)
                    .is_some_and(|ordinal| ordinal.parse::<u32>().is_ok())
        });
        let mut names: Vec<String> = match request.scope {
            Scope::Namespace => known.map(|claim| claim.name().to_owned()).collect(),
            Scope::Files => ordinals.clone().map(|ordinal| format!("{prefix}{ordinal}")).collect(),
        };
        names.sort_by_key(|name| name.rsplit('-').next().and_then(|ordinal| ordinal.parse::<u32>().ok()));
        claims.extend(names.into_iter().map(|name| (name, size.clone())));
    }
    let mut notes = notes(request, &wanted, &differences);
    if request.scope == Scope::Files && !claims.is_empty() {
        notes.push(
            "the claims are those of the replicas in the files; --from-cluster finds all that there are".to_owned(),
        );
    }
    let shell = Shell(&now.namespace);
    let recreation = Recreation {
        now,
        wanted,
        differences,
        claims,
        pods,
        shell,
    };
    let mut fates = vec![Fate::Same; request.objects.len()];
    fates[request.subject] = Fate::Becomes(recreation.wanted.clone());
    Ok(Conversion {
        fates,
        added: Vec::new(),
        plan: recreation.plan(notes),
    })
}

fn notes(request: Request<'_>, wanted: &Json, differences: &Differences) -> Vec<String> {
    let now = &request.objects[request.subject];
    let mut notes = now.managers();
    let service = text(wanted, "/spec/serviceName");
    let there = request
        .objects
        .iter()
        .any(|object| object.is("", "Service") && object.namespace == now.namespace && object.name() == service);
    if differences.fields.contains(&"serviceName") {
        if !there {
            notes.push(format!(
                "Service {service} has to be there: create it first, headless, with the labels of the pods"
            ));
        }
        if !rolls(wanted) && !differences.stops() {
            notes.push(format!(
                "its updateStrategy starts no pod again by itself: each answers to {service} once you have deleted it"
            ));
        }
        notes.push(format!(
            "the pods' host names end in {service} from now on: whoever calls them by name has to know"
        ));
    }
    for template in &differences.added {
        let prefix = format!("{template}-{}-", now.name());
        let is_one = |object: &&Object| {
            object.is("", "PersistentVolumeClaim")
                && object.namespace == now.namespace
                && object.name().starts_with(&prefix)
        };
        if let Some(claim) = request.objects.iter().find(is_one) {
            notes.push(format!(
                "claim {} is there already: pods start on what is on claims of that name",
                claim.name()
            ));
        }
    }
    for template in &differences.removed {
        notes.push(format!(
            "the claims of {template} stay behind, with all that is on them: nothing deletes them"
        ));
    }
    notes
}

/// Whether a change of its template reaches all of its pods.
fn rolls(wanted: &Json) -> bool {
    let strategy = &wanted["spec"]["updateStrategy"];
    strategy["type"] != "OnDelete" && strategy["rollingUpdate"]["partition"].as_u64().unwrap_or_default() == 0
}

/// The ordinals of its pods.
fn ordinals(now: &Object) -> std::ops::Range<u64> {
    let spec = &now.json["spec"];
    let start = spec["ordinals"]["start"].as_u64().unwrap_or_default();
    start..start + spec["replicas"].as_u64().unwrap_or(1)
}

impl Recreation<'_> {
    fn plan(&self, notes: Vec<String>) -> Plan {
        let (namespace, name) = (&self.now.namespace, self.now.name());
        let stays = if self.differences.stops() {
            "its volumes stay"
        } else {
            "its pods and volumes stay"
        };
        let mut steps: Vec<Step> = self.expand().into_iter().collect();
        steps.push(self.orphan());
        steps.extend(self.stop());
        steps.push(self.create());
        steps.extend(self.restart());
        if let Some(first) = steps.first_mut() {
            first.learn.push((
                "replicas".to_owned(),
                self.shell.field("statefulset", name, "{.spec.replicas}"),
            ));
        }
        Plan {
            namespace: namespace.clone(),
            id: format!("convert-statefulset-{name}"),
            title: format!(
                "StatefulSet {namespace}/{name} is made anew with {}; {stays}",
                self.differences.words()
            ),
            notes,
            steps,
        }
    }

    /// Larger claims first: a claim template reaches only claims that are still to be made.
    fn expand(&self) -> Option<Step> {
        if self.claims.is_empty() {
            return None;
        }
        let (mut learn, mut before, mut run, mut after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, (claim, size)) in (1..).zip(&self.claims) {
            let class = self
                .shell
                .field("persistentvolumeclaim", claim, "{.spec.storageClassName}");
            learn.push((
                format!("size{number}"),
                self.shell
                    .field("persistentvolumeclaim", claim, "{.status.capacity.storage}"),
            ));
            before.push(Check::new(
                format!("the class of claim {claim} lets it grow"),
                format!("kubectl get storageclass \"$({class})\" -o jsonpath='{{.allowVolumeExpansion}}'"),
                "true",
            ));
            let patch = format!("{{\"spec\":{{\"resources\":{{\"requests\":{{\"storage\":\"{size}\"}}}}}}}}");
            run.push(
                self.shell
                    .line(&format!("patch persistentvolumeclaim {claim} -p '{patch}'")),
            );
            // A driver may round up; and some file systems grow only when the pod starts again.
            let template = format!(
                "{{{{if ne .status.capacity.storage \"'\"$size{number}\"'\"}}}}true\
                 {{{{else if eq .status.capacity.storage \"{size}\"}}}}true\
                 {{{{else}}}}{{{{range .status.conditions}}}}{{{{if eq .type \"FileSystemResizePending\"}}}}true{{{{end}}}}{{{{end}}}}\
                 {{{{end}}}}"
            );
            let command = self.shell.shown("persistentvolumeclaim", claim, &template);
            after.push(Check::new(
                format!("the volume of claim {claim} has grown"),
                command,
                "true",
            ));
        }
        Some(Step {
            title: "Let the claims grow".to_owned(),
            why: "A claim template reaches no claim that is there already, so each is asked for more by itself."
                .to_owned(),
            down: Down::Nothing,
            learn,
            before,
            run,
            after,
            back: Back {
                says: "Nothing is done: a volume does not shrink, and a larger one does no harm.".to_owned(),
                ..Back::default()
            },
        })
    }

    fn orphan(&self) -> Step {
        let name = self.now.name();
        Step {
            title: "Delete the StatefulSet, and leave its pods".to_owned(),
            why: "Its pods run on by themselves, with their volumes (--cascade=orphan).".to_owned(),
            down: Down::Begins(
                "nothing; but a pod that ends is not replaced before the StatefulSet is back".to_owned(),
            ),
            learn: Vec::new(),
            before: Vec::new(),
            run: vec![self.shell.line(&format!(
                "delete statefulset {name} --ignore-not-found --cascade=orphan"
            ))],
            after: vec![self.shell.none("statefulset", name)],
            back: Back {
                says: "The StatefulSet is made again as it was, and takes its pods back.".to_owned(),
                run: vec![Command::apply([self.now.cleaned()])],
                after: vec![
                    Check::new("its pods are ready", self.shell.ready("statefulset", name), "$replicas"),
                    self.shell.complete("statefulset", name),
                ],
            },
        }
    }

    /// Ends the pods, where the new StatefulSet cannot take them over.
    fn stop(&self) -> Option<Step> {
        if !self.differences.stops() || self.pods.is_empty() {
            return None;
        }
        let why = if self.differences.loses_pods {
            "The new selector does not select them, and a pod of the same name cannot be there twice."
        } else {
            "A pod is not given another volume while it runs."
        };
        Some(Step {
            title: "End the pods".to_owned(),
            why: why.to_owned(),
            down: Down::Begins(format!(
                "{}, from here until the new StatefulSet has started them",
                self.now.name()
            )),
            learn: Vec::new(),
            before: vec![self.shell.none("statefulset", self.now.name())],
            run: vec![self.end_pods()],
            after: self.pods.iter().map(|pod| self.shell.none("pod", pod)).collect(),
            back: Back {
                says: "The pods are started by the StatefulSet once it is back, which is next.".to_owned(),
                ..Back::default()
            },
        })
    }

    fn end_pods(&self) -> Command {
        self.shell
            .line(&format!("delete pod {} --ignore-not-found", self.pods.join(" ")))
    }

    fn create(&self) -> Step {
        let name = self.now.name();
        let stops = self.differences.stops();
        let mut run = vec![self.shell.line(&format!(
            "delete statefulset {name} --ignore-not-found --cascade=orphan"
        ))];
        if stops {
            run.push(self.end_pods());
        }
        Step {
            title: "Make the StatefulSet as it shall be".to_owned(),
            why: if stops {
                "It starts its pods on the claims that it finds by their names."
            } else {
                "It finds its pods and claims by labels and names, and takes them over as they run."
            }
            .to_owned(),
            down: if stops {
                Down::Ends(format!("{name}, until its pods are ready"))
            } else {
                Down::Nothing
            },
            learn: Vec::new(),
            before: Vec::new(),
            run: vec![Command::apply([self.wanted.clone()])],
            after: vec![self.shell.complete("statefulset", name)],
            back: Back {
                says: match (&self.differences.added[..], stops) {
                    ([], true) => "The StatefulSet goes, and its pods end.".to_owned(),
                    ([], false) => "The StatefulSet goes, and leaves its pods.".to_owned(),
                    (added, _) => format!(
                        "The StatefulSet goes, and its pods end; the claims of {} stay until you delete them.",
                        added.join(", ")
                    ),
                },
                run,
                after: Vec::new(),
            },
        }
    }

    /// A pod's name in DNS is written when it starts.
    fn restart(&self) -> Option<Step> {
        let name = self.now.name();
        let needed = self.differences.fields.contains(&"serviceName") && !self.differences.stops();
        (needed && rolls(&self.wanted)).then(|| Step {
            title: "Start the pods again, one after the other".to_owned(),
            why: "A pod learns the name of its Service when it starts; until then it answers to the old one."
                .to_owned(),
            down: Down::Begins("one pod at a time, while it starts".to_owned()),
            learn: Vec::new(),
            before: Vec::new(),
            run: vec![self.shell.line(&format!("rollout restart statefulset {name}"))],
            after: vec![self.shell.rolled(name), self.shell.complete("statefulset", name)],
            back: Back {
                says: "Nothing is done yet: the old StatefulSet starts them again, one after the other.".to_owned(),
                ..Back::default()
            },
        })
    }
}
