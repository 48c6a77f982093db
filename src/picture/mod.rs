//! The graph of a namespace as a picture: what is drawn, where it stands, and how it is written.
//!
//! ```text
//!  view, entries --> draw --> Picture --> {nearby, changes} --> layout --> svg
//!                                                           +--> dot, mermaid, json, tree
//! ```
//! Pure, and without an engine: columns by what objects are, bands of objects that hang together. The same objects make
//! the same bytes.

mod around;
mod changes;
mod describe;
mod dot;
mod draw;
mod icons;
mod json;
mod labels;
mod layout;
mod mermaid;
mod metrics;
mod model;
mod order;
mod page;
mod route;
mod svg;
mod tree;

pub use around::{around, limited};
pub use changes::changes;
pub use dot::dot;
pub use draw::draw;
pub use json::json;
pub use layout::{Layout, Rect};
pub use mermaid::mermaid;
pub use model::{Change, Column, Edge, Id, Mark, Meaning, Node, Picture, Presence};
pub use page::page;
pub use svg::{Form, STYLE, svg};
pub use tree::tree;
