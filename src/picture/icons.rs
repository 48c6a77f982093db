//! The shapes that stand for something: levels of findings, kinds of objects, ends of edges.

use super::model::{Change, Column, Mark, Meaning, Node};
use crate::audit::Level;

/// The shape of a level around the origin: an octagon, a triangle, a circle, a diamond; and what stands in it. What a
/// change mends is ticked off.
pub(super) const fn sign(mark: &Mark) -> (&'static str, &'static str, &'static str) {
    const CIRCLE: &str = "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0 -13 0Z";
    if matches!(mark.change, Change::Removed) {
        return ("m", CIRCLE, "\u{2713}");
    }
    if mark.is_unknown {
        return ("u", "M0 -7 7 0 0 7 -7 0Z", "?");
    }
    match mark.level {
        Level::Error => ("e", "M-3 -7H3L7 -3V3L3 7H-3L-7 3V-3Z", "\u{00d7}"),
        Level::Warning => ("w", "M0 -7.5 7.5 6.5H-7.5Z", "!"),
        Level::Note => ("n", CIRCLE, "i"),
    }
}

/// The outline of what an object is, in a square of 16 pixels.
pub(super) fn icon(node: &Node) -> &'static str {
    match (node.id.column, node.id.kind) {
        // Three circles that one line leads to.
        (Column::Steering, "Service") => {
            "M2 8H6M6 8 11 3.5M6 8H11M6 8 11 12.5M11 3.5a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0M11 8a1.5 1.5 0 1 0 3 0a1.5 \
             1.5 0 1 0 -3 0M11 12.5a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0 -3 0"
        }
        // An arrow up and one down.
        (Column::Steering, _) => "M5 14V3M2 6 5 3 8 6M11 2V13M8 10 11 13 14 10",
        // Boxes, one behind the other.
        (Column::Workloads, _) => "M2 5H11V14H2ZM4.5 5V2H14V11H11",
        // A cylinder that is not there yet.
        (Column::Claims, "claim template") => {
            "M3 4a5 2 0 1 0 10 0a5 2 0 1 0 -10 0M3 4V6.5M3 9V12a5 2 0 0 0 3.5 1.9M13 4V6.5M13 9V12a5 2 0 0 1 -3.5 1.9"
        }
        // A cylinder with a tab.
        (Column::Claims, _) => "M3 4a5 2 0 1 0 10 0a5 2 0 1 0 -10 0M3 4V12a5 2 0 0 0 10 0V4",
        // A cylinder with its layers.
        (Column::Volumes, _) => {
            "M3 4a5 2 0 1 0 10 0a5 2 0 1 0 -10 0M3 4V12a5 2 0 0 0 10 0V4M3 6.7a5 2 0 0 0 10 0M3 9.4a5 2 0 0 0 10 0"
        }
    }
}

/// The class of an edge, and the shape of its end at a point that it reaches from the left.
pub(super) const fn end(meaning: Meaning) -> (&'static str, &'static str) {
    match meaning {
        Meaning::Scales => ("sc", "M-7 -4 0 0 -7 4"),
        Meaning::Governs => ("go", "M-8 -4.5 0 0 -8 4.5Z"),
        Meaning::Selects => ("se", "M-8 -4.5 0 0 -8 4.5"),
        Meaning::Mounts => ("mo", "M-8 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z"),
        Meaning::Makes => ("ma", "M-9 0 -4.5 -4.5 0 0 -4.5 4.5Z"),
        Meaning::Binds => ("bi", "M-1 -5V5"),
        Meaning::Conflicts => ("co", "M-9 -4 -1 4M-9 4 -1 -4"),
    }
}
