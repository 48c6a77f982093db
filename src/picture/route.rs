//! The curves between objects, and what is written on them.

use super::layout::{GAP, Rect, place};
use super::metrics;
use super::model::{Edge, Picture};

/// The size of what is written on an edge.
pub(super) const SIZE: i32 = 11;
/// The height of what is written on an edge.
pub(super) const HIGH: i32 = 18;
/// A sign of a finding, without its number.
pub(super) const SIGN: i32 = 15;
/// Where on a curve a label may stand, best first.
const PLACES: [f64; 9] = [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.14, 0.86];
/// How far a curve between two objects of one column leaves it.
const BULGE: i32 = 48;

/// A curve from the side of one object to the side of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) from: (i32, i32),
    pub(super) to: (i32, i32),
    /// The control points of the curve.
    pub(super) via: (i32, i32),
    pub(super) label: Option<Rect>,
}

/// The curves of all edges; those with an end that is not drawn have no length.
pub(super) fn wires(picture: &Picture, boxes: &[Rect]) -> Vec<Wire> {
    let ends: Vec<Option<(usize, usize)>> = picture
        .edges
        .iter()
        .map(|edge| Some((place(picture, &edge.from)?, place(picture, &edge.to)?)))
        .collect();
    let ports = ports(&ends, boxes);
    let mut wires: Vec<Wire> = Vec::with_capacity(ends.len());
    for (ends, (left, right)) in ends.iter().zip(ports) {
        let Some((from, to)) = *ends else {
            wires.push(Wire {
                from: (0, 0),
                to: (0, 0),
                via: (0, 0),
                label: None,
            });
            continue;
        };
        let is_loop = boxes[from].x == boxes[to].x;
        let begin = boxes[from].x + if is_loop { 0 } else { boxes[from].width };
        let end = boxes[to].x;
        let via = if is_loop {
            (begin - BULGE, begin - BULGE)
        } else {
            ((begin + end) / 2, (begin + end) / 2)
        };
        wires.push(Wire {
            from: (begin, left),
            to: (end, right),
            via,
            label: None,
        });
    }
    let mut taken: Vec<Rect> = boxes.to_vec();
    for (edge, index) in picture.edges.iter().zip(0..) {
        if let Some(width) = width(edge) {
            let label = free(&wires[index], width, &taken);
            taken.push(label);
            wires[index].label = Some(label);
        }
    }
    wires
}

/// How high each edge leaves its first object and reaches its second. Those of one side are spread over it, in the order
/// of the objects that they lead to.
fn ports(ends: &[Option<(usize, usize)>], boxes: &[Rect]) -> Vec<(i32, i32)> {
    // Edge, whether it is its first end, and how high the other object stands.
    let mut sides: Vec<[Vec<(i32, usize, bool)>; 2]> = vec![Default::default(); boxes.len()];
    let middle = |node: usize| boxes[node].y + boxes[node].height / 2;
    for (edge, ends) in ends.iter().enumerate() {
        let Some((from, to)) = *ends else { continue };
        let is_loop = boxes[from].x == boxes[to].x;
        sides[from][usize::from(!is_loop)].push((middle(to), edge, true));
        sides[to][0].push((middle(from), edge, false));
    }
    let mut ports = vec![(0, 0); ends.len()];
    for (node, sides) in sides.iter_mut().enumerate() {
        for side in sides {
            side.sort_unstable();
            let count = i32::try_from(side.len()).unwrap_or(i32::MAX - 1);
            for ((_, edge, is_first), place) in side.iter().zip(1..) {
                let height = boxes[node].y + boxes[node].height * place / (count + 1);
                if *is_first {
                    ports[*edge].0 = height;
                } else {
                    ports[*edge].1 = height;
                }
            }
        }
    }
    ports
}

/// How wide what is written on an edge is; `None` where that is nothing.
fn width(edge: &Edge) -> Option<i32> {
    let words = match &*edge.label {
        "" => 0,
        label => metrics::width(label, SIZE) + 4,
    };
    let signs: i32 = shown(edge).iter().map(|mark| sign(*mark)).sum();
    let more = edge.marks.len() - shown(edge).len();
    let more = if more > 0 {
        metrics::width(&format!("+{more}"), SIZE) + 4
    } else {
        0
    };
    (words + signs + more > 0).then_some((words + signs + more + 6).min(GAP - 6))
}

/// The findings that there is room for on an edge.
pub(super) fn shown(edge: &Edge) -> &[usize] {
    let most = if edge.label.is_empty() { 2 } else { 1 };
    &edge.marks[..edge.marks.len().min(most)]
}

/// The width of the sign of a finding with its number.
pub(super) fn sign(mark: usize) -> i32 {
    SIGN + metrics::width(&(mark + 1).to_string(), SIZE) + 5
}

/// The best place on a curve that nothing else stands on; the best of all where there is none.
fn free(wire: &Wire, width: i32, taken: &[Rect]) -> Rect {
    let at = |t: f64| {
        let (x, y) = point(wire, t);
        // Beside a column, not over it.
        let most = if wire.from.0 == wire.to.0 {
            wire.from.0 - width - 2
        } else {
            i32::MAX
        };
        Rect {
            x: (x - width / 2).min(most),
            y: y - HIGH / 2,
            width,
            height: HIGH,
        }
    };
    let mut places = PLACES.into_iter().map(at);
    let free = places.find(|label| taken.iter().all(|other| !label.meets(other)));
    free.unwrap_or_else(|| {
        // Beside its own end there may be room above or below.
        let best = at(PLACES[0]);
        let mut shifted = (1..=40).flat_map(|step| [-step, step]).map(|step| Rect {
            y: best.y + step * (HIGH + 2),
            ..best
        });
        let free = shifted.find(|label| label.y >= 0 && taken.iter().all(|other| !label.meets(other)));
        free.unwrap_or(best)
    })
}

/// A point of the curve.
fn point(wire: &Wire, t: f64) -> (i32, i32) {
    let along = |from: i32, first: i32, second: i32, to: i32| {
        let u = 1.0 - t;
        let sum = u * u * u * f64::from(from)
            + 3.0 * u * u * t * f64::from(first)
            + 3.0 * u * t * t * f64::from(second)
            + t * t * t * f64::from(to);
        sum.round() as i32
    };
    (
        along(wire.from.0, wire.via.0, wire.via.1, wire.to.0),
        along(wire.from.1, wire.from.1, wire.to.1, wire.to.1),
    )
}
