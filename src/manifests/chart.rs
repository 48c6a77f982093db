//! Helm charts: whose templates are no manifests before they are rendered.

use std::path::Path;

use stateward_yaml::{Document, Problem, ProblemKind};

/// The template that Helm made a document from: it writes that above every one.
pub(super) fn source(document: Document<'_>) -> Option<&str> {
    let mut comments = document.comments();
    comments.find_map(|comment| comment.strip_prefix("# Source: "))
}

/// Whether a file stands in or below a directory with a Chart.yaml.
pub(super) fn is_inside(path: &Path) -> bool {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole
        .ancestors()
        .skip(1)
        .any(|directory| directory.join("Chart.yaml").is_file())
}

/// Whether a chart's file has this problem only because it is not rendered: template text often breaks the YAML around
/// it in ways that do not show the template at the place of the error.
pub(super) fn is_template(problem: &Problem, text: &str) -> bool {
    match problem.kind {
        ProblemKind::Template => true,
        ProblemKind::Syntax => text.contains("{{"),
        ProblemKind::DuplicateKey { .. } | ProblemKind::Encoding | ProblemKind::TooLarge => false,
    }
}
