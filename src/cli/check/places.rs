//! Where the objects of a world stand in their files, as reports show it.

use std::ops::Range;
use std::sync::Arc;

use stateward_yaml::Position;

use crate::audit::Places;
use crate::audit::report::{Excerpt, Location};
use crate::graph::{Kind, Name};
use crate::manifests::Manifest;
use crate::manifests::file::File;
use crate::manifests::worlds::World;

/// The most characters of a line that an excerpt shows; JSON may stand on one line of megabytes.
const WIDTH: usize = 120;

/// How much of a longer line is shown before the place.
const LEAD: usize = 40;

/// How many bytes on either side of a place are looked at: more than an excerpt can show.
const REACH: usize = 4 * (WIDTH + 2);

/// The files of a world.
#[derive(Debug)]
pub struct Files<'c> {
    pub files: &'c [File],
    pub world: &'c World<'c>,
}

impl Places for Files<'_> {
    fn api_version(&self, kind: Kind, namespace: &Name, name: &Name) -> Option<Name> {
        let (_, manifest) = self.world.manifest(kind, namespace, name)?;
        manifest.api_version().map(Name::from)
    }

    fn location(&self, kind: Kind, namespace: &Name, name: &Name, path: &str) -> Option<Location> {
        let (file, manifest) = self.world.manifest(kind, namespace, name)?;
        let place = manifest.root().locate(path);
        let (position, span) = (place.node.position(), place.node.span());
        let found = location(&self.files[file], Some(manifest), position, span);
        Some(Location {
            missing: !place.exact,
            width: if place.exact { found.width } else { 1 },
            ..found
        })
    }
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
