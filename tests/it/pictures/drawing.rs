//! What is drawn, and where.

use proptest::prelude::*;
use stateward::audit::Level;
use stateward::graph::Name;
use stateward::picture::{
    Change, Column, Form, Layout, Meaning, Picture, Presence, Rect, around, changes, dot, json, limited, mermaid, page,
    svg, tree,
};

use super::{claim, deployment, drawn, graph};
use crate::support::dice::Dice;
use crate::support::worlds::{World, entropy};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a namespace holds: nothing covers anything else, every finding is told, and twice the same is the same.
    #[test]
    fn any_namespace_can_be_drawn(world in entropy(), other in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let before = drawn(&world.graph(|position| position as u64));
        let again = drawn(&world.graph(|position| u64::MAX - position as u64));
        prop_assert_eq!(svg(&before, Form::File), svg(&again, Form::File), "the order of insertion is seen");
        let after = drawn(&World::new(&mut Dice::new(&other)).graph(|position| position as u64));
        let nothing = Picture::default();
        let change = changes(before.first().unwrap_or(&nothing), after.first().unwrap_or(&nothing));
        for picture in before.iter().chain(&after).chain([&change]) {
            stands_free(picture)?;
            tells_everything(picture)?;
        }
    }
}

fn stands_free(picture: &Picture) -> Result<(), TestCaseError> {
    let layout = Layout::of(picture);
    prop_assert_eq!(layout.boxes.len(), picture.nodes.len());
    let all: Vec<Rect> = layout.boxes.iter().copied().chain(layout.labels()).collect();
    for (place, one) in all.iter().enumerate() {
        prop_assert!(
            one.x >= 0 && one.y >= 0 && one.x + one.width <= layout.width && one.y + one.height <= layout.height,
            "{one:?} is outside of {} x {}",
            layout.width,
            layout.height
        );
        for other in &all[place + 1..] {
            prop_assert!(!one.meets(other), "{one:?} covers {other:?} in {picture:#?}");
        }
    }
    Ok(())
}

fn tells_everything(picture: &Picture) -> Result<(), TestCaseError> {
    for edge in &picture.edges {
        prop_assert!(
            picture.node(&edge.from).is_some() && picture.node(&edge.to).is_some(),
            "{edge:?}"
        );
    }
    let text = svg(std::slice::from_ref(picture), Form::File);
    let document = roxmltree::Document::parse(&text);
    prop_assert!(document.is_ok(), "{document:?}");
    let document = document.expect("asserted");
    let titles: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .filter_map(|node| node.text())
        .collect();
    for (number, mark) in picture.marks.iter().enumerate() {
        let node = picture.node(&mark.on);
        prop_assert!(
            node.is_some_and(|node| node.marks.contains(&number)),
            "{mark:?} is on no object"
        );
        let title = format!("{} {}: {}", mark.word(), mark.rule, mark.message);
        prop_assert!(titles.contains(&&*title), "{title} is in no title");
        for (format, written) in [("tree", tree as fn(&[Picture]) -> String), ("json", json)] {
            let written = written(std::slice::from_ref(picture));
            prop_assert!(written.contains(mark.rule), "{format} does not name {}", mark.rule);
        }
    }
    for node in &picture.nodes {
        let title = titles.iter().find(|title| title.starts_with(&node.id.title()));
        prop_assert!(title.is_some(), "{} is in no title", node.id.title());
    }
    Ok(())
}

/// The nodes of a column, by name.
fn names(picture: &Picture, column: Column) -> Vec<&Name> {
    let nodes = picture.nodes.iter().filter(|node| node.id.column == column);
    nodes.map(|node| &node.id.name).collect()
}

#[test]
fn who_shares_a_disk_is_seen_and_marked_where_it_happens() {
    let text = [
        claim("data"),
        deployment("web", 1, &["data"]),
        deployment("worker", 1, &["data"]),
    ]
    .concat();
    let pictures = drawn(&graph(&text));
    let [picture] = &*pictures else {
        panic!("one namespace, {} pictures", pictures.len());
    };
    assert_eq!(names(picture, Column::Workloads), ["web", "worker"]);
    assert_eq!(names(picture, Column::Claims), ["data"]);
    let consumers = picture.marks.iter().position(|mark| mark.rule == "rwo-consumers");
    let consumers = consumers.expect("two Deployments share a claim");
    let told = picture.marks.iter().filter(|mark| mark.rule == "rwo-consumers").count();
    assert_eq!(told, 1, "one finding, not one for each");
    assert_eq!(picture.edges.len(), 2);
    for edge in &picture.edges {
        assert_eq!(edge.meaning, Meaning::Mounts);
        assert!(edge.marks.contains(&consumers), "both mounts are the cause: {edge:?}");
    }
}

#[test]
fn what_is_named_and_not_there_is_drawn_as_missing() {
    let set = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: gone
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}
";
    let pictures = drawn(&graph(set));
    let nodes = &pictures[0].nodes;
    let presence = |name: &str| {
        nodes
            .iter()
            .find(|node| *node.id.name == *name)
            .map(|node| node.presence)
    };
    assert_eq!(presence("gone"), Some(Presence::Missing));
    assert_eq!(presence("db"), Some(Presence::Here));
    let template = nodes
        .iter()
        .find(|node| node.id.kind == "claim template")
        .expect("a template");
    assert_eq!(
        template.lines,
        ["data-db-0 … 2 (3 claims)", "ReadWriteOnce", "10Gi, default class"]
    );
    let governs = pictures[0].edges.iter().find(|edge| edge.meaning == Meaning::Governs);
    let marks = &governs.expect("an edge").marks;
    assert!(
        pictures[0].marks(marks).any(|mark| mark.rule == "service-missing"),
        "{marks:?}"
    );
}

#[test]
fn a_change_shows_what_it_adds_removes_breaks_and_mends() {
    let before = [
        claim("data"),
        claim("own"),
        deployment("web", 1, &["data"]),
        deployment("old", 3, &["own"]),
    ];
    let after = [
        claim("data"),
        claim("own"),
        deployment("web", 2, &["data"]),
        deployment("new", 1, &["own"]),
    ];
    let (before, after) = (drawn(&graph(&before.concat())), drawn(&graph(&after.concat())));
    let picture = changes(&before[0], &after[0]);
    let change = |name: &str| {
        picture
            .nodes
            .iter()
            .find(|node| *node.id.name == *name)
            .map(|node| node.change)
    };
    assert_eq!(change("new"), Some(Change::Added));
    assert_eq!(change("old"), Some(Change::Removed));
    assert_eq!(change("web"), Some(Change::Changed));
    assert_eq!(change("data"), Some(Change::Stays));
    let mark = |on: &str| {
        let mut marks = picture.marks.iter();
        marks
            .find(|mark| *mark.on.name == *on && mark.rule == "rwo-replicas")
            .map(|mark| mark.change)
    };
    assert_eq!((mark("web"), mark("old")), (Some(Change::Added), Some(Change::Removed)));
    assert!(
        picture.marks[0].change == Change::Added,
        "what a change breaks comes first"
    );
    let web = picture.nodes.iter().find(|node| *node.id.name == *"web").expect("web");
    assert!(web.lines.iter().any(|line| line == "was: 1 replica"), "{:?}", web.lines);
    let same = changes(&before[0], &before[0]);
    assert!(same.nodes.iter().all(|node| node.change == Change::Stays));
    assert!(same.marks.iter().all(|mark| mark.change == Change::Stays));
    assert_eq!(same.edges, before[0].edges);
}

#[test]
fn a_neighbourhood_has_the_others_of_a_claim_and_no_stranger() {
    let text = [
        claim("data"),
        claim("far"),
        deployment("web", 1, &["data"]),
        deployment("worker", 1, &["data", "far"]),
        deployment("stranger", 3, &["far"]),
    ];
    let pictures = drawn(&graph(&text.concat()));
    let web = pictures[0]
        .nodes
        .iter()
        .find(|node| *node.id.name == *"web")
        .expect("web");
    let part = around(&pictures[0], &web.id);
    assert_eq!(names(&part, Column::Workloads), ["web", "worker"]);
    assert_eq!(names(&part, Column::Claims), ["data"]);
    assert!(
        part.marks.iter().all(|mark| *mark.subject != *"far"),
        "{:?}",
        part.marks
    );
    assert!(part.marks.iter().any(|mark| mark.rule == "rwo-consumers"));
}

#[test]
fn of_too_many_objects_those_with_findings_are_left() {
    let mut text = claim("data") + &deployment("bad", 3, &["data"]);
    for number in 0..200 {
        text.push_str(&deployment(&format!("good-{number}"), 1, &[]));
    }
    let whole = &drawn(&graph(&text))[0];
    assert_eq!(whole.nodes.len(), 202);
    let part = limited(whole.clone());
    assert_eq!(names(&part, Column::Workloads), ["bad"]);
    assert_eq!((part.nodes.len(), part.left_out), (2, 200));
    assert_eq!(part.count(Level::Error), whole.count(Level::Error));
    let picture = svg(&[part], Form::File);
    assert!(
        picture.contains("2 of 202 objects: those with findings, and their neighbours; 200 are left out."),
        "{picture}"
    );
    let few = drawn(&graph(&deployment("web", 1, &[])));
    assert_eq!(limited(few[0].clone()), few[0]);
}

#[test]
fn of_too_many_findings_the_worst_are_left() {
    let mut text = claim("data") + &deployment("worst", 3, &["data"]);
    for number in 0..200 {
        let name = format!("web-{number}");
        let known = format!("{{name: {name}, annotations: {{stateward.dev/allow: 'rwo-replicas: known'}}}}");
        let web = deployment(&name, 3, &[&name]).replacen(&format!("{{name: {name}}}"), &known, 1);
        text.push_str(&(claim(&name) + &web));
    }
    let whole = &drawn(&graph(&text))[0];
    let part = limited(whole.clone());
    assert_eq!((part.nodes.len(), part.left_out), (150, whole.nodes.len() - 150));
    assert_eq!(part.untold, whole.marks.len() - part.marks.len());
    assert!(names(&part, Column::Workloads).iter().any(|name| **name == *"worst"));
    let words = format!(
        "150 of {} objects: those with the worst findings, and their neighbours; {} are left out, with {} findings.",
        whole.nodes.len(),
        part.left_out,
        part.untold
    );
    for picture in [
        svg(std::slice::from_ref(&part), Form::File),
        tree(std::slice::from_ref(&part)),
    ] {
        assert!(picture.contains(&words), "{words}: {picture}");
    }
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let text = claim("data") + &deployment("web", 3, &["data"]);
    let page = page(&drawn(&graph(&text)));
    assert!(page.contains("default-src 'none'; style-src 'sha256-"), "{page}");
    for foreign in ["<script", "href=", "src=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(
        page.matches("http").count(),
        2,
        "http-equiv, and the name of SVG's language: {page}"
    );
}

#[test]
fn other_languages_have_every_object_and_edge() {
    let text = [
        claim("data"),
        deployment("web", 1, &["data"]),
        deployment("worker", 1, &["data"]),
    ]
    .concat();
    let pictures = drawn(&graph(&text));
    let (dot, mermaid) = (dot(&pictures), mermaid(&pictures));
    assert_eq!(dot.matches(" -> ").count(), 2, "{dot}");
    assert_eq!(mermaid.matches(" -->|").count(), 2, "{mermaid}");
    for name in ["Deployment web", "Deployment worker", "PersistentVolumeClaim data"] {
        assert!(dot.contains(name) && mermaid.contains(name), "{name}");
    }
    assert!(mermaid.starts_with("flowchart LR\n"));
}
