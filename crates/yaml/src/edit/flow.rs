//! Edits of flow style, JSON included: braces, brackets and commas.

use serde_json::{Map, Value as Json};

use super::block::{end, start};
use super::change::Changes;
use super::error::EditError;
use super::write::Style;
use crate::node::{Entry, Node};

impl<'t> Changes<'t> {
    /// Adds an entry after another one, or before `first`.
    pub(super) fn add_to_flow(
        &mut self,
        first: &Entry<'t>,
        before: Option<&Entry<'t>>,
        key: &str,
        value: &Json,
    ) -> Result<(), EditError> {
        let entry = self.style_beside(first).entry(key, value);
        match before {
            Some(before) => self.add_after(start(*before), end(*before), &entry),
            None if self.is_first_on_line(start(*first)) => {
                let line = self.line_start(start(*first));
                let (indent, newline) = (&self.text[line..start(*first)], self.newline(line));
                self.insert(self.above_comments(line), format!("{indent}{entry},{newline}"));
            }
            None => self.insert(start(*first), format!("{entry},{}", self.style.blank())),
        }
        Ok(())
    }

    pub(super) fn append_to_flow(&mut self, last: Node<'t>, new: &Json) -> Result<(), EditError> {
        let item = self.style.value(new);
        self.add_after(last.span().start, last.span().end, &item);
        Ok(())
    }

    /// Takes out the entries that are no members any more; at least one is.
    pub(super) fn remove_from_flow(&mut self, entries: &[Entry<'t>], members: &Map<String, Json>) {
        let is_kept = |entry: &Entry<'_>| members.contains_key(entry.key());
        let first_kept = entries.iter().position(is_kept).unwrap_or_default();
        if first_kept > 0 {
            self.edit(start(entries[0])..start(entries[first_kept]), String::new());
        }
        for pair in entries[first_kept..].windows(2).filter(|pair| !is_kept(&pair[1])) {
            self.edit(end(pair[0])..end(pair[1]), String::new());
        }
    }

    /// Takes out the items that are not kept; at least one is.
    pub(super) fn take_out_of_flow(&mut self, items: &[Node<'t>], is_kept: &[bool]) {
        let first_kept = is_kept.iter().position(|is_kept| *is_kept).unwrap_or_default();
        if first_kept > 0 {
            self.edit(items[0].span().start..items[first_kept].span().start, String::new());
        }
        for (pair, _) in items
            .windows(2)
            .zip(1..)
            .filter(|(_, next)| *next > first_kept && !is_kept[*next])
        {
            self.edit(pair[0].span().end..pair[1].span().end, String::new());
        }
    }

    /// Adds `piece` after what stands from `from` to `to`: on a line of its own where that one has one.
    fn add_after(&mut self, from: usize, to: usize, piece: &str) {
        let blank = self.style.blank();
        let gap = self.text[to..].len() - self.text[to..].trim_start().len();
        let comma = self.text[to + gap..].starts_with(',').then_some(to + gap + 1);
        let line_end = |at: usize| self.next_line(at) - self.line_break(at);
        let is_rest_empty = |at: usize| {
            let rest = self.text[at..line_end(at)].trim_start();
            rest.is_empty() || rest.starts_with('#')
        };
        if self.is_first_on_line(from) {
            let line = self.line_start(from);
            let own_line = format!("{}{}{piece}", self.newline(from), &self.text[line..from]);
            match comma {
                Some(comma) if is_rest_empty(comma) => self.insert(line_end(comma), format!("{own_line},")),
                Some(comma) => self.insert(comma, format!("{blank}{piece},")),
                None if is_rest_empty(to) => {
                    let at = line_end(to);
                    self.insert(to, ",".to_owned());
                    self.insert(at, own_line);
                }
                None => self.insert(to, format!(",{own_line}")),
            }
        } else if let Some(comma) = comma {
            self.insert(comma, format!("{blank}{piece},"));
        } else {
            self.insert(to, format!(",{blank}{piece}"));
        }
    }

    /// How long the end of the line of `at` is.
    fn line_break(&self, at: usize) -> usize {
        let line = &self.text[..self.next_line(at)];
        line.len() - line.trim_end_matches(['\n', '\r']).len()
    }

    /// The style of a mapping that has an entry already.
    fn style_beside(&self, entry: &Entry<'_>) -> Style {
        let quotes_keys = self.text[entry.name.span()].starts_with('"');
        Style {
            quotes_keys,
            quotes_strings: quotes_keys || self.style.quotes_strings,
            ..self.style
        }
    }
}
