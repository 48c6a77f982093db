//! Pictures as SVG: one below the other, each with its legend and what was found.
//!
//! Nothing rests on colour: every level has its shape and sign, every meaning its line and end. Text is text, and what is
//! cut stands in full in a `<title>`. Whatever comes out of objects is escaped.

use std::fmt::Write as _;

use super::icons;
use super::layout::{BADGES, HEADING, LINE, Layout, PAD, Rect, WIDTH};
use super::metrics::{cut, width, wrap};
use super::model::{Change, Edge, Mark, Meaning, Node, Picture};
use super::route::{self, Wire};
use crate::audit::Level;
use crate::markup::escaped;

/// The style of every picture; once in a page is enough.
pub const STYLE: &str = include_str!("style.css");

/// The narrowest picture with text below it.
const NARROWEST: i32 = 640;
/// A line of what was found.
const TEXT: i32 = 17;

/// What a picture is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A file of its own, with title, legend and findings.
    File,
    /// A page that has the style, and tells of the findings beside it.
    Page,
}

/// Writes pictures.
#[must_use]
pub fn svg(pictures: &[Picture], form: Form) -> String {
    let mut page = Page {
        text: String::new(),
        form,
        wide: 0,
    };
    let laid: Vec<(&Picture, Layout)> = pictures.iter().map(|picture| (picture, Layout::of(picture))).collect();
    let widest = laid.iter().map(|(_, layout)| layout.width).max().unwrap_or_default();
    page.wide = if form == Form::File {
        widest.max(NARROWEST)
    } else {
        widest
    };
    let mut y = PAD;
    for (number, (picture, layout)) in laid.iter().enumerate() {
        if number > 0 {
            y += 12;
            let _ = writeln!(page.text, "<path class=\"hr\" d=\"M{PAD} {y}H{}\"/>", PAD + page.wide);
            y += 24;
        }
        y = page.picture(picture, layout, y);
    }
    if laid.is_empty() {
        page.words("ti", PAD, y + 16, "There is nothing to draw.");
        y += 24;
    }
    let (width, height) = (page.wide + 2 * PAD, y + PAD);
    let label = match pictures {
        [] => "Nothing to draw".to_owned(),
        pictures => pictures.iter().map(Picture::in_words).collect::<Vec<_>>().join(". "),
    };
    let label = escaped(&label);
    let head = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sw\" role=\"img\" aria-label=\"{label}\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    let style = match form {
        Form::File => format!(
            "<desc>{label}</desc>\n<style>\n{STYLE}</style>\n<rect class=\"bg\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
        ),
        Form::Page => String::new(),
    };
    format!("{head}{style}{}</svg>\n", page.text)
}

struct Page {
    text: String,
    form: Form,
    /// Without what is left free around it.
    wide: i32,
}

impl Page {
    /// Draws a picture from `y` on, and says where it ends.
    fn picture(&mut self, picture: &Picture, layout: &Layout, y: i32) -> i32 {
        let mut y = y;
        if self.form == Form::File {
            self.words("ti", PAD, y + 14, &cut(&picture.title, 19, self.wide));
            y += 28;
            if let Some(words) = picture.left_out_in_words() {
                self.words("re", PAD, y + 10, &words);
                y += 22;
            }
        }
        let _ = writeln!(self.text, "<g transform=\"translate({PAD} {y})\">");
        for (column, x) in &layout.columns {
            self.words("co", *x, HEADING - 14, column.title());
        }
        for (edge, wire) in picture.edges.iter().zip(&layout.wires) {
            self.edge(edge, wire, picture);
        }
        for (node, at) in picture.nodes.iter().zip(&layout.boxes) {
            self.node(node, at, picture);
        }
        for (edge, wire) in picture.edges.iter().zip(&layout.wires) {
            self.label(edge, wire, picture);
        }
        self.text.push_str("</g>\n");
        y += layout.height + 18;
        if self.form == Form::File {
            y = self.legend(picture, y);
            y = self.findings(picture, y);
        }
        y
    }

    fn edge(&mut self, edge: &Edge, wire: &Wire, picture: &Picture) {
        let (kind, end) = icons::end(edge.meaning);
        let kind = if edge.meaning == Meaning::Conflicts { "cf" } else { kind };
        let level = level(&edge.marks, picture);
        let change = match edge.change {
            Change::Added | Change::Changed => " new",
            Change::Removed => " gone",
            Change::Stays => "",
        };
        let Wire { from, to, via, .. } = wire;
        let title = escaped(&in_words(edge));
        let _ = writeln!(
            self.text,
            "<g><title>{title}</title><path class=\"li {kind}{level}{change}\" d=\"M{} {}C{} {} {} {} {} {}\"/><path class=\"en \
             {kind}{level}\" transform=\"translate({} {})\" d=\"{end}\"/></g>",
            from.0, from.1, via.0, from.1, via.1, to.1, to.0, to.1, to.0, to.1
        );
    }

    /// What is written on an edge.
    fn label(&mut self, edge: &Edge, wire: &Wire, picture: &Picture) {
        let Some(at) = wire.label else { return };
        let _ = writeln!(
            self.text,
            "<g><rect class=\"pi\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"9\"/>",
            at.x, at.y, at.width, at.height
        );
        let (mut x, y) = (at.x + 5, at.y + 13);
        if !edge.label.is_empty() {
            self.words("el", x, y, &edge.label);
            x += width(&edge.label, route::SIZE) + 4;
        }
        self.signs(&edge.marks, route::shown(edge).len(), x, at.y + at.height / 2, picture);
        self.text.push_str("</g>\n");
    }

    fn node(&mut self, node: &Node, at: &Rect, picture: &Picture) {
        let Rect {
            x,
            y,
            width: wide,
            height,
        } = *at;
        let level = level(&node.marks, picture);
        let class = match (node.presence.note(), node.presence) {
            (None, _) => "",
            (_, super::Presence::Missing) => " dash",
            _ => " dots",
        };
        let gone = if node.change == Change::Removed { " gone" } else { "" };
        let mut title = node.id.title();
        for line in node.lines.iter().map(String::as_str).chain(node.presence.note()) {
            title.push('\n');
            title.push_str(line);
        }
        let _ = writeln!(
            self.text,
            "<g class=\"b{}{class}{gone}\"><title>{}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{height}\" \
             rx=\"6\"/>",
            level.trim_start(),
            escaped(&title)
        );
        let icon = icons::icon(node);
        let _ = writeln!(
            self.text,
            "<path class=\"ic\" transform=\"translate({} {})\" d=\"{icon}\"/>",
            x + wide - 26,
            y + 10
        );
        let room = WIDTH - 24;
        let mut heading = x + 12;
        let mut left = room - 24;
        if let Some((sign, word)) = node.change.sign() {
            let words = format!("{sign} {word}");
            self.words("ch ad", heading, y + 18, &words);
            heading += width(&words, 12) + 6;
            left -= width(&words, 12) + 6;
        }
        self.words("ki", heading, y + 18, &cut(&node.id.heading(), 11, left));
        // Bold letters are wider by a tenth.
        self.words("na", x + 12, y + 36, &cut(&node.id.name, 16, room));
        let mut line = y + 53;
        for words in node.lines.iter().map(String::as_str).chain(node.presence.note()) {
            self.words("tx", x + 12, line, &cut(words, 12, room));
            line += LINE;
        }
        if !node.marks.is_empty() {
            let most = badges(&node.marks, room);
            self.signs(&node.marks, most, x + 12, y + height - BADGES / 2 - 2, picture);
        }
        self.text.push_str("</g>\n");
    }

    /// The first findings of several, and how many more there are.
    fn signs(&mut self, marks: &[usize], most: usize, x: i32, y: i32, picture: &Picture) {
        let mut x = x;
        for number in &marks[..most.min(marks.len())] {
            let Some(mark) = picture.marks.get(*number) else {
                continue;
            };
            self.sign(mark, x, y);
            if self.form == Form::File {
                self.words("no", x + route::SIGN + 1, y + 4, &(number + 1).to_string());
            }
            x += route::sign(*number);
        }
        if marks.len() > most {
            self.words("no", x, y + 4, &format!("+{}", marks.len() - most));
        }
    }

    /// The sign of a finding, from `x` on and around `y`.
    fn sign(&mut self, mark: &Mark, x: i32, y: i32) {
        let (class, shape, letter) = icons::sign(mark);
        // A page tells the rest beside it.
        let title = match self.form {
            Form::File => format!("{} {}: {}", mark.word(), mark.rule, mark.message),
            Form::Page => format!("{} {}", mark.word(), mark.rule),
        };
        let title = escaped(&title);
        let _ = writeln!(
            self.text,
            "<g class=\"{class}\" transform=\"translate({} {y})\"><title>{title}</title><path class=\"sg\" d=\"{shape}\"/><text class=\"in\" \
             y=\"4\">{letter}</text></g>",
            x + 7
        );
    }

    /// What lines and signs mean, of those that are there.
    fn legend(&mut self, picture: &Picture, y: i32) -> i32 {
        let (mut x, mut y) = (PAD, y);
        let mut next = |page: &Self, wide: i32| {
            if x > PAD && x + wide > PAD + page.wide {
                x = PAD;
                y += 22;
            }
            let at = (x, y);
            x += wide;
            at
        };
        for meaning in Meaning::ALL {
            if !picture.edges.iter().any(|edge| edge.meaning == meaning) {
                continue;
            }
            let (kind, end) = icons::end(meaning);
            let kind = if meaning == Meaning::Conflicts { "cf" } else { kind };
            let word = meaning.as_str();
            let (x, y) = next(self, 44 + width(word, 11) + 20);
            let _ = writeln!(
                self.text,
                "<path class=\"li {kind}\" d=\"M{x} {y}h36\"/><path class=\"en {kind}\" transform=\"translate({} {y})\" d=\"{end}\"/>",
                x + 36
            );
            self.words("ki", x + 44, y + 4, word);
        }
        let mut seen: Vec<&str> = Vec::new();
        for mark in &picture.marks {
            let word = mark.word();
            if seen.contains(&word) {
                continue;
            }
            seen.push(word);
            let (x, y) = next(self, 20 + width(word, 11) + 20);
            self.sign(mark, x, y);
            self.words("ki", x + 20, y + 4, word);
        }
        if seen.is_empty() && picture.edges.is_empty() {
            y
        } else {
            y + 26
        }
    }

    /// What was found, in full.
    fn findings(&mut self, picture: &Picture, y: i32) -> i32 {
        let mut y = y;
        for (number, mark) in picture.marks.iter().enumerate() {
            self.sign(mark, PAD, y);
            self.words("no", PAD + route::SIGN + 1, y + 4, &(number + 1).to_string());
            let x = PAD + 46;
            let mut heading = mark.rule.to_owned();
            heading.push_str(match mark.change {
                Change::Added => ": this change breaks it",
                Change::Changed => ": this change makes it worse",
                Change::Removed => ": this change mends it",
                Change::Stays => "",
            });
            if mark.is_let_pass {
                heading.push_str(": let pass");
            }
            self.words("ru", x, y + 4, &heading);
            let gone = if mark.change == Change::Removed { " gone" } else { "" };
            for line in wrap(&mark.message, 12, self.wide - 46) {
                y += TEXT;
                self.words(&format!("tx{gone}"), x, y + 4, &line);
            }
            if mark.change != Change::Removed && !mark.remedy.is_empty() {
                for line in wrap(&mark.remedy, 12, self.wide - 46) {
                    y += TEXT;
                    self.words("re", x, y + 4, &line);
                }
            }
            y += TEXT + 9;
        }
        y
    }

    /// Text at a place. What is in it is escaped here, and nowhere else.
    fn words(&mut self, class: &str, x: i32, y: i32, words: &str) {
        let _ = writeln!(
            self.text,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>",
            escaped(words)
        );
    }
}

/// The class of the worst that was found, but for what nobody has to mend; empty for notes.
fn level(marks: &[usize], picture: &Picture) -> &'static str {
    let worst = picture
        .marks(marks)
        .filter(|mark| mark.change != Change::Removed && !mark.is_let_pass)
        .map(|mark| mark.level)
        .max();
    match worst {
        Some(Level::Error) => " e",
        Some(Level::Warning) => " w",
        Some(Level::Note) | None => "",
    }
}

/// How many findings there is room for on an object.
fn badges(marks: &[usize], room: i32) -> usize {
    let fits = |most: usize| {
        let signs: i32 = marks[..most].iter().map(|mark| route::sign(*mark)).sum();
        let more = if most < marks.len() { 34 } else { 0 };
        signs + more <= room
    };
    (0..=marks.len()).rev().find(|most| fits(*most)).unwrap_or_default()
}

/// An edge as a sentence.
fn in_words(edge: &Edge) -> String {
    let label = if edge.label.is_empty() {
        String::new()
    } else {
        format!(" ({})", edge.label)
    };
    format!(
        "{} {} {}{label}",
        edge.from.title(),
        edge.meaning.as_str(),
        edge.to.title()
    )
}
