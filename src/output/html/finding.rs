//! One finding of the page.

use std::fmt::Write as _;

use crate::audit::report::{Exemption, Related};
use crate::audit::{Entry, Level, Location};
use crate::markup::escaped;

/// Writes a finding, with what else there is to see of it: a label, and where it stands.
pub fn write(text: &mut String, entry: &Entry, team: &str, see: Option<(&str, String)>) {
    let level = entry.level.as_str();
    let sign = match entry.level {
        Level::Error => "\u{2716}",
        Level::Warning => "\u{25b2}",
        Level::Note => "\u{25cf}",
    };
    let _ = writeln!(
        text,
        "<article class=\"{level}\" data-rule=\"{}\" data-namespace=\"{}\" data-team=\"{}\">\n\
         <h3><b>{sign} {level}</b> {}</h3>\n<p>{}</p>",
        escaped(entry.rule),
        escaped(&entry.object.namespace),
        escaped(team),
        escaped(entry.rule),
        escaped(&entry.message)
    );
    match &entry.location {
        Some(at) => excerpt(text, at, &entry.path),
        None if !entry.path.is_empty() => detail(text, "Field", &entry.path),
        None => {}
    }
    related(text, &entry.related);
    if !entry.remedy.is_empty() {
        let _ = writeln!(
            text,
            "<p class=\"fix\"><b>Fix:</b> <span>{}</span></p>",
            escaped(&entry.remedy)
        );
    }
    if let Some(reason) = &entry.allowed_because {
        detail(text, "Allowed by annotation", reason);
    }
    if let Some(date) = entry.denied_after {
        detail(text, "Denied from", &date.in_words());
    }
    match &entry.exemption {
        Some(Exemption::Granted(granted)) => {
            let (name, day) = (&granted.exception, granted.expires.in_words());
            let words = format!("{name} until {day}, {}: {}", granted.owner, granted.reason);
            detail(text, "Let pass by exception", &words);
        }
        Some(Exemption::Void(why)) => detail(text, "Note", why),
        None => {}
    }
    if let Some((label, place)) = see {
        let _ = writeln!(
            text,
            "<p><a class=\"see\" href=\"{}\">{}</a></p>",
            escaped(&place),
            escaped(label)
        );
    }
    text.push_str("</article>\n");
}

fn detail(text: &mut String, label: &str, words: &str) {
    let _ = writeln!(text, "<p><b>{label}:</b> {}</p>", escaped(words));
}

/// The line, with a caret for every character of the value; or with the field that is not there.
fn excerpt(text: &mut String, at: &Location, path: &str) {
    let source = at
        .source
        .as_ref()
        .map_or(String::new(), |source| format!(" ({source})"));
    let place = format!("{}:{}:{}{source}", at.file, at.line, at.column);
    let number = at.line.to_string();
    let field = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .replace("~1", "/")
        .replace("~0", "~");
    let label = if at.missing && !field.is_empty() {
        format!(" {field} is not set here")
    } else {
        String::new()
    };
    let lines = [
        place,
        format!("{number} | {}", at.excerpt.text),
        format!(
            "{} | {}{}{label}",
            " ".repeat(number.len()),
            " ".repeat(at.excerpt.before as usize),
            "^".repeat(at.width.max(1) as usize)
        ),
    ];
    let lines = lines.map(|line| escaped(&line));
    let _ = writeln!(text, "<pre tabindex=\"0\">{}</pre>", lines.join("\n"));
}

fn related(text: &mut String, related: &[Related]) {
    if related.is_empty() {
        return;
    }
    text.push_str("<ul>\n");
    for one in related {
        let place = match &one.location {
            Some(at) => format!("{}:{}:{}", at.file, at.line, at.column),
            None => one.object.title(),
        };
        let _ = writeln!(text, "<li>{}</li>", escaped(&format!("{place}: {}", one.message)));
    }
    text.push_str("</ul>\n");
}
