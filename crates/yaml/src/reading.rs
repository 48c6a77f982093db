//! Reads a text into documents: drives the parser, keeps going after broken documents, keeps their problems.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScanError, StrInput, options};

use crate::builder::Builder;
use crate::document::{Document, Part};
use crate::encoding;
use crate::limits::{PROBLEM_LIMIT, RESTART_LIMIT, TEXT_LIMIT};
use crate::node::{Node, NodeId, Value};
use crate::plain;
use crate::position::{Position, small};
use crate::problem::{Fault, Problem, ProblemKind};
use crate::template;
use crate::tree::Tree;

/// How often a text is read again because of a `-` like that of `[tar, -x, -]`. kubectl takes it for a string, the parser
/// for a mistake; as a string is kept by its place in the text, another character may stand there for the parser.
const DASH_LIMIT: usize = 16;

/// What a text holds: the documents that could be read, and the problems of all.
#[derive(Debug, Default)]
pub struct Reading {
    tree: Tree,
    parts: Vec<Part>,
    problems: Vec<Problem>,
}

/// Reads a text of YAML or JSON documents. A broken document is a problem and hides no other one; empty ones are left out.
///
/// Time and memory are bounded for any input (the limits are in [`super`]).
#[must_use]
pub fn read(text: impl Into<Vec<u8>>) -> Reading {
    let text = text.into();
    if text.len() > TEXT_LIMIT {
        return Reading::refused(
            ProblemKind::TooLarge,
            format!("a text of more than {} MiB", TEXT_LIMIT >> 20),
        );
    }
    match encoding::decode(text) {
        Ok((text, invalid)) => {
            let text = Arc::new(text);
            let is_whole = invalid.is_empty();
            let (mut reading, mut dashes) = Reader::new(Arc::clone(&text), is_whole).read(&text);
            let mut input = String::new();
            for _ in 0..DASH_LIMIT {
                if dashes.is_empty() {
                    break;
                }
                if input.is_empty() {
                    input.push_str(&text);
                }
                for at in dashes {
                    input.replace_range(at..=at, "_");
                }
                (reading, dashes) = Reader::new(Arc::clone(&text), is_whole).read(&input);
            }
            reading.without(&invalid)
        }
        Err(message) => Reading::refused(ProblemKind::Encoding, message),
    }
}

impl Reading {
    /// The documents, in the order of the text.
    pub fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        let tree = &self.tree;
        self.parts.iter().map(move |part| Document { tree, part })
    }

    /// The document with this number, from 0.
    #[must_use]
    pub fn document(&self, index: usize) -> Option<Document<'_>> {
        Some(Document {
            tree: &self.tree,
            part: self.parts.get(index)?,
        })
    }

    /// The node with this id.
    ///
    /// # Panics
    /// Where the id is of another reading, which has more nodes.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node::at(&self.tree, id.0)
    }

    /// The document that a node is written in.
    #[must_use]
    pub fn document_of(&self, id: NodeId) -> Option<Document<'_>> {
        self.document(self.number_of(id)?)
    }

    /// The number of the document that a node is written in.
    pub(crate) fn number_of(&self, id: NodeId) -> Option<usize> {
        self.parts.partition_point(|part| part.slot <= id.0).checked_sub(1)
    }

    /// What is wrong, in the order of the text.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The text that was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.tree.text
    }

    fn refused(kind: ProblemKind, message: String) -> Self {
        let problem = Problem {
            kind,
            position: Position::START,
            message,
        };
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }

    /// Takes out the documents with bytes that are not UTF-8; each is a problem.
    fn without(mut self, invalid: &[usize]) -> Self {
        for offset in invalid.iter().copied().map(small) {
            self.parts.retain(|part| !part.bytes.contains(&offset));
            self.problems.push(Problem {
                kind: ProblemKind::Encoding,
                position: self.tree.position(offset),
                message: "a byte that is not UTF-8".to_owned(),
            });
        }
        // A key's repetition is noticed when its mapping ends, after all that is wrong inside of it.
        self.problems.sort_by_key(|problem| problem.position);
        self
    }
}

/// The state between two documents and within one.
pub(crate) struct Reader {
    text: Arc<String>,
    /// Whether documents may be read by [`plain`].
    may_be_plain: bool,
    builder: Builder,
    parts: Vec<Part>,
    /// The byte ranges of the comments so far, where they matter: they may hold what looks like an action of a template.
    comments: Vec<Range<usize>>,
    /// Set while a document is open.
    open: Option<Open>,
    /// Whether the last document was given up; what the parser says about its rest is of no interest.
    given_up: bool,
    /// How many parsers were started after the first.
    restarts: usize,
    /// How many bytes were searched for comments before a parser was started.
    searched: usize,
    /// Where the last document ended, or broke.
    idle_from: u32,
    /// Where a `-` stands that is a string and that the parser refused.
    dashes: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Open {
    above: u32,
    first_slot: usize,
    held: usize,
    problems: usize,
    start: u32,
}

/// Where reading goes on.
enum Next {
    /// The parser has nothing more.
    End,
    Event,
    /// A new parser begins here.
    Restart(u32),
}

impl Reader {
    pub(crate) fn new(text: Arc<String>, may_be_plain: bool) -> Self {
        Self {
            builder: Builder::new(Arc::clone(&text)),
            text,
            may_be_plain,
            parts: Vec::new(),
            comments: Vec::new(),
            open: None,
            given_up: false,
            restarts: 0,
            searched: 0,
            idle_from: 0,
            dashes: Vec::new(),
        }
    }

    /// Reads `input`, which is the text, or differs from it only in the dashes found before; and tells further ones.
    pub(crate) fn read(mut self, input: &str) -> (Reading, Vec<usize>) {
        let mut from = 0;
        while (from as usize) < input.len() {
            let next = self.read_plain(from).or_else(|| self.parse(input, from));
            let Some(next) = next else { break };
            from = next;
        }
        let Builder { mut tree, problems, .. } = self.builder;
        // A copy, for allocators shrink in place and keep the rest; this one goes to the next text.
        tree.slots = tree.slots.to_vec();
        let reading = Reading {
            tree,
            parts: self.parts,
            problems,
        };
        (reading, self.dashes)
    }

    /// Whether a document that begins here may be plain: the next object of a stream of them is for the parser.
    fn may_be_plain(&self, from: u32) -> bool {
        self.may_be_plain && (from == 0 || self.text[from as usize..].starts_with("---"))
    }

    /// Reads the document that begins here, if it is plain; returns where the next one begins.
    fn read_plain(&mut self, from: u32) -> Option<u32> {
        if !self.may_be_plain(from) {
            return None;
        }
        let mut open = self.opened(from);
        self.builder.base = 0;
        self.builder.begin();
        let Some(plain) = plain::read(&mut self.builder, &self.text, from as usize) else {
            self.drop_since(open);
            return None;
        };
        open.start = small(plain.span.start);
        let end = small(plain.span.end);
        if plain.has_content {
            self.keep(open, end);
        }
        if !plain.span.is_empty() {
            self.idle_from = end;
        }
        self.given_up = false;
        Some(end)
    }

    /// Lets the parser read from here on, until a document is plain again; returns where reading goes on.
    fn parse(&mut self, input: &str, from: u32) -> Option<u32> {
        let rest = &input[from as usize..];
        self.builder.base = from;
        // Comments are looked at ahead of some keys; licence headers are longer than the default of 96.
        let options = options! {
            emit_comments: self.may_have_comments(rest),
            max_buffered_comment_events: usize::MAX,
        };
        let mut parser = Parser::new_from_str_with_options(rest, options);
        while let Some(event) = parser.next_event() {
            if let Ok((Event::DocumentStart(true, _), span)) = &event {
                let start = self.builder.offset(&span.start);
                // The first document was tried already; the next ones may be plain again.
                if start > from {
                    if let Some(next) = self.read_plain(start) {
                        return Some(next);
                    }
                    self.builder.base = from;
                }
            }
            match self.step(rest, &event, &mut parser) {
                Next::Event => {}
                Next::End => return None,
                Next::Restart(offset) => return Some(offset),
            }
        }
        None
    }

    /// Whether a parser that starts here should tell of comments, which takes it a sixth of its time. It begins by
    /// searching the whole rest for one, which for a stream of many JSON objects would take time without end.
    fn may_have_comments(&mut self, rest: &str) -> bool {
        const SEARCH_LIMIT: usize = 16 * TEXT_LIMIT;
        if self.builder.braces && self.searched < SEARCH_LIMIT {
            let found = rest.find('#');
            self.searched += found.unwrap_or(SEARCH_LIMIT);
            found.is_some()
        } else {
            false
        }
    }

    fn step<'t>(
        &mut self,
        rest: &'t str,
        event: &Result<(Event<'t>, granit_parser::Span), ScanError>,
        parser: &mut Parser<'t, StrInput<'t>>,
    ) -> Next {
        let taken = match event {
            Ok((event, span)) => self.take(rest, event, span),
            Err(error) => {
                let at = self.builder.offset(error.marker());
                if self.restarts < RESTART_LIMIT && self.is_next_text(error, at) {
                    self.restarts += 1;
                    return Next::Restart(at);
                }
                let is_dash = matches!(error.kind(), ErrorKind::PlainScalarStartsWithDashFlowIndicator);
                if is_dash && self.text.as_bytes().get(at as usize) == Some(&b'-') {
                    self.dashes.push(at as usize);
                }
                let rest_of_broken = self.given_up && self.open.is_none();
                if rest_of_broken && matches!(error.kind(), ErrorKind::ExpectedDocumentStart) {
                    return self.go_on(parser);
                }
                Err(Fault::new(ProblemKind::Syntax, at, error.info()))
            }
        };
        let Err(fault) = taken else { return Next::Event };
        self.abandon(fault);
        if self.builder.problems.len() >= PROBLEM_LIMIT {
            let position = self
                .builder
                .problems
                .last()
                .map_or(Position::START, |problem| problem.position);
            let message = format!("more than {PROBLEM_LIMIT} problems: the rest of the text is not read");
            self.builder.problems.push(Problem {
                kind: ProblemKind::TooLarge,
                position,
                message,
            });
            return Next::End;
        }
        self.go_on(parser)
    }

    /// Skips what is left of a broken document.
    fn go_on<'t>(&mut self, parser: &mut Parser<'t, StrInput<'t>>) -> Next {
        match parser.proceed_next_document() {
            Ok(_) => Next::Event,
            Err(error) => {
                let at = self.builder.offset(error.marker());
                self.abandon(Fault::new(ProblemKind::Syntax, at, error.info()));
                Next::End
            }
        }
    }

    fn take(&mut self, rest: &str, event: &Event<'_>, span: &granit_parser::Span) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(..) => {
                self.builder.begin();
                self.open = Some(self.opened(self.builder.offset(&span.start)));
                self.given_up = false;
                Ok(())
            }
            Event::DocumentEnd => {
                self.idle_from = self.builder.offset(&span.end);
                if let Some(open) = self.open.take() {
                    self.keep(open, self.idle_from);
                }
                Ok(())
            }
            Event::Comment(..) => {
                let start = self.builder.offset(&span.start) as usize;
                let end = self.builder.offset(&span.end) as usize;
                self.comments.push(start..end);
                Ok(())
            }
            node => self.builder.take(rest, node, span),
        }
    }

    /// Keeps a document that was read to its end, unless it is empty.
    fn keep(&mut self, open: Open, end: u32) {
        let leftover = self.builder.leftover.take().map(Box::new);
        let slot = small(open.first_slot);
        if matches!(Node::at(&self.builder.tree, slot).value(), Value::Null) {
            return;
        }
        self.parts.push(Part {
            slot,
            above: open.above,
            bytes: open.start..end.max(open.start + 1),
            leftover,
        });
    }

    /// Takes out what was read of a document, warnings too: about one that is not judged they would only distract.
    fn drop_since(&mut self, open: Open) {
        self.builder.tree.slots.truncate(open.first_slot);
        self.builder.tree.held.truncate(open.held);
        self.builder.problems.truncate(open.problems);
    }

    /// Drops what was read of a broken document and says why.
    fn abandon(&mut self, fault: Fault) {
        let fault = self.builder.leftover.take().unwrap_or(fault);
        self.given_up = true;
        let open = self.open.take();
        // The parser looks ahead: it can fail at a document's first line before it says that a document starts.
        let open = open.unwrap_or_else(|| self.opened(self.idle_from));
        let tree = &self.builder.tree;
        let action = (fault.kind == ProblemKind::Syntax && self.builder.braces)
            .then(|| template::unread_action(tree, open.first_slot, &self.comments, open.start, fault.at))
            .flatten();
        self.drop_since(open);
        self.idle_from = fault.at;
        let Fault { kind, at, message } = action.unwrap_or(fault);
        self.builder.problems.push(Problem {
            kind,
            position: self.builder.tree.position(at),
            message,
        });
    }

    /// The state of a document that starts here. What stands above its `---` is not of it, unless it is the first.
    fn opened(&self, start: u32) -> Open {
        let is_explicit = self.text[start as usize..].starts_with("---");
        let begins_here = is_explicit && self.idle_from > 0 || self.given_up;
        Open {
            above: if begins_here { start } else { self.idle_from },
            first_slot: self.builder.tree.slots.len(),
            held: self.builder.tree.held.len(),
            problems: self.builder.problems.len(),
            start,
        }
    }

    /// Whether the parser stopped where a new text begins that it does not take for one: the next JSON object of a
    /// stream of them, or the byte order mark of a file that was put behind another one.
    fn is_next_text(&self, error: &ScanError, at: u32) -> bool {
        let text = self.text.as_bytes();
        let offset = at as usize;
        let first = text.get(offset).copied();
        match self.open {
            None => {
                let last_is_json = self
                    .parts
                    .last()
                    .is_some_and(|part| text.get(part.bytes.start as usize) == Some(&b'{'));
                matches!(error.kind(), ErrorKind::ExpectedDocumentStart) && first == Some(b'{') && last_is_json
            }
            Some(open) => {
                open.first_slot == self.builder.tree.slots.len() && text[offset..].starts_with(b"\xef\xbb\xbf")
            }
        }
    }
}
