//! Where everything stands: rectangles in pixels.

use super::model::{Column, Edge, Id, Node, Picture};
use super::order::{Band, bands};
use super::route::{Wire, wires};

/// Around everything.
pub(super) const PAD: i32 = 20;
/// The width of an object.
pub(super) const WIDTH: i32 = 212;
/// Between two columns: room for the curve, and for what was found on it.
pub(super) const GAP: i32 = 96;
/// Between two objects of one column.
const ROW: i32 = 14;
/// Between what has nothing to do with each other.
const BAND: i32 = 22;
/// The heading of the columns.
pub(super) const HEADING: i32 = 26;
/// Of an object: its kind, its name, and the room around them.
const HEAD: i32 = 48;
/// A line of an object.
pub(super) const LINE: i32 = 16;
/// What was found on an object.
pub(super) const BADGES: i32 = 22;

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// Where the objects and edges of a picture stand, from its own corner.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Of each node of the picture.
    pub boxes: Vec<Rect>,
    /// Of each edge of the picture.
    pub(super) wires: Vec<Wire>,
    /// The columns that have anything, and where each begins.
    pub(super) columns: Vec<(Column, i32)>,
    pub width: i32,
    pub height: i32,
}

impl Layout {
    /// Lays a picture out.
    #[must_use]
    pub fn of(picture: &Picture) -> Self {
        let bands = bands(picture);
        let used = |column: &Column| bands.iter().any(|band| !band.columns[*column as usize].is_empty());
        let used: Vec<Column> = Column::ALL.into_iter().filter(used).collect();
        // What leads from the first column into itself needs room beside it.
        let is_loop = |edge: &Edge| edge.from.column == edge.to.column && used.first() == Some(&edge.from.column);
        let margin = if picture.edges.iter().any(is_loop) { GAP } else { 0 };
        let columns: Vec<(Column, i32)> = used
            .into_iter()
            .zip((0..).map(|place| margin + place * (WIDTH + GAP)))
            .collect();
        let mut boxes = vec![
            Rect {
                x: 0,
                y: 0,
                width: WIDTH,
                height: 0
            };
            picture.nodes.len()
        ];
        let mut top = HEADING;
        for band in &bands {
            top += place_band(band, picture, &columns, top, &mut boxes) + BAND;
        }
        let right = columns.last().map_or(WIDTH, |(_, x)| x + WIDTH);
        let wires = wires(picture, &boxes);
        let lowest = wires
            .iter()
            .filter_map(|wire| wire.label)
            .map(|label| label.y + label.height)
            .max();
        Self {
            wires,
            boxes,
            columns,
            width: right,
            height: (top - BAND).max(HEADING).max(lowest.unwrap_or_default()),
        }
    }

    /// The rectangles of all labels on edges.
    #[must_use]
    pub fn labels(&self) -> Vec<Rect> {
        self.wires.iter().filter_map(|wire| wire.label).collect()
    }
}

impl Rect {
    /// Returns true where both cover a pixel.
    #[must_use]
    pub const fn meets(&self, other: &Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

/// Puts the objects of a band into their columns from `top` on, and says how tall it is. The tallest column is packed; in
/// the others each object stands beside the middle of those that it has to do with, if there is room.
fn place_band(band: &Band, picture: &Picture, columns: &[(Column, i32)], top: i32, boxes: &mut [Rect]) -> i32 {
    let stack = |column: Column| &band.columns[column as usize];
    let tall = |column: Column| {
        let heights: i32 = stack(column)
            .iter()
            .map(|node| height(&picture.nodes[*node]) + ROW)
            .sum();
        (heights - ROW).max(0)
    };
    let tallest = columns
        .iter()
        .map(|(column, _)| tall(*column))
        .max()
        .unwrap_or_default();
    let first = columns
        .iter()
        .position(|(column, _)| tall(*column) == tallest)
        .unwrap_or_default();
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|column| column.abs_diff(first));
    let mut is_placed = vec![false; picture.nodes.len()];
    for column in order {
        let (column, x) = columns[column];
        let nodes = stack(column);
        let mut rest = tall(column);
        let mut free = top;
        for node in nodes {
            let height = height(&picture.nodes[*node]);
            let wanted =
                middle_of_neighbours(*node, picture, boxes, &is_placed).map_or(free, |middle| middle - height / 2);
            // Those below it need their room too.
            let y = wanted.clamp(free, (top + tallest - rest).max(free));
            boxes[*node] = Rect {
                x,
                y,
                width: WIDTH,
                height,
            };
            free = y + height + ROW;
            rest -= height + ROW;
        }
        for node in nodes {
            is_placed[*node] = true;
        }
    }
    tallest
}

/// How high those stand that an object has to do with, of those that have their place.
fn middle_of_neighbours(node: usize, picture: &Picture, boxes: &[Rect], is_placed: &[bool]) -> Option<i32> {
    let id = &picture.nodes[node].id;
    let others = picture.edges_of(id).filter_map(|edge| {
        let other = if edge.from == *id { &edge.to } else { &edge.from };
        place(picture, other).filter(|other| is_placed[*other])
    });
    let middles: Vec<i32> = others.map(|other| boxes[other].y + boxes[other].height / 2).collect();
    let count = i32::try_from(middles.len()).ok().filter(|count| *count > 0)?;
    Some(middles.iter().sum::<i32>() / count)
}

/// How tall a node is.
fn height(node: &Node) -> i32 {
    let notes = usize::from(node.presence.note().is_some());
    let lines = i32::try_from(node.lines.len() + notes).unwrap_or(i32::MAX / 1024);
    HEAD + lines * LINE + if node.marks.is_empty() { 0 } else { BADGES }
}

/// The place of an object in the picture.
pub(super) fn place(picture: &Picture, id: &Id) -> Option<usize> {
    picture.nodes.binary_search_by(|node| node.id.cmp(id)).ok()
}
