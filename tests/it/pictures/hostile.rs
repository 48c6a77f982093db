//! Names that mean something elsewhere, and names of any length: they come out of objects that anybody may write.

use stateward::audit::Level;
use stateward::graph::Kind;
use stateward::picture::{
    Change, Column, Edge, Form, Id, Layout, Mark, Meaning, Node, Picture, Presence, dot, mermaid, page, svg, tree,
};

const NAMES: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"]; n0 -> n1; x[\"",
    "a\u{1b}[31m\u{0}\u{8}b",
    "]]>&amp;<!--",
    "\u{1f4a5}\u{202e}日本語の名前",
    "'; DROP TABLE",
];

fn picture(name: &str) -> Picture {
    let node = |column, kind: Kind| Node {
        id: Id::of(column, kind, &name.into()),
        lines: vec![name.to_owned()],
        presence: Presence::Here,
        change: Change::Changed,
        marks: vec![0],
    };
    let (from, to) = (
        node(Column::Workloads, Kind::DEPLOYMENT),
        node(Column::Claims, Kind::CLAIM),
    );
    Picture {
        title: name.to_owned(),
        edges: vec![Edge {
            from: from.id.clone(),
            to: to.id.clone(),
            meaning: Meaning::Mounts,
            label: "read-only".to_owned(),
            change: Change::Stays,
            marks: vec![0],
        }],
        marks: vec![Mark {
            rule: "rwo-replicas",
            level: Level::Error,
            is_unknown: false,
            is_let_pass: false,
            on: from.id.clone(),
            subject: name.into(),
            extent: 1,
            message: name.to_owned(),
            remedy: name.to_owned(),
            change: Change::Stays,
        }],
        nodes: vec![from, to],
        left_out: 0,
        untold: 0,
    }
}

#[test]
fn a_name_is_never_more_than_a_name() {
    for name in NAMES {
        let pictures = [picture(name)];
        let drawn = svg(&pictures, Form::File);
        let document = roxmltree::Document::parse(&drawn);
        assert!(document.is_ok(), "{name}: {document:?}");
        let known = ["svg", "desc", "style", "rect", "g", "path", "title", "text"];
        for element in document
            .expect("asserted")
            .descendants()
            .filter(roxmltree::Node::is_element)
        {
            assert!(known.contains(&element.tag_name().name()), "{name}: {element:?}");
        }
        let page = page(&pictures);
        assert!(!page.contains("<script") && !page.contains("<!--"), "{name}: {page}");
        let tree = tree(&pictures);
        assert!(!tree.contains(['\u{1b}', '\u{0}', '\u{8}']), "{name}: {tree:?}");
        let dot = dot(&pictures);
        let quotes = dot.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        let plain = dot_of_plain().matches('"').count();
        assert_eq!(quotes, plain, "{name}: {dot}");
        let mermaid = mermaid(&pictures);
        assert!(
            !mermaid.contains('\u{1b}') && !mermaid.contains("<s"),
            "{name}: {mermaid}"
        );
        assert_eq!(mermaid.lines().count(), mermaid_lines(), "{name}: {mermaid}");
    }
}

fn dot_of_plain() -> String {
    dot(&[picture("plain")])
}

fn mermaid_lines() -> usize {
    mermaid(&[picture("plain")]).lines().count()
}

#[test]
fn a_long_name_is_cut_and_stands_in_full_in_the_title() {
    let name = format!("begin-{}-end", "x".repeat(243));
    let long = picture(&name);
    let (short, long_layout) = (Layout::of(&picture("db")), Layout::of(&long));
    assert_eq!(short.boxes, long_layout.boxes, "no box is wider for it");
    let drawn = svg(&[long], Form::File);
    let document = roxmltree::Document::parse(&drawn).expect("well-formed");
    let texts = |tag: &'static str| {
        let nodes = document.descendants().filter(move |node| node.has_tag_name(tag));
        nodes.filter_map(|node| node.text()).collect::<Vec<_>>()
    };
    assert!(texts("title").iter().any(|title| title.contains(&name)));
    let shown: Vec<&str> = texts("text").into_iter().filter(|text| text.contains('…')).collect();
    assert!(
        shown
            .iter()
            .any(|text| text.starts_with("begin-") && text.ends_with("-end")),
        "{shown:?}"
    );
    assert!(shown.iter().all(|text| text.chars().count() < 80), "{shown:?}");
}
