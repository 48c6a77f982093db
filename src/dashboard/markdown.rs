//! The pages of the rules as markup: as much of Markdown as they use.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Lines;

use super::page::{link, path};
use crate::audit::pages;
use crate::markup::escaped;

/// A page as markup.
pub(super) fn html(page: &str) -> String {
    let mut text = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            fence(&mut text, info, &mut lines);
        } else if line.starts_with('#') {
            let level = line.chars().take_while(|c| *c == '#').count().clamp(1, 6);
            let _ = writeln!(
                text,
                "<h{level}>{}</h{level}>",
                inline(line.trim_start_matches('#').trim())
            );
        } else if line.starts_with('|') {
            rows(&mut text, line, &mut lines);
        } else if line.starts_with("- ") {
            list(&mut text, line, &mut lines);
        } else if !line.trim().is_empty() {
            let rest = more(&mut lines, |next| !next.trim().is_empty() && !begins(next));
            let _ = writeln!(text, "<p>{}</p>", inline(format!("{line} {rest}").trim()));
        }
    }
    text
}

/// Whether a line begins something else than a paragraph.
fn begins(line: &str) -> bool {
    ["```", "#", "|", "- "].iter().any(|start| line.starts_with(start))
}

/// The lines that belong to what has begun, as one.
fn more(lines: &mut Peekable<Lines<'_>>, belongs: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    while let Some(line) = lines.next_if(|line| belongs(line)) {
        text.push_str(line.trim());
        text.push(' ');
    }
    text
}

/// Code, with what it is an example of above it.
fn fence(text: &mut String, info: &str, lines: &mut Peekable<Lines<'_>>) {
    let mut code = String::new();
    for line in lines.by_ref().take_while(|line| !line.starts_with("```")) {
        code.push_str(&escaped(line));
        code.push('\n');
    }
    let about = info.split_once(' ').map(|(_, about)| about.trim());
    if let Some(about) = about {
        let _ = writeln!(text, "<p class=\"mute\">{}</p>", escaped(about));
    }
    let label = escaped(about.unwrap_or("Example"));
    let _ = writeln!(
        text,
        "<pre tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{code}</pre>"
    );
}

/// A table; one whose headings are empty has headings at the side.
fn rows(text: &mut String, first: &str, lines: &mut Peekable<Lines<'_>>) {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_start_matches('|').trim_end_matches('|');
        line.split('|').map(|cell| inline(cell.trim())).collect()
    };
    text.push_str("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>\n");
    let headings = cells(first);
    let at_side = headings.iter().all(String::is_empty);
    let row = |text: &mut String, cells: Vec<String>, heads: usize, scope: &str| {
        text.push_str("<tr>");
        for (place, cell) in cells.iter().enumerate() {
            let _ = if place < heads {
                write!(text, "<th scope=\"{scope}\">{cell}</th>")
            } else {
                write!(text, "<td>{cell}</td>")
            };
        }
        text.push_str("</tr>\n");
    };
    if !at_side {
        row(text, headings, usize::MAX, "col");
    }
    while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
        if !line.starts_with("|--") {
            row(text, cells(line), usize::from(at_side), "row");
        }
    }
    text.push_str("</table></div>\n");
}

fn list(text: &mut String, first: &str, lines: &mut Peekable<Lines<'_>>) {
    text.push_str("<ul>\n");
    let mut item = first.to_owned();
    loop {
        let rest = more(lines, |next| next.starts_with("  "));
        let words = format!("{} {rest}", item.trim_start_matches("- "));
        let _ = writeln!(text, "<li>{}</li>", inline(words.trim()));
        match lines.next_if(|next| next.starts_with("- ")) {
            Some(next) => next.clone_into(&mut item),
            None => break,
        }
    }
    text.push_str("</ul>\n");
}

/// Code, stress and links in a line.
fn inline(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '*', '[']) {
        text.push_str(&escaped(&rest[..at]));
        let here = &rest[at..];
        let (markup, length) = code(here)
            .or_else(|| stress(here))
            .or_else(|| reference(here))
            .unwrap_or_else(|| (escaped(&here[..1]), 1));
        text.push_str(&markup);
        rest = &here[length..];
    }
    text.push_str(&escaped(rest));
    text
}

/// Markup, and how much of the line it is.
type Piece = Option<(String, usize)>;

fn code(line: &str) -> Piece {
    let (inside, _) = line.strip_prefix('`')?.split_once('`')?;
    Some((format!("<code>{}</code>", escaped(inside)), inside.len() + 2))
}

fn stress(line: &str) -> Piece {
    for (mark, tag) in [("**", "strong"), ("*", "em")] {
        let inside = line.strip_prefix(mark).and_then(|rest| rest.split_once(mark));
        let Some((inside, _)) = inside.filter(|(inside, _)| !inside.is_empty() && !inside.starts_with(' ')) else {
            continue;
        };
        return Some((
            format!("<{tag}>{}</{tag}>", inline(inside)),
            inside.len() + 2 * mark.len(),
        ));
    }
    None
}

/// A link: to the page of another rule. Other documents are not here, and their names stand without.
fn reference(line: &str) -> Piece {
    let (words, rest) = line.strip_prefix('[')?.split_once("](")?;
    let (target, _) = rest.split_once(')')?;
    let length = words.len() + target.len() + 4;
    let rule = target
        .strip_suffix(".md")
        .filter(|id| pages().any(|page| page.id == *id));
    let markup = match rule {
        Some(id) => link(&path(&["rules", id]), &words.replace('`', "")),
        None => inline(words),
    };
    Some((markup, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_line_are_told_apart() {
        assert_eq!(
            inline("a `b*c` **d** *e* 3 * 4 [`f`](rwo-surge.md) [g](../x.md) <h>"),
            "a <code>b*c</code> <strong>d</strong> <em>e</em> 3 * 4 <a href=\"/rules/rwo-surge\">f</a> g &lt;h&gt;"
        );
    }

    #[test]
    fn of_every_page_nothing_stays_as_it_was_typed() {
        for page in pages() {
            let text = html(page.text);
            let without = |tag: &str| {
                let mut outside = String::new();
                for (number, part) in text.split(&format!("<{tag}")).enumerate() {
                    let end = format!("</{tag}>");
                    outside.push_str(if number == 0 {
                        part
                    } else {
                        part.split_once(&end).unwrap().1
                    });
                }
                outside
            };
            let words = without("pre");
            assert!(
                !words.contains("```") && !words.contains("](") && !words.contains("\n|"),
                "{}",
                page.id
            );
            assert!(words.contains("<h2>"), "{}", page.id);
        }
    }
}
