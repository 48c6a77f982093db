//! Turns the parser's events into the tree of a document; refuses what kubectl would refuse.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Span, Tag};

use crate::keys;
use crate::limits::{ALIAS_LIMIT, DEPTH_LIMIT, NODE_LIMIT, SCALAR_LIMIT};
use crate::position::small;
use crate::problem::{Fault, Problem, ProblemKind};
use crate::scalar::{self, Scalar};
use crate::template;
use crate::tree::{Content, Held, Slot, Tree};

/// The tree under construction, document after document.
#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) tree: Tree,
    pub(crate) problems: Vec<Problem>,
    /// Whether `{{` stands anywhere in the text; only then are strings searched for it.
    pub(crate) braces: bool,
    /// What the document has of a chart's template in its strings.
    pub(crate) leftover: Option<Fault>,
    /// Where the parser was started: its offsets count from there.
    pub(crate) base: u32,
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

impl Builder {
    pub(crate) fn new(text: Arc<String>) -> Self {
        Self {
            braces: text.contains("{{"),
            tree: Tree::new(text),
            leftover: None,
            problems: Vec::new(),
            base: 0,
            frames: Vec::new(),
            keys: Vec::new(),
            anchors: HashMap::new(),
            grown: 0,
        }
    }

    /// Forgets the state of the last document; its nodes stay.
    pub(crate) fn begin(&mut self) {
        self.frames.clear();
        self.keys.clear();
        self.anchors.clear();
        self.leftover = None;
        self.grown = 0;
    }

    /// Turns the parser's mark into an offset in the whole text.
    pub(crate) fn offset(&self, mark: &granit_parser::Marker) -> u32 {
        self.base + small(mark.byte_offset().unwrap_or_default())
    }

    /// Takes a node event in; others are ignored.
    pub(crate) fn take(&mut self, text: &str, event: &Event<'_>, span: &Span) -> Result<(), Fault> {
        let (start, end) = (self.offset(&span.start), self.offset(&span.end));
        match event {
            &Event::Scalar(ref value, style, anchor, ref tag) => {
                let value = if style == ScalarStyle::Plain && end == start {
                    ""
                } else {
                    value
                };
                let slot = self.scalar(text, value, style, tag.as_deref(), start..end)?;
                if anchor != 0 {
                    let weight = Weight {
                        nodes: weight(1, start, end),
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
            &Event::MappingStart(_, anchor, _) => self.open(start, anchor, true),
            &Event::SequenceStart(_, anchor, _) => self.open(start, anchor, false),
            Event::MappingEnd | Event::SequenceEnd => self.close(start, end),
            &Event::Alias(anchor) => self.alias(anchor, start, end),
            _ => Ok(()),
        }
    }

    /// Adds a string, number, boolean or null; returns its slot.
    pub(crate) fn scalar(
        &mut self,
        text: &str,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Range<u32>,
    ) -> Result<u32, Fault> {
        let content = self.content(text, value, style, tag, &span)?;
        self.push(content, span.start, span.end)
    }

    fn content(
        &mut self,
        text: &str,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Range<u32>,
    ) -> Result<Content, Fault> {
        let start = span.start;
        if value.len() > SCALAR_LIMIT {
            let message = format!("a string of more than {} MiB", SCALAR_LIMIT >> 20);
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
                Ok(Some(key)) => Ok(self.hold(Held::Text(key.into()))),
                Ok(None) => Ok(self.store(text, value, span)),
                Err(message) => Err(Fault::new(ProblemKind::Syntax, start, message)),
            };
        }
        Ok(match scalar.rounded() {
            Scalar::Null => Content::Null,
            Scalar::Bool(bool) => Content::Bool(bool),
            Scalar::Integer(integer) => self.hold(Held::Integer(integer)),
            Scalar::Unsigned(unsigned) => self.hold(Held::Unsigned(unsigned)),
            Scalar::Float(float) if float.is_finite() => self.hold(Held::Float(float)),
            Scalar::Float(_) => {
                let message = format!("`{value}` has no JSON form: quote it if a string is meant");
                return Err(Fault::new(ProblemKind::Syntax, start, message));
            }
            Scalar::Text => self.store(text, value, span),
            Scalar::Decoded(decoded) => self.hold(Held::Text(decoded.into())),
        })
    }

    /// Keeps a string: by reference if it stands in the text as it is, otherwise as a copy.
    fn store(&mut self, text: &str, value: &str, span: &Range<u32>) -> Content {
        let from = (value.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        if from < text.len() && value.len() <= text.len() - from {
            let from = self.base + small(from);
            let before = from.checked_sub(span.start).map(u8::try_from);
            let after = span.end.checked_sub(from + small(value.len())).map(u8::try_from);
            if let (Some(Ok(before)), Some(Ok(after))) = (before, after) {
                return Content::Verbatim { before, after };
            }
        }
        self.hold(Held::Text(value.into()))
    }

    fn hold(&mut self, value: Held) -> Content {
        self.tree.held.push(value);
        Content::Held(small(self.tree.held.len() - 1))
    }

    fn key_is_next(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| frame.keys.is_some() && !frame.value_is_next)
    }

    /// Adds a node and keeps the books of the collection that it stands in.
    fn push(&mut self, content: Content, start: u32, end: u32) -> Result<u32, Fault> {
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

    /// Begins a mapping or a sequence.
    pub(crate) fn open(&mut self, start: u32, anchor: usize, is_mapping: bool) -> Result<(), Fault> {
        if self.key_is_next() {
            return Err(Fault::new(
                ProblemKind::Syntax,
                start,
                "a key must be a string, not a mapping or a list",
            ));
        }
        self.check_depth(0, start)?;
        let slot = self.push(Content::Null, start, start)?;
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { slot, finished: None });
        }
        self.frames.push(Frame {
            slot,
            anchor,
            keys: is_mapping.then_some(self.keys.len()),
            value_is_next: false,
            height: 0,
            grown_before: self.grown,
        });
        Ok(())
    }

    /// Ends the innermost collection; with an empty span where its last node ends.
    pub(crate) fn close(&mut self, event_start: u32, event_end: u32) -> Result<(), Fault> {
        let frame = self
            .frames
            .pop()
            .expect("invariant: the parser closes only what it opened");
        let next = small(self.tree.slots.len());
        let start = self.tree.slots[frame.slot as usize].start;
        // The parser ends a block collection where the next token begins; for us it ends with its last node.
        let last = self.tree.slots[next as usize - 1].end;
        let end = if event_start < event_end { event_end } else { last };
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
            let nodes = weight(u64::from(next - frame.slot), start, end).saturating_add(grown);
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

    fn alias(&mut self, anchor: usize, start: u32, end: u32) -> Result<(), Fault> {
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
            match keys::of_alias(&self.tree, slot) {
                Ok(Some(key)) => self.hold(Held::Text(key.into())),
                Ok(None) => Content::Alias { target: slot },
                Err(message) => return Err(Fault::new(ProblemKind::Syntax, start, message)),
            }
        } else {
            Content::Alias { target: slot }
        };
        self.push(content, start, end)?;
        Ok(())
    }

    fn check_depth(&self, below: usize, start: u32) -> Result<(), Fault> {
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
