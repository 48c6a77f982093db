//! Pictures for a terminal: each workload with what belongs to it, by the same signs.

use std::collections::BTreeSet;

use super::model::{Change, Column, Edge, Id, Meaning, Node, Picture};

/// Writes pictures as trees, and below each what was found.
#[must_use]
pub fn tree(pictures: &[Picture]) -> String {
    if pictures.is_empty() {
        return "There is nothing to draw.\n".to_owned();
    }
    let trees: Vec<String> = pictures.iter().map(one).collect();
    trees.join("\n")
}

fn one(picture: &Picture) -> String {
    let mut tree = Tree {
        text: String::new(),
        picture,
        told: BTreeSet::new(),
    };
    tree.line(&picture.title);
    if let Some(words) = picture.left_out_in_words() {
        tree.line(&words);
    }
    let workloads = picture.nodes.iter().filter(|node| node.id.column == Column::Workloads);
    for node in workloads {
        tree.workload(node);
    }
    for node in &picture.nodes {
        if !tree.told.contains(&node.id) {
            tree.text.push('\n');
            tree.line(&tree.described(node));
        }
    }
    if !picture.marks.is_empty() {
        tree.text.push('\n');
    }
    for (number, mark) in picture.marks.iter().enumerate() {
        let change = match mark.change {
            Change::Added => " (this change breaks it)",
            Change::Changed => " (this change makes it worse)",
            Change::Removed => " (this change mends it)",
            Change::Stays => "",
        };
        let pass = if mark.is_let_pass { " (let pass)" } else { "" };
        tree.line(&format!(
            "{} {} {} {}{change}{pass}: {}",
            mark.symbol(),
            number + 1,
            mark.word(),
            mark.rule,
            mark.message
        ));
    }
    tree.text
}

struct Tree<'p> {
    text: String,
    picture: &'p Picture,
    told: BTreeSet<&'p Id>,
}

impl<'p> Tree<'p> {
    fn workload(&mut self, node: &'p Node) {
        self.text.push('\n');
        self.line(&self.described(node));
        self.told.insert(&node.id);
        let mut edges: Vec<&'p Edge> = self.picture.edges_of(&node.id).collect();
        // What it has, before who steers it.
        edges.sort_by_key(|edge| edge.from != node.id);
        for (place, edge) in edges.iter().enumerate() {
            let (branch, below) = if place + 1 == edges.len() {
                ("└─", "   ")
            } else {
                ("├─", "│  ")
            };
            let is_own = edge.from == node.id;
            let other = if is_own { &edge.to } else { &edge.from };
            let Some(there) = self.picture.node(other) else {
                continue;
            };
            self.told.insert(&there.id);
            let verb = words(edge);
            let verb = if is_own { verb } else { format!("{verb} it:") };
            let signs = self.signs(&edge.marks);
            self.line(&format!(
                "{branch} {verb} {}{signs}",
                self.described_but_for_signs(there)
            ));
            if other.column == Column::Claims {
                self.claim(node, there, below);
            }
        }
    }

    /// Below a claim: where it is, and who else uses it.
    fn claim(&mut self, user: &Node, claim: &'p Node, below: &str) {
        let edges: Vec<&'p Edge> = self
            .picture
            .edges_of(&claim.id)
            .filter(|edge| edge.from != user.id)
            .collect();
        for (place, edge) in edges.iter().enumerate() {
            let branch = if place + 1 == edges.len() { "└─" } else { "├─" };
            if edge.meaning == Meaning::Binds {
                let Some(volume) = self.picture.node(&edge.to) else {
                    continue;
                };
                self.told.insert(&volume.id);
                self.line(&format!("{below}{branch} {} {}", words(edge), self.described(volume)));
            } else {
                let signs = self.signs(&edge.marks);
                self.line(&format!(
                    "{below}{branch} {} also {}{signs}",
                    edge.from.title(),
                    words(edge)
                ));
            }
        }
    }

    fn described(&self, node: &Node) -> String {
        format!("{}{}", self.described_but_for_signs(node), self.signs(&node.marks))
    }

    fn described_but_for_signs(&self, node: &Node) -> String {
        let mut words = String::new();
        if let Some((sign, word)) = node.change.sign() {
            words.push_str(&format!("{sign} {word}: "));
        }
        words.push_str(&node.id.title());
        for line in node.lines.iter().map(String::as_str).chain(node.presence.note()) {
            words.push_str(" · ");
            words.push_str(line);
        }
        words
    }

    fn signs(&self, marks: &[usize]) -> String {
        let signs = marks.iter().filter_map(|number| {
            let mark = self.picture.marks.get(*number)?;
            Some(format!("  {} {}", mark.symbol(), number + 1))
        });
        signs.collect()
    }

    /// Writes a line; what comes out of objects cannot command a terminal.
    fn line(&mut self, words: &str) {
        self.text
            .extend(words.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }));
        self.text.push('\n');
    }
}

/// The verb of an edge, with what else is said of it.
fn words(edge: &Edge) -> String {
    let sign = edge.change.sign().map_or(String::new(), |(sign, _)| format!("{sign} "));
    let label = if edge.label.is_empty() {
        String::new()
    } else {
        format!(" ({})", edge.label)
    };
    format!("{sign}{}{label}", edge.meaning.as_str())
}
