//! Edits of block style, where lines and their indentation are what counts.

use serde_json::Value as Json;

use super::change::Changes;
use super::error::EditError;
use super::write::{self, indented};
use crate::node::{Entry, Node};

impl<'t> Changes<'t> {
    /// Adds an entry after another one, or at the beginning of the mapping of which `first` is the first.
    pub(super) fn add_to_block(
        &mut self,
        first: Entry<'t>,
        before: Option<&Entry<'t>>,
        key: &str,
        value: &Json,
    ) -> Result<(), EditError> {
        let indent = first.name.position().column as usize - 1;
        let lines = write::block_entry(key, value, self.step, self.style);
        match before {
            Some(before) => self.insert_lines(self.after(end(*before), indent), &lines, indent),
            None if self.is_first_on_line(start(first)) => {
                let at = self.above_comments(self.line_start(start(first)));
                self.insert_lines(at, &lines, indent);
            }
            // Behind a dash.
            None => {
                let newline = self.newline(start(first));
                let text: String = lines
                    .iter()
                    .map(|line| format!("{line}{newline}{:indent$}", ""))
                    .collect();
                self.insert(start(first), text);
            }
        }
        Ok(())
    }

    /// Takes an entry out, with its lines and the comments in them.
    pub(super) fn remove_from_block(&mut self, entry: &Entry<'t>) -> Result<(), EditError> {
        let from = start(*entry);
        if !self.is_first_on_line(from) {
            return Err(EditError::odd(entry.name));
        }
        let indent = entry.name.position().column as usize - 1;
        self.edit(self.line_start(from)..self.after(end(*entry), indent), String::new());
        Ok(())
    }

    /// Gives a key a value that has none.
    pub(super) fn fill(&mut self, entry: Entry<'t>, new: &Json) -> Result<(), EditError> {
        let colon = entry.value.span().start;
        if self.text.as_bytes().get(colon) != Some(&b':') {
            return if new.is_null() {
                Ok(())
            } else {
                Err(EditError::odd(entry.name))
            };
        }
        let indent = entry.name.position().column as usize - 1;
        let lines: Vec<String> = match new {
            Json::Null => return Ok(()),
            Json::Object(members) if !members.is_empty() => write::block_members(new, self.step, self.style)
                .iter()
                .map(|line| indented(line, self.step))
                .collect(),
            Json::Array(items) if items.iter().any(Json::is_object) => items
                .iter()
                .flat_map(|item| write::block_item(item, self.step, self.style))
                .collect(),
            new => {
                self.insert(colon + 1, format!(" {}", self.style.value(new)));
                return Ok(());
            }
        };
        self.insert_lines(self.next_line(colon), &lines, indent);
        Ok(())
    }

    pub(super) fn append_to_block(&mut self, sequence: Node<'t>, last: Node<'t>, new: &Json) -> Result<(), EditError> {
        let dash = sequence.span().start;
        if self.text.as_bytes().get(dash) != Some(&b'-') {
            return Err(EditError::odd(sequence));
        }
        let indent = sequence.position().column as usize - 1;
        let lines = write::block_item(new, self.step, self.style);
        self.insert_lines(
            self.after(last.span().end.max(last.span().start + 1), indent),
            &lines,
            indent,
        );
        Ok(())
    }

    /// Takes an item out, with its lines, the comments in them and those directly above it.
    pub(super) fn take_out_of_block(&mut self, sequence: Node<'t>, item: Node<'t>) -> Result<(), EditError> {
        let (from, to) = (item.span().start, item.span().end);
        if !self.is_behind_dash(item) {
            return Err(EditError::odd(item));
        }
        let indent = sequence.position().column as usize - 1;
        let line = self.above_comments(self.line_start(from));
        self.edit(line..self.after(to.max(from + 1), indent), String::new());
        Ok(())
    }

    /// Whether nothing but its dash stands before an item on its line.
    pub(super) fn is_behind_dash(&self, item: Node<'t>) -> bool {
        let from = item.span().start;
        self.text[self.line_start(from)..from].trim() == "-"
    }

    /// Inserts lines at the beginning of a line, or at the end of a text whose last line has no end.
    fn insert_lines(&mut self, at: usize, lines: &[String], indent: usize) {
        let newline = self.newline(at);
        let indented: Vec<_> = lines.iter().map(|line| indented(line, indent)).collect();
        let joined = indented.join(newline);
        self.insert(
            at,
            if self.line_start(at) == at {
                joined + newline
            } else {
                format!("{newline}{joined}")
            },
        );
    }

    /// The line after something that ends at `end`, and after the comments that belong to it: those further to the
    /// right than the mapping.
    fn after(&self, end: usize, indent: usize) -> usize {
        let mut at = if self.text[..end].ends_with('\n') {
            end
        } else {
            self.next_line(end)
        };
        let mut ahead = at;
        while ahead < self.text.len() {
            let line = &self.text[ahead..self.next_line(ahead)];
            let content = line.trim_start_matches(' ');
            if content.starts_with('#') && line.len() - content.len() > indent {
                at = self.next_line(ahead);
            } else if !content.trim_end().is_empty() {
                break;
            }
            ahead = self.next_line(ahead);
        }
        at
    }

    /// The first of the comment lines that stand directly above a line; the line itself where there are none.
    pub(super) fn above_comments(&self, mut line: usize) -> usize {
        while line > 0 {
            let above = self.line_start(line - 1);
            if !self.text[above..line].trim_start().starts_with('#') {
                break;
            }
            line = above;
        }
        line
    }

    pub(super) fn is_first_on_line(&self, offset: usize) -> bool {
        self.text[self.line_start(offset)..offset]
            .bytes()
            .all(|byte| byte == b' ')
    }

    pub(super) fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The beginning of the line after the one of `offset`; the end of the text where there is none.
    pub(super) fn next_line(&self, offset: usize) -> usize {
        self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |newline| offset + newline + 1)
    }

    /// How the lines around `offset` end.
    pub(super) fn newline(&self, offset: usize) -> &'static str {
        let before = self.text[..offset].rfind('\n');
        let nearest = before.or_else(|| self.text.find('\n'));
        match nearest {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

pub(super) fn start(entry: Entry<'_>) -> usize {
    entry.name.span().start
}

pub(super) fn end(entry: Entry<'_>) -> usize {
    entry.value.span().end.max(entry.name.span().end)
}
