//! The oddities of real texts, and hostile ones.

mod hostile;
mod kubectl;
mod oddities;
mod plain;
mod shapes;

use super::{Document, Problem, ProblemKind, Reading, read};

/// The documents as compact JSON.
fn json(reading: &Reading) -> Vec<String> {
    reading
        .documents()
        .map(|document| document.to_json().to_string())
        .collect()
}

fn only(reading: &Reading) -> Document<'_> {
    assert_eq!(reading.problems(), []);
    let mut documents = reading.documents();
    let document = documents.next().expect("a document");
    assert!(documents.next().is_none());
    document
}

fn problem(reading: &Reading) -> &Problem {
    assert_eq!(reading.problems().len(), 1, "{:?}", reading.problems());
    &reading.problems()[0]
}

/// `line:column` of the value at a pointer.
fn at(document: Document<'_>, pointer: &str) -> String {
    document.position_of(pointer).to_string()
}
