//! Reads a text into documents: drives the parser, keeps going after broken documents, keeps their problems.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScanError, StrInput, options};

use super::builder::Builder;
use super::chart::SOURCE;
use super::document::{Document, Part, parts};
use super::encoding;
use super::node::Node;
use super::plain;
use super::position::{Position, small};
use super::problem::{Fault, Problem, ProblemKind};
use super::template;
use super::tree::Tree;
use super::{PROBLEM_LIMIT, RESTART_LIMIT, TEXT_LIMIT};

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

/// Reads a text of YAML or JSON documents. A broken document is a problem and hides no other one.
///
/// Lists are opened: their items are documents of their own. Empty documents are left out.
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
    /// The objects of the text, in its order; the items of lists one by one.
    pub fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        let tree = &self.tree;
        self.parts.iter().map(move |part| Document { tree, part })
    }

    /// The object with this number, from 0.
    #[must_use]
    pub fn document(&self, index: usize) -> Option<Document<'_>> {
        Some(Document {
            tree: &self.tree,
            part: self.parts.get(index)?,
        })
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
pub(super) struct Reader {
    text: Arc<String>,
    /// Whether documents may be read by [`plain`].
    may_be_plain: bool,
    builder: Builder,
    parts: Vec<Part>,
    /// The byte ranges of the comments so far, where they matter: they may name a source, or hold what looks like an
    /// action of a template.
    comments: Vec<Range<usize>>,
    comments_matter: bool,
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
    /// The `# Source:` comment before the next document's content.
    source: Option<Range<usize>>,
    /// Where a `-` stands that is a string and that the parser refused.
    dashes: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Open {
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
    pub(super) fn new(text: Arc<String>, may_be_plain: bool) -> Self {
        let builder = Builder::new(Arc::clone(&text));
        let comments_matter = builder.braces || text.contains(SOURCE);
        Self {
            text,
            may_be_plain,
            builder,
            parts: Vec::new(),
            comments: Vec::new(),
            comments_matter,
            open: None,
            given_up: false,
            restarts: 0,
            searched: 0,
            idle_from: 0,
            source: None,
            dashes: Vec::new(),
        }
    }

    /// Reads `input`, which is the text, or differs from it only in the dashes found before; and tells further ones.
    pub(super) fn read(mut self, input: &str) -> (Reading, Vec<usize>) {
        let mut from = self.read_plain(0);
        'parser: while (from as usize) < input.len() {
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
                    if start > from && self.text[start as usize..].starts_with("---") {
                        let next = self.read_plain(start);
                        if next > start {
                            from = next;
                            continue 'parser;
                        }
                        self.builder.base = from;
                    }
                }
                match self.step(rest, &event, &mut parser) {
                    Next::Event => {}
                    Next::End => break 'parser,
                    Next::Restart(offset) => {
                        from = offset;
                        continue 'parser;
                    }
                }
            }
            break;
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

    /// Reads as many documents as are plain; returns where the first that is not begins, or the text ends.
    fn read_plain(&mut self, mut from: u32) -> u32 {
        self.builder.base = 0;
        while self.may_be_plain && (from as usize) < self.text.len() {
            let mut open = self.opened(from);
            self.builder.begin();
            let plain = plain::read(&mut self.builder, &self.text, from as usize);
            // What is left of a template may have to be told of: that is done in one place.
            let Some(plain) = plain.filter(|_| self.builder.leftover.is_none()) else {
                self.drop_since(open);
                break;
            };
            open.start = small(plain.span.start);
            from = small(plain.span.end);
            self.source = self.source.take().or(plain.source);
            if plain.has_content {
                self.keep(open, from);
            } else if plain.is_explicit {
                self.source = None;
            }
            self.idle_from = from;
            self.given_up = false;
        }
        from
    }

    /// Whether a parser that starts here should tell of comments, which takes it a sixth of its time. It begins by
    /// searching the whole rest for one, which for a stream of many JSON objects would take time without end.
    fn may_have_comments(&mut self, rest: &str) -> bool {
        const SEARCH_LIMIT: usize = 16 * TEXT_LIMIT;
        if self.comments_matter && self.searched < SEARCH_LIMIT {
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
        let at_its_end = matches!(event, Ok((Event::DocumentEnd, _)));
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
        if at_its_end { Next::Event } else { self.go_on(parser) }
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
                self.given_up = false;
                self.open = Some(self.opened(self.builder.offset(&span.start)));
                Ok(())
            }
            Event::DocumentEnd => {
                self.idle_from = self.builder.offset(&span.end);
                self.finish(self.idle_from)
            }
            Event::Comment(comment, _) => {
                let start = self.builder.offset(&span.start) as usize;
                let end = self.builder.offset(&span.end) as usize;
                self.comments.push(start..end);
                let before_content = self
                    .open
                    .is_none_or(|open| open.first_slot == self.builder.tree.slots.len());
                if before_content
                    && self.source.is_none()
                    && let Some(source) = comment.strip_prefix(&SOURCE[1..])
                {
                    let source = source.trim_end();
                    let at = start + SOURCE.len();
                    self.source = Some(at..at + source.len());
                }
                Ok(())
            }
            node => self.builder.take(rest, node, span),
        }
    }

    /// Keeps a document that was read to its end, unless it is a chart's template in something that is judged.
    fn finish(&mut self, end: u32) -> Result<(), Fault> {
        let Some(open) = self.open else { return Ok(()) };
        // What Helm names the source of is rendered: braces in it are meant for somebody else.
        if let Some(leftover) = self.builder.leftover.take()
            && self.source.is_none()
            && !Node::at(&self.builder.tree, small(open.first_slot)).plays_no_part()
        {
            return Err(leftover);
        }
        self.open = None;
        self.keep(open, end);
        Ok(())
    }

    /// Adds the objects of a document.
    fn keep(&mut self, open: Open, end: u32) {
        let source = self.source.take();
        let bytes = open.start..end.max(open.start + 1);
        parts(
            &self.builder.tree,
            small(open.first_slot),
            &bytes,
            source.as_ref(),
            &mut self.parts,
        );
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
        self.source = None;
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

    /// The state of a document that starts here.
    fn opened(&self, start: u32) -> Open {
        Open {
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
