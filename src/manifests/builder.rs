//! Turns the parser's events into the tree of a document; refuses what kubectl would refuse.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Span, Tag};

use super::keys;
use super::position::{Position, small};
use super::problem::{Problem, ProblemKind};
use super::scalar::{self, Scalar};
use super::template;
use super::tree::{Content, Slot, Tree};
use super::{ALIAS_LIMIT, DEPTH_LIMIT, NODE_LIMIT, SCALAR_LIMIT};

/// The tree under construction, document after document.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) tree: Tree,
    pub(super) problems: Vec<Problem>,
    /// Whether `{{` stands anywhere in the text; only then are strings searched for it.
    pub(super) braces: bool,
    /// What the document has of a chart's template in its strings.
    pub(super) leftover: Option<Fault>,
    /// Where the parser was started: its positions count from there.
    pub(super) base: Position,
    frames: Vec<Frame>,
    /// The key slots of all open mappings, each frame's after its parent's.
    keys: Vec<u32>,
    anchors: HashMap<usize, Anchor>,
    /// What the aliases of this document add to its size.
    grown: u64,
}

/// An open collection.
#[derive(Debug)]
struct Frame {
    slot: u32,
    anchor: usize,
    /// Where this mapping's keys begin in [`Builder::keys`]; `None` for a sequence.
    keys: Option<usize>,
    value_is_next: bool,
    /// How deep the collection is below this level; aliases count with their targets' heights.
    height: usize,
    grown_before: u64,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    slot: u32,
    /// `None` while the anchored collection is open.
    finished: Option<Weight>,
}

/// What an alias to a node costs.
#[derive(Clone, Copy, Debug)]
struct Weight {
    nodes: u64,
    height: usize,
}

/// Why a document cannot be read.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: ProblemKind,
    pub(super) position: Position,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(kind: ProblemKind, position: Position, message: impl Into<String>) -> Self {
        Self {
            kind,
            position,
            message: message.into(),
        }
    }
}

impl Builder {
    pub(super) fn new(text: Arc<String>) -> Self {
        Self {
            braces: text.contains("{{"),
            tree: Tree {
                // A manifest has a node for every 11 bytes or so.
                slots: Vec::with_capacity(text.len() / 8),
                text,
                ..Tree::default()
            },
            leftover: None,
            problems: Vec::new(),
            base: Position::START,
            frames: Vec::new(),
            keys: Vec::new(),
            anchors: HashMap::new(),
            grown: 0,
        }
    }

    /// Forgets the state of the last document; its nodes stay.
    pub(super) fn begin(&mut self) {
        self.frames.clear();
        self.keys.clear();
        self.anchors.clear();
        self.leftover = None;
        self.grown = 0;
    }

    /// Turns the parser's mark into a position in the whole text.
    pub(super) fn position(&self, mark: &granit_parser::Marker) -> Position {
        let column = small(mark.col()) + if mark.line() == 1 { self.base.column } else { 1 };
        Position {
            line: self.base.line + small(mark.line()) - 1,
            column,
            offset: self.base.offset + small(mark.byte_offset().unwrap_or_default()),
        }
    }

    /// Takes a node event in; others are ignored.
    pub(super) fn take(&mut self, text: &str, event: &Event<'_>, span: &Span) -> Result<(), Fault> {
        let start = self.position(&span.start);
        match event {
            &Event::Scalar(ref value, style, anchor, ref tag) => {
                let end = self.position(&span.end).offset;
                let value = if style == ScalarStyle::Plain && end == start.offset {
                    ""
                } else {
                    value
                };
                let content = self.scalar(text, value, style, tag.as_deref(), start)?;
                let slot = self.push(content, start, end)?;
                if anchor != 0 {
                    let weight = Weight {
                        nodes: weight(1, start.offset, end),
                        height: 0,
                    };
                    self.anchors.insert(
                        anchor,
                        Anchor {
                            slot,
                            finished: Some(weight),
                        },
                    );
                }
                Ok(())
            }
            &Event::MappingStart(_, anchor, _) => self.open(start, anchor, Some(self.keys.len())),
            &Event::SequenceStart(_, anchor, _) => self.open(start, anchor, None),
            Event::MappingEnd | Event::SequenceEnd => {
                let end = self.position(&span.end).offset;
                self.close(start, end)
            }
            &Event::Alias(anchor) => self.alias(anchor, start, self.position(&span.end).offset),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        start: Position,
    ) -> Result<Content, Fault> {
        if value.len() > SCALAR_LIMIT {
            let message = format!(
                "a string of more than {} MiB: no Kubernetes object can hold it",
                SCALAR_LIMIT >> 20
            );
            return Err(Fault::new(ProblemKind::TooLarge, start, message));
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if self.braces
            && !block
            && let Some(action) = template::chart_action(value)
        {
            // Whether it matters shows once the document's kind is known.
            self.leftover
                .get_or_insert_with(|| Fault::new(ProblemKind::Template, start, template::message(action)));
        }
        let scalar = match tag {
            None if style == ScalarStyle::Plain => Ok(scalar::resolve(value)),
            None => Ok(Scalar::Text),
            Some(tag) if tag.suffix_in_namespace(keys::YAML_TAGS).as_deref() == Some("merge") && self.key_is_next() => {
                return Ok(Content::MergeKey);
            }
            Some(tag) => scalar::resolve_tagged(tag.suffix_in_namespace(keys::YAML_TAGS).as_deref(), value),
        };
        let scalar = scalar.map_err(|message| Fault::new(ProblemKind::Syntax, start, message))?;
        if self.key_is_next() {
            if value == "<<" && style == ScalarStyle::Plain && tag.is_none() {
                return Ok(Content::MergeKey);
            }
            return match keys::text(scalar) {
                Ok(Some(key)) => Ok(self.rewritten(&key)),
                Ok(None) => Ok(self.store(text, value)),
                Err(message) => Err(Fault::new(ProblemKind::Syntax, start, message)),
            };
        }
        Ok(match scalar.rounded() {
            Scalar::Null => Content::Null,
            Scalar::Bool(bool) => Content::Bool(bool),
            Scalar::Integer(integer) => Content::Integer(integer),
            Scalar::Unsigned(unsigned) => Content::Unsigned(unsigned),
            Scalar::Float(float) if float.is_finite() => Content::Float(float),
            Scalar::Float(_) => {
                let message = format!("`{value}` has no JSON form: quote it if a string is meant");
                return Err(Fault::new(ProblemKind::Syntax, start, message));
            }
            Scalar::Text => self.store(text, value),
            Scalar::Decoded(decoded) => self.rewritten(&decoded),
        })
    }

    /// Keeps a string: by reference if it stands in the text as it is, otherwise as a copy.
    fn store(&mut self, text: &str, value: &str) -> Content {
        let from = (value.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        if from < text.len() && value.len() <= text.len() - from {
            Content::Source {
                from: self.base.offset + small(from),
                len: small(value.len()),
            }
        } else {
            self.rewritten(value)
        }
    }

    fn rewritten(&mut self, value: &str) -> Content {
        let from = small(self.tree.rewritten.len());
        self.tree.rewritten.push_str(value);
        Content::Rewritten {
            from,
            len: small(value.len()),
        }
    }

    fn key_is_next(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| frame.keys.is_some() && !frame.value_is_next)
    }

    /// Adds a node and keeps the books of the collection that it stands in.
    fn push(&mut self, content: Content, start: Position, end: u32) -> Result<u32, Fault> {
        let slot = self.tree.slots.len();
        if slot >= NODE_LIMIT {
            return Err(Fault::new(
                ProblemKind::TooLarge,
                start,
                format!("more than {NODE_LIMIT} nodes in one text"),
            ));
        }
        let slot = small(slot);
        if let Some(frame) = self.frames.last_mut()
            && frame.keys.is_some()
        {
            if !frame.value_is_next {
                self.keys.push(slot);
            }
            frame.value_is_next = !frame.value_is_next;
        }
        self.tree.slots.push(Slot { content, start, end });
        Ok(slot)
    }

    fn open(&mut self, start: Position, anchor: usize, keys: Option<usize>) -> Result<(), Fault> {
        if self.key_is_next() {
            return Err(Fault::new(
                ProblemKind::Syntax,
                start,
                "a key must be a string, not a mapping or a list",
            ));
        }
        self.check_depth(0, start)?;
        let slot = self.push(Content::Null, start, start.offset)?;
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { slot, finished: None });
        }
        self.frames.push(Frame {
            slot,
            anchor,
            keys,
            value_is_next: false,
            height: 0,
            grown_before: self.grown,
        });
        Ok(())
    }

    fn close(&mut self, event_start: Position, event_end: u32) -> Result<(), Fault> {
        let frame = self
            .frames
            .pop()
            .expect("invariant: the parser closes only what it opened");
        let next = small(self.tree.slots.len());
        let start = self.tree.slots[frame.slot as usize].start;
        // The parser ends a block collection where the next token begins; for us it ends with its last node.
        let last = self.tree.slots[next as usize - 1].end;
        let end = if event_start.offset < event_end {
            event_end
        } else {
            last
        };
        let content = match frame.keys {
            None => Content::Sequence { next },
            Some(first) => {
                let merges = keys::check(&mut self.tree, &self.keys[first..], &mut self.problems)?;
                self.keys.truncate(first);
                Content::Mapping { next, merges }
            }
        };
        let slot = &mut self.tree.slots[frame.slot as usize];
        slot.content = content;
        slot.end = end;
        let height = frame.height + 1;
        if let Some(parent) = self.frames.last_mut() {
            parent.height = parent.height.max(height);
        }
        if frame.anchor != 0 {
            let grown = self.grown - frame.grown_before;
            let nodes = weight(u64::from(next - frame.slot), start.offset, end).saturating_add(grown);
            let finished = Some(Weight { nodes, height });
            self.anchors.insert(
                frame.anchor,
                Anchor {
                    slot: frame.slot,
                    finished,
                },
            );
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, start: Position, end: u32) -> Result<(), Fault> {
        let target = self.anchors.get(&anchor).copied();
        let Some(Anchor {
            slot,
            finished: Some(weight),
        }) = target
        else {
            return Err(Fault::new(
                ProblemKind::Syntax,
                start,
                "an anchored value contains itself",
            ));
        };
        self.grown = self.grown.saturating_add(weight.nodes);
        if self.grown > ALIAS_LIMIT {
            let message = format!("aliases blow the document up by more than {ALIAS_LIMIT} nodes");
            return Err(Fault::new(ProblemKind::TooLarge, start, message));
        }
        self.check_depth(weight.height, start)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.height = frame.height.max(weight.height);
        }
        let content = if self.key_is_next() {
            match keys::of_alias(self.tree.slots[slot as usize].content) {
                Ok(Some(key)) => self.rewritten(&key),
                Ok(None) => self.tree.slots[slot as usize].content,
                Err(message) => return Err(Fault::new(ProblemKind::Syntax, start, message)),
            }
        } else {
            Content::Alias { target: slot }
        };
        self.push(content, start, end)?;
        Ok(())
    }

    fn check_depth(&self, below: usize, start: Position) -> Result<(), Fault> {
        if self.frames.len() + below < DEPTH_LIMIT {
            return Ok(());
        }
        let message = format!("nested more than {DEPTH_LIMIT} levels deep");
        Err(Fault::new(ProblemKind::TooLarge, start, message))
    }
}

/// What a node adds to a document for each alias to it: its nodes, and one for every 64 bytes of text.
fn weight(nodes: u64, start: u32, end: u32) -> u64 {
    nodes + u64::from(end.saturating_sub(start)) / 64
}
