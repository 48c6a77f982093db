//! The steps from a Deployment to a StatefulSet, which keeps its volumes or gets copies of them.
//!
//! A volume that is kept goes from claim to claim by its `claimRef`: first it is to be kept whatever becomes of its claim (`Retain`),
//! then the claim goes, then the `claimRef` names the next one, which names the volume. Never the other way round: a
//! claim that is bound to a volume that speaks of another one is `Lost` for ever (kube-controller-manager,
//! `pv_controller.go`, `syncBoundClaim`).

use serde_json::{Value as Json, json};

use super::Data;
use super::object::{Object, text};
use super::plan::{Back, Check, Command, Down, Plan, Step};
use super::shell::Shell;

/// What a Deployment becomes, and everything that has to do with it.
pub(super) struct Move<'o> {
    pub(super) subject: &'o Object,
    pub(super) statefulset: &'o Json,
    /// The headless Service, if it is new.
    pub(super) service: Option<&'o Json>,
    pub(super) moved: Vec<Moved>,
    pub(super) data: Data,
    /// Others as they are and as they will be.
    pub(super) referring: Vec<(Json, Json)>,
    pub(super) notes: Vec<String>,
}

/// A claim, and the one that takes its volume over.
pub(super) struct Moved {
    pub(super) old: Json,
    pub(super) new: Json,
}

impl Move<'_> {
    pub(super) fn plan(self) -> Plan {
        let (namespace, name) = (self.subject.namespace.clone(), self.subject.name());
        let mut steps = Vec::new();
        if self.data == Data::Keep {
            steps.push(self.retain());
        }
        steps.extend(self.refer());
        steps.push(self.stop());
        steps.push(match self.data {
            Data::Copy => self.copy(),
            Data::Keep => self.hand_over(),
            Data::Snapshot => self.snapshot(),
        });
        steps.extend([self.start(), self.let_go()]);
        if let Some(first) = steps.first_mut() {
            let replicas = self.shell().field("deployment", name, "{.spec.replicas}");
            first.learn.insert(0, ("replicas".to_owned(), replicas));
            first.before.splice(0..0, self.room());
        }
        let volumes = if self.moved.len() == 1 { "volume" } else { "volumes" };
        Plan {
            id: format!("convert-deployment-{name}"),
            title: format!(
                "Deployment {namespace}/{name} becomes a StatefulSet whose first pod has {}",
                match self.data {
                    Data::Keep => format!("the same {volumes}"),
                    Data::Copy => format!("a copy of the {volumes}"),
                    Data::Snapshot => format!("the {volumes} of a snapshot"),
                }
            ),
            namespace,
            notes: self.notes,
            steps,
        }
    }

    fn retain(&self) -> Step {
        let (mut learn, mut run, mut after, mut back) = (Vec::new(), Vec::new(), Vec::new(), Back::default());
        for (number, moved) in (1..).zip(&self.moved) {
            let old = moved.claim();
            learn.push((
                format!("volume{number}"),
                self.shell().field("persistentvolumeclaim", old, "{.spec.volumeName}"),
            ));
            learn.push((format!("reclaim{number}"), policy(number)));
            run.push(set_policy(number, "Retain"));
            after.push(is_kept(number));
            back.run.push(set_policy(number, &format!("$reclaim{number}")));
            back.after.push(Check::new(
                "the reclaim policy is what it was",
                policy(number),
                format!("$reclaim{number}"),
            ));
        }
        back.says = "The reclaim policy becomes what it was.".to_owned();
        Step {
            title: "Keep the volumes, whatever becomes of their claims".to_owned(),
            why: "The reclaim policy becomes Retain, so that a volume outlives its claim; it is put back in the last step."
                .to_owned(),
            down: Down::Nothing,
            learn,
            before: Vec::new(),
            run,
            after,
            back,
        }
    }

    /// That nobody has the names that are needed, and that there is something to move.
    fn room(&self) -> Vec<Check> {
        let mut room = vec![self.shell().none("statefulset", self.subject.name())];
        if let Some(service) = self.service {
            room.push(self.shell().none("service", text(service, "/metadata/name")));
        }
        for moved in &self.moved {
            room.push(self.is_bound(moved.claim()));
            room.push(self.shell().none("persistentvolumeclaim", moved.heir()));
        }
        room
    }

    /// Points others at what will be, if there are any.
    fn refer(&self) -> Option<Step> {
        if self.referring.is_empty() {
            return None;
        }
        let titles: Vec<String> = self
            .referring
            .iter()
            .map(|(_, new)| format!("{} {}", text(new, "/kind"), text(new, "/metadata/name")))
            .collect();
        Some(Step {
            title: format!("Point {} at what will be", titles.join(", ")),
            why: "From now on nobody scales the Deployment, and no further job starts on its claim; those of the StatefulSet \
                  wait for it."
                .to_owned(),
            down: Down::Nothing,
            learn: Vec::new(),
            before: Vec::new(),
            run: vec![Command::apply(self.referring.iter().map(|(_, new)| new.clone()))],
            after: Vec::new(),
            back: Back {
                says: "They are what they were.".to_owned(),
                run: vec![Command::apply(self.referring.iter().map(|(old, _)| old.clone()))],
                after: Vec::new(),
            },
        })
    }

    fn stop(&self) -> Step {
        let name = self.subject.name();
        Step {
            title: "Stop the Deployment".to_owned(),
            why: "Its pods end in order, and the volumes are detached. The Deployment stays, with no pods.".to_owned(),
            down: Down::Begins(format!("{name}, from here until the StatefulSet runs: some minutes")),
            learn: Vec::new(),
            before: self.kept(),
            run: vec![self.shell().line(&format!("scale deployment {name} --replicas=0"))],
            after: self.all_unused(),
            back: Back {
                says: "The Deployment gets its pods again.".to_owned(),
                run: vec![
                    self.shell()
                        .line(&format!("scale deployment {name} --replicas=\"$replicas\"")),
                ],
                after: vec![Check::new(
                    "its pods are ready",
                    self.shell().ready("deployment", name),
                    "$replicas",
                )],
            },
        }
    }

    fn hand_over(&self) -> Step {
        let mut before = self.kept();
        let (mut run, mut after, mut back) = (Vec::new(), Vec::new(), Back::default());
        for (number, moved) in (1..).zip(&self.moved) {
            let (old, new) = (moved.claim(), moved.heir());
            before.push(self.shell().unused(old));
            run.extend(self.rebind(number, old, &moved.new));
            after.extend(self.bound(number, new));
            back.run.push(set_policy(number, "Retain"));
            back.run.extend(self.rebind(number, new, &moved.old));
            back.after.extend(self.bound(number, old));
        }
        back.says = "The claims have their old names again, with the same volumes.".to_owned();
        Step {
            title: "Hand the volumes over to the claims of the first pod".to_owned(),
            why:
                "A claim cannot be renamed. It is deleted, its volume stays because of Retain, and is promised to the \
                  new claim by its claimRef, so that nobody else can have it."
                    .to_owned(),
            down: Down::Still,
            learn: Vec::new(),
            before,
            run,
            after,
            back,
        }
    }

    fn start(&self) -> Step {
        let name = self.subject.name();
        let objects = self.service.cloned().into_iter().chain([self.statefulset.clone()]);
        let runs = self.statefulset["spec"]["replicas"].as_u64() != Some(0);
        let mut after = Vec::new();
        if runs {
            let ready = "{.status.conditions[?(@.type==\"Ready\")].status}";
            let pod = format!("{name}-0");
            after.push(Check::new(
                format!("{pod} is ready"),
                self.shell().field("pod", &pod, ready),
                "True",
            ));
        }
        for (number, moved) in (1..).zip(&self.moved) {
            after.extend(self.bound(number, moved.heir()));
        }
        let mut run = vec![self.shell().line(&format!(
            "delete statefulset {name} --ignore-not-found --cascade=foreground"
        ))];
        if let Some(service) = self.service {
            let service = text(service, "/metadata/name");
            run.push(
                self.shell()
                    .line(&format!("delete service {service} --ignore-not-found")),
            );
        }
        Step {
            title: "Start the StatefulSet".to_owned(),
            why: "It finds the first pod's claims by their names and makes no others for it.".to_owned(),
            down: Down::Ends(format!("{name}, until its first pod is ready")),
            learn: Vec::new(),
            before: Vec::new(),
            run: vec![Command::apply(objects)],
            after,
            back: Back {
                says: match self.data {
                    Data::Keep => "The StatefulSet ends; the claims stay, and what was written meanwhile is on the volumes.",
                    Data::Copy | Data::Snapshot => {
                        "The StatefulSet ends. What was written meanwhile is on its own volumes alone, not on those of the \
                         Deployment."
                    }
                }
                .to_owned(),
                run,
                after: self
                    .moved
                    .iter()
                    .map(|moved| self.shell().unused(moved.heir()))
                    .collect(),
            },
        }
    }

    fn let_go(&self) -> Step {
        let name = self.subject.name();
        let (mut run, mut after, mut back) = (Vec::new(), Vec::new(), Back::default());
        let kept = if self.data == Data::Keep { self.moved.len() } else { 0 };
        if self.data == Data::Copy {
            run.push(self.end_job());
        }
        for number in 1..=kept {
            run.push(set_policy(number, &format!("$reclaim{number}")));
            after.push(Check::new(
                "the reclaim policy is what it was",
                policy(number),
                format!("$reclaim{number}"),
            ));
            back.run.push(set_policy(number, "Retain"));
            back.after.push(is_kept(number));
        }
        run.push(
            self.shell()
                .line(&format!("delete deployment {name} --ignore-not-found")),
        );
        after.push(self.shell().none("deployment", name));
        let mut empty = self.subject.cleaned();
        empty["spec"]["replicas"] = json!(0);
        back.says = "The Deployment is there again, without pods.".to_owned();
        back.run.push(Command::apply([empty]));
        Step {
            title: "Let the Deployment go".to_owned(),
            why:
                "The StatefulSet has its pods, its claims and its name. Whoever goes back from here has it made again."
                    .to_owned(),
            down: Down::Nothing,
            learn: Vec::new(),
            before: Vec::new(),
            run,
            after,
            back,
        }
    }

    /// Takes a volume from one claim and promises it to another one. Where that one is there, it has been done.
    fn rebind(&self, number: usize, from: &str, to: &Json) -> Vec<Command> {
        let name = text(to, "/metadata/name");
        let mut claim = to.clone();
        claim["spec"]["volumeName"] = json!(format!("@volume{number}@"));
        claim["spec"]["storageClassName"] = json!(format!("@class{number}@"));
        let reference = json!({"spec": {"claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "namespace": self.subject.namespace, "name": name, "uid": null, "resourceVersion": null}}});
        let class = format!(
            "class{number}=$(kubectl get persistentvolume \"$volume{number}\" -o jsonpath='{{.spec.storageClassName}}')"
        );
        let found = format!(
            "{} --ignore-not-found -o name",
            self.shell().kubectl(&format!("get persistentvolumeclaim {name}"))
        );
        vec![
            self.shell()
                .line(&format!("delete persistentvolumeclaim {from} --ignore-not-found")),
            Command::line(class),
            Command::line(format!("found=$({found})")),
            Command::line("if [ -z \"$found\" ]; then"),
            Command::line(format!(
                "kubectl patch persistentvolume \"$volume{number}\" --type=merge -p '{reference}'"
            )),
            Command::Apply(vec![claim], vec![format!("volume{number}"), format!("class{number}")]),
            Command::line("fi"),
        ]
    }

    /// That volumes outlive their claims.
    fn kept(&self) -> Vec<Check> {
        let kept = if self.data == Data::Keep { self.moved.len() } else { 0 };
        (1..=kept).map(is_kept).collect()
    }

    fn bound(&self, number: usize, claim: &str) -> Vec<Check> {
        let has = Check::new(
            format!("claim {claim} has the volume"),
            self.shell().field("persistentvolumeclaim", claim, "{.spec.volumeName}"),
            format!("$volume{number}"),
        );
        let has = (self.data == Data::Keep).then_some(has);
        has.into_iter().chain([self.is_bound(claim)]).collect()
    }

    fn is_bound(&self, claim: &str) -> Check {
        Check::new(
            format!("claim {claim} is bound"),
            self.shell().field("persistentvolumeclaim", claim, "{.status.phase}"),
            "Bound",
        )
    }

    /// No pod uses a claim of the Deployment any more.
    pub(super) fn all_unused(&self) -> Vec<Check> {
        let claims = self.moved.iter().map(|moved| moved.claim());
        claims.map(|claim| self.shell().unused(claim)).collect()
    }

    pub(super) fn shell(&self) -> Shell<'_> {
        Shell(&self.subject.namespace)
    }
}

impl Moved {
    pub(super) fn claim(&self) -> &str {
        text(&self.old, "/metadata/name")
    }

    pub(super) fn heir(&self) -> &str {
        text(&self.new, "/metadata/name")
    }
}

fn policy(number: usize) -> String {
    format!("kubectl get persistentvolume \"$volume{number}\" -o jsonpath='{{.spec.persistentVolumeReclaimPolicy}}'")
}

fn set_policy(number: usize, policy: &str) -> Command {
    Command::line(format!(
        "kubectl patch persistentvolume \"$volume{number}\" -p \
         \"{{\\\"spec\\\":{{\\\"persistentVolumeReclaimPolicy\\\":\\\"{policy}\\\"}}}}\""
    ))
}

fn is_kept(number: usize) -> Check {
    Check::new(
        "the volume is kept whatever becomes of its claim",
        policy(number),
        "Retain",
    )
}
