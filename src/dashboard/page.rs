//! The frame of every page, and the pieces that several of them share. Whatever comes out of objects is escaped.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Content;
use super::query::Query;
use crate::graph::Kind;
use crate::markup::escaped;

/// What stays as it is in a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// So many rows of a table stand on one page.
pub(super) const ROWS: usize = 100;

/// Where a page stands in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Namespaces,
    Rules,
    Decisions,
    Replay,
    /// In none of them.
    Nowhere,
}

const PLACES: [(Place, &str, &str); 5] = [
    (Place::Overview, "/", "Overview"),
    (Place::Namespaces, "/namespaces", "Namespaces"),
    (Place::Rules, "/rules", "Rules"),
    (Place::Decisions, "/decisions", "Decisions"),
    (Place::Replay, "/replay", "Replay"),
];

/// A whole page. It shows what there was at this beat.
pub(super) fn page(content: &Content, beat: u64) -> String {
    let Content { title, place, body } = content;
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{} - stateward</title>\n\
         <link rel=\"icon\" href=\"/icon.svg\"/>\n<link rel=\"stylesheet\" href=\"/style.css\"/>\n\
         <script src=\"/script.js\" defer=\"defer\"></script>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<nav aria-label=\"Pages\">\n\
         <span class=\"brand\">stateward</span>\n<ul>\n",
        escaped(title)
    );
    for (one, path, label) in PLACES {
        let current = if one == *place { " aria-current=\"page\"" } else { "" };
        let _ = writeln!(text, "<li><a href=\"{path}\"{current}>{label}</a></li>");
    }
    let _ = write!(
        text,
        "</ul>\n<output id=\"live\" class=\"mute\"></output>\n</nav>\n</header>\n<main id=\"main\" tabindex=\"-1\" data-beat=\"{beat}\">\n{body}</main>\n\
         </body>\n</html>\n"
    );
    text
}

/// A part of a page that is brought up to date while it is open. The id is the same each time.
pub(super) fn live(id: &str, markup: &str) -> String {
    format!("<div id=\"{id}\" data-live=\"\">\n{markup}</div>\n")
}

/// A path of parts, which may be any text.
pub(super) fn path(parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, PART)));
    parts.collect()
}

/// A link to a path.
pub(super) fn link(path: &str, words: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(path), escaped(words))
}

/// How a kind is called in a path: `statefulsets.apps`.
pub(super) fn segment(kind: Kind) -> String {
    match kind.group() {
        "" => kind.resource().to_owned(),
        group => format!("{}.{group}", kind.resource()),
    }
}

/// A heading of a column, and whether it is one of numbers.
pub(super) type Column = (&'static str, Align);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Words,
    Numbers,
}

/// A table of markup, one cell after another, that scrolls for itself where it is too wide. The label is for those who do
/// not see it.
pub(super) fn table(label: &str, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<thead><tr>",
        escaped(label)
    );
    let class = |align| if align == Align::Numbers { " class=\"n\"" } else { "" };
    for (heading, align) in columns {
        let _ = write!(text, "<th scope=\"col\"{}>{heading}</th>", class(*align));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        text.push_str("<tr>");
        for (cell, (_, align)) in row.iter().zip(columns) {
            let _ = write!(text, "<td{}>{cell}</td>", class(*align));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody>\n</table>\n</div>\n");
    text
}

/// A number in a table: nothing is easier to see than zeroes.
pub(super) fn number(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

/// A form that filters by words; it keeps what is asked for already.
pub(super) fn search(label: &str, words: &str, more: &str) -> String {
    format!(
        "<form class=\"tools\" role=\"search\" method=\"get\">\n<div><label for=\"q\">{}</label>\
         <input id=\"q\" name=\"q\" type=\"search\" value=\"{}\"/></div>\n{more}\
         <div><button type=\"submit\">Filter</button></div>\n</form>\n",
        escaped(label),
        escaped(words)
    )
}

/// Which rows of how many are shown on a page, and links to those before and after.
pub(super) fn pager(shown: usize, all: usize, query: &Query, noun: &str) -> String {
    let page = query.page;
    let first = page.saturating_mul(ROWS);
    let mut text = if all <= ROWS {
        format!("<p class=\"mute\">{}</p>\n", escaped(&counted(all, noun)))
    } else {
        format!(
            "<p class=\"mute\">{} to {} of {}</p>\n",
            (first + 1).min(all),
            first + shown,
            escaped(&counted(all, noun))
        )
    };
    let to = |page: usize, words: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("q", &query.words)
            .append_pair("outcome", &query.outcome)
            .append_pair("page", &page.to_string())
            .finish();
        link(&format!("?{query}"), words)
    };
    let mut links = Vec::new();
    if page > 0 {
        links.push(to(page - 1, "Those before"));
    }
    if first + shown < all {
        links.push(to(page + 1, "Those after"));
    }
    if !links.is_empty() {
        let _ = writeln!(
            text,
            "<nav aria-label=\"Further rows\"><p>{}</p></nav>",
            links.join(" ")
        );
    }
    text
}

/// `1 namespace`, `2 namespaces`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_takes_any_text() {
        assert_eq!(path(&["namespaces", "a/b <c>"]), "/namespaces/a%2Fb%20%3Cc%3E");
    }
}
