//! Where what is found stands in the files, as reports show it.

use std::ops::Range;
use std::sync::Arc;

use stateward_yaml::{Place, Position};

use crate::audit::report::{Entry, Excerpt, Location, Object};
use crate::manifests::Manifest;
use crate::manifests::file::{File, Placed};
use crate::manifests::worlds::World;

/// The most characters of a line that an excerpt shows; JSON may stand on one line of megabytes.
const WIDTH: usize = 120;

/// How much of a longer line is shown before the place.
const LEAD: usize = 40;

/// How many bytes on either side of a place are looked at: more than an excerpt can show.
const REACH: usize = 4 * (WIDTH + 2);

/// Puts what was found of an object where the object stands, and the others that play a part in it where they stand, if
/// in files of its world.
pub fn placed(mut entry: Entry, stands: Placed<'_>, world: &World<'_>) -> Entry {
    place(stands, &entry.path, &mut entry.object, &mut entry.location);
    for related in &mut entry.related {
        let Object {
            api_version,
            kind,
            namespace,
            name,
        } = &related.object;
        let kind = world.kinds().of(api_version, kind);
        if let Some(stands) = kind.and_then(|kind| world.find(kind, namespace, name)) {
            place(stands, &related.path, &mut related.object, &mut related.location);
        }
    }
    entry
}

/// Names an object as it is written, and says where the value at a JSON pointer stands, or its nearest existing parent.
fn place(stands: Placed<'_>, path: &str, object: &mut Object, at: &mut Option<Location>) {
    let Some(manifest) = stands.manifest() else { return };
    if let Some(written) = manifest.api_version() {
        object.api_version = written.into();
    }
    let Place { node, exact } = manifest.root().locate(path);
    let found = location(stands.file, Some(manifest), node.position(), node.span());
    *at = Some(Location {
        missing: !exact,
        width: if exact { found.width } else { 1 },
        ..found
    });
}

/// Describes a place of a file; `span` are its bytes.
pub fn location(file: &File, manifest: Option<Manifest<'_>>, position: Position, span: Range<usize>) -> Location {
    let text = file.manifests.reading().text();
    let at = (position.offset as usize).min(text.len());
    let begin = text.floor_char_boundary(at.saturating_sub(REACH));
    let begin = text[begin..at].rfind('\n').map_or(begin, |newline| begin + newline + 1);
    let end = text.floor_char_boundary(at + REACH);
    let end = text[at..end].find('\n').map_or(end, |newline| at + newline);
    let place = text[at..span.end.clamp(at, end)].trim_end();
    let (excerpt, room) = excerpt(&text[begin..at], &text[at..end]);
    let width = place.chars().count().clamp(1, room.max(1));
    Location {
        file: file.name.clone(),
        line: position.line,
        column: position.column,
        width: u32::try_from(width).unwrap_or(u32::MAX),
        missing: false,
        excerpt,
        source: manifest.and_then(Manifest::source).map(Arc::from),
    }
}

/// The line, cut on both sides where it is long, and how many characters of it follow the place.
fn excerpt(before: &str, after: &str) -> (Excerpt, usize) {
    let shown = |c: char| if c == '\t' { ' ' } else { c };
    let lead = before.chars().count();
    let mut text = String::new();
    let kept = if lead + after.chars().take(WIDTH).count() > WIDTH && lead > LEAD {
        text.push('…');
        LEAD
    } else {
        lead
    };
    text.extend(before.chars().skip(lead - kept).map(shown));
    let stands = text.chars().count();
    let room = WIDTH.saturating_sub(stands).max(1);
    let rest = after.trim_end();
    text.extend(rest.chars().take(room).map(shown));
    let followed = rest.chars().take(room).count();
    if rest.chars().nth(room).is_some() {
        text.push('…');
    }
    let before = u32::try_from(stands).unwrap_or(u32::MAX);
    (Excerpt { text, before }, followed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let (cut, room) = excerpt(&"a".repeat(1_000_000), &"b".repeat(1_000_000));
        assert_eq!(cut.text.chars().count(), WIDTH + 1);
        assert_eq!(cut.text.chars().nth(cut.before as usize), Some('b'));
        assert_eq!(room, WIDTH - LEAD - 1);
        let (whole, room) = excerpt("\ta: ", "é \r");
        assert_eq!((whole.text.as_str(), whole.before, room), (" a: é", 4, 1));
    }
}
