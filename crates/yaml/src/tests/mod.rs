//! The oddities of real texts, and hostile ones.

mod hostile;
mod kubectl;
mod oddities;
mod plain;
mod shapes;

use super::{Document, Node, Problem, ProblemKind, Reading, read};

/// The documents as compact JSON.
fn json(reading: &Reading) -> Vec<String> {
    reading
        .documents()
        .map(|document| document.root().to_json().to_string())
        .collect()
}

/// The root of a document.
fn root(reading: &Reading, number: usize) -> Node<'_> {
    reading.document(number).map(Document::root).expect("a document")
}

fn only(reading: &Reading) -> Node<'_> {
    assert_eq!((reading.problems(), reading.documents().count()), (&[][..], 1));
    root(reading, 0)
}

fn problem(reading: &Reading) -> &Problem {
    assert_eq!(reading.problems().len(), 1, "{:?}", reading.problems());
    &reading.problems()[0]
}

/// `line:column` of the value at a pointer.
fn at(root: Node<'_>, pointer: &str) -> String {
    root.position_of(pointer).to_string()
}
