//! A value compared with its description: every mistake at once, each with its place and the nearest valid name.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use stateward_nearest::nearest;

use super::glob::{Glob, Of};
use super::schema::{Absent, Entries, Field, List, Scope, Shape, Variants, Words};
use crate::graph::Amount;
use crate::rules::kit::{Quantity, duration};
use crate::time::{Span, Time};

/// A mistake in a policy or an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON pointer to the value, or to the member that should not be there.
    pub pointer: String,
    /// Lower-case, without a final period, with the nearest valid name where one is near.
    pub message: String,
}

impl fmt::Display for Mistake {
    /// With the field as Kubernetes writes it: `spec.rules[0].id: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut field = String::new();
        // Writing to a string cannot fail.
        for part in self.pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                let _ = write!(field, "[{part}]");
            } else if part.contains(['.', '/']) {
                let _ = write!(field, "[{part:?}]");
            } else {
                field.push_str(if field.is_empty() { "" } else { "." });
                field.push_str(&part);
            }
        }
        match &*field {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

/// The mistakes of a value.
pub(super) fn check(value: &Value, shape: &Shape) -> Vec<Mistake> {
    let mut checker = Checker { mistakes: Vec::new() };
    checker.value(value, shape, "");
    checker.mistakes
}

struct Checker {
    mistakes: Vec<Mistake>,
}

/// What a suggested command has in the place of a reason.
pub const PLACEHOLDER: &str = "REASON";

/// The most words that a message lists.
const LISTED: usize = 6;

impl Checker {
    fn value(&mut self, value: &Value, shape: &Shape, at: &str) {
        match shape {
            Shape::Amount => self.amount(value, at),
            Shape::Boolean if value.is_boolean() => {}
            Shape::Boolean => self.mistake(at, &format!("expected true or false, found {}", kind_of(value))),
            Shape::Constant(wanted) => self.constant(value, wanted, at),
            Shape::Duration => {
                if let Some(text) = self.text(value, at).filter(|text| duration::parse(text).is_none()) {
                    self.mistake(at, &format!("{text:?} is no length of time such as 60s, 5m or 1h"));
                }
            }
            Shape::Glob(of) => self.glob(value, *of, at),
            Shape::Integer { least, most, .. } => self.integer(value, (*least, *most), at),
            Shape::List(list) => self.list(value, list, at),
            Shape::Metadata(scope) => self.metadata(value, *scope, at),
            Shape::Object(object) => {
                if let Some(members) = self.object(value, at) {
                    self.names(members, object.fields.iter().map(|field| field.name), at);
                    self.fields(members, &object.fields, at);
                }
            }
            Shape::Pointer => {
                if let Some(text) = self.text(value, at).filter(|text| !is_pointer(text)) {
                    self.mistake(
                        at,
                        &format!(
                            "{text:?} is no path such as /spec/template: names of letters, digits and _, each after a /"
                        ),
                    );
                }
            }
            Shape::Quantity => self.quantity(value, at),
            Shape::Said => self.said(value, at),
            Shape::Span => {
                if let Some(text) = self.text(value, at).filter(|text| Span::parse(text).is_none()) {
                    self.mistake(at, &format!("{text:?} is no length of time such as 90d or 12h"));
                }
            }
            Shape::Text => {
                self.text(value, at);
            }
            Shape::Texts => {
                for (key, text) in self.object(value, at).into_iter().flatten() {
                    self.text(text, &below(at, key));
                }
            }
            Shape::Time => self.time(value, at),
            Shape::Unread => {
                self.object(value, at);
            }
            Shape::Kind(builtin) => self.kind(value, builtin, at),
            Shape::Variants(variants) => self.variants(value, variants, at),
            Shape::Word(words) => self.word(value, words, at),
        }
    }

    fn fields(&mut self, members: &Map<String, Value>, fields: &[Field], at: &str) {
        for field in fields {
            let member = members.get(field.name).filter(|member| !member.is_null());
            match (member, &field.absent, &field.shape) {
                (Some(member), ..) => self.value(member, &field.shape, &below(at, field.name)),
                (None, Absent::Counts(_), _) => {}
                (None, Absent::Mistake, Shape::Constant(wanted)) => {
                    self.mistake(at, &format!("{} is missing, expected {wanted:?}", field.name));
                }
                (None, Absent::Mistake, Shape::Metadata(_)) => {
                    self.mistake(&below(at, field.name), "metadata.name is missing");
                }
                (None, Absent::Mistake, _) => self.mistake(at, &format!("{} is missing", field.name)),
            }
        }
    }

    fn variants(&mut self, value: &Value, variants: &Variants, at: &str) {
        let Some(members) = self.object(value, at) else { return };
        let (by, noun) = (variants.by, variants.noun);
        // All variants have the same members.
        let names = variants.of.iter().take(1).flat_map(|variant| &variant.fields);
        self.names(members, names.map(|field| field.name).chain([by]), at);
        let Some(word) = members.get(by).filter(|word| !word.is_null()) else {
            return self.mistake(at, &format!("{by} is missing: name the {noun}"));
        };
        let Some(word) = self.text(word, &below(at, by)) else {
            return;
        };
        if let Some(variant) = variants.of.iter().find(|variant| variant.word == word) {
            return self.fields(members, &variant.fields, at);
        }
        let words: Vec<&str> = variants.of.iter().map(|variant| variant.word).collect();
        self.mistake(&below(at, by), &unknown(word, noun, &words));
    }

    fn list(&mut self, value: &Value, list: &List, at: &str) {
        let Value::Array(entries) = value else {
            return self.mistake(at, &format!("expected a list, found {}", kind_of(value)));
        };
        if entries.len() < list.least {
            self.mistake(at, "expected at least one entry, found an empty list");
        }
        if list.most.is_some_and(|most| entries.len() > most) {
            self.mistake(at, "expected no entries here");
        }
        for (position, entry) in entries.iter().enumerate() {
            self.value(entry, &list.of, &format!("{at}/{position}"));
        }
        let words: Vec<Option<&str>> = entries.iter().map(|entry| identity(entry, list.entries)).collect();
        for (position, word) in words.iter().enumerate() {
            let Some(word) = word.filter(|_| words[..position].contains(word)) else {
                continue;
            };
            let at = match list.entries {
                Entries::By(key) => format!("{at}/{position}/{key}"),
                Entries::Atomic | Entries::Set => format!("{at}/{position}"),
            };
            self.mistake(&at, &format!("{word:?} is listed already"));
        }
    }

    fn constant(&mut self, value: &Value, wanted: &str, at: &str) {
        let name = at.rsplit('/').next().unwrap_or_default();
        match self.text(value, at) {
            Some(found) if found != wanted => self.mistake(at, &format!("{name} is {found:?}, expected {wanted:?}")),
            Some(_) | None => {}
        }
    }

    fn glob(&mut self, value: &Value, of: Of, at: &str) {
        let noun = of.noun();
        match self.text(value, at) {
            Some("") => self.mistake(at, &format!("expected the name of a {noun}, found an empty text")),
            Some(text) if Glob::parse(text, of).is_none() => {
                let longest = of.longest();
                let (and, or) = match of {
                    Of::Namespace => ("digits and -", "-"),
                    Of::Workload => ("digits, - and .", "- or ."),
                };
                self.mistake(
                    at,
                    &format!(
                        "no {noun} is called {text:?}: up to {longest} lower-case letters, {and}, begun and ended \
                         without {or}, with the wildcards * and ?"
                    ),
                );
            }
            Some(_) | None => {}
        }
    }

    fn metadata(&mut self, value: &Value, scope: Scope, at: &str) {
        let Some(metadata) = self.object(value, at) else { return };
        let names: &[&str] = match scope {
            Scope::Cluster => &["name"],
            Scope::Namespaced => &["name", "namespace"],
        };
        for name in names {
            if metadata.get(*name).and_then(Value::as_str).is_none_or(str::is_empty) {
                self.mistake(at, &format!("metadata.{name} is missing"));
            }
        }
    }

    fn said(&mut self, value: &Value, at: &str) {
        match self.text(value, at).map(str::trim) {
            Some("") => self.mistake(at, "expected words, found an empty text"),
            Some(PLACEHOLDER) => self.mistake(at, &format!("{PLACEHOLDER} stands for words of your own: write them")),
            Some(_) | None => {}
        }
    }

    fn time(&mut self, value: &Value, at: &str) {
        let Some(text) = self.text(value, at).filter(|text| Time::parse(text).is_none()) else {
            return;
        };
        let midnight = format!("{text}T00:00:00Z");
        self.mistake(
            at,
            &if Time::parse(&midnight).is_some() {
                format!("{text:?} is a day, not a moment: write {midnight}")
            } else {
                format!("{text:?} is no time such as 2026-12-24T18:00:00Z")
            },
        );
    }

    fn integer(&mut self, value: &Value, (least, most): (i32, i32), at: &str) {
        let within = |number: i64| (i64::from(least)..=i64::from(most)).contains(&number);
        if !value.as_i64().is_some_and(within) {
            let found = match value {
                Value::Number(number) => number.to_string(),
                other => kind_of(other).to_owned(),
            };
            self.mistake(
                at,
                &format!("expected a whole number from {least} to {most}, found {found}"),
            );
        }
    }

    fn amount(&mut self, value: &Value, at: &str) {
        let is_amount = match value {
            Value::Number(number) => number.as_u64().is_some_and(|number| u32::try_from(number).is_ok()),
            value => value.as_str().is_some_and(|text| Amount::parse(text).is_some()),
        };
        if !is_amount {
            self.mistake(at, "expected a number of pods, or a share of them such as 25%");
        }
    }

    fn quantity(&mut self, value: &Value, at: &str) {
        match value {
            // A bare number is a quantity too: of bytes.
            Value::Number(number) if number.is_i64() || number.is_u64() => {}
            Value::Number(number) => {
                self.mistake(
                    at,
                    &format!("expected a text or a whole number, found {number}: quote it"),
                );
            }
            _ => match self.text(value, at) {
                Some(text) if Quantity::parse(text).is_none() => {
                    self.mistake(at, &format!("{text:?} is no quantity such as 10Gi"));
                }
                Some(_) | None => {}
            },
        }
    }

    /// A built-in kind, or the name of a definition.
    fn kind(&mut self, value: &Value, builtin: &[&str], at: &str) {
        let Some(name) = self.text(value, at) else { return };
        let is_part = |part: &str| {
            let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !part.is_empty() && part.chars().all(is_inner) && !part.starts_with('-') && !part.ends_with('-')
        };
        let is_definition = name.len() <= 253 && name.contains('.') && name.split('.').all(is_part);
        if !is_definition && !builtin.contains(&name) {
            let message = unknown(name, "kind of workload", builtin);
            let others = if message.contains("did you mean") {
                ""
            } else {
                "; one that is not built in is called by the name of its definition, such as rollouts.argoproj.io"
            };
            self.mistake(at, &format!("{message}{others}"));
        }
    }

    fn word(&mut self, value: &Value, words: &Words, at: &str) {
        let Some(word) = self.text(value, at) else { return };
        if let Some((_, why)) = words.refused.iter().find(|(refused, _)| *refused == word) {
            self.mistake(at, why);
        } else if !words.allowed.contains(&word) {
            self.mistake(at, &unknown(word, words.noun, &words.allowed));
        }
    }

    /// Members of other names than these.
    fn names(&mut self, members: &Map<String, Value>, names: impl Iterator<Item = &'static str>, at: &str) {
        let names: Vec<&str> = names.collect();
        for name in members.keys().filter(|name| !names.contains(&name.as_str())) {
            let near = did_you_mean(name, &names);
            self.mistake(&below(at, name), &format!("unknown field {name:?}{near}"));
        }
    }

    fn object<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.mistake(at, &format!("expected an object, found {}", kind_of(value)));
        }
        object
    }

    fn text<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.mistake(at, &format!("expected a text, found {}", kind_of(value)));
        }
        text
    }

    fn mistake(&mut self, at: &str, message: &str) {
        self.mistakes.push(Mistake {
            pointer: at.to_owned(),
            message: message.to_owned(),
        });
    }
}

/// Says that a word is none of these, which are named where they are few.
fn unknown(word: &str, noun: &str, words: &[&str]) -> String {
    let near = did_you_mean(word, words);
    if words.len() > LISTED {
        format!("there is no {noun} {word:?}{near}")
    } else {
        format!("{word:?} is none of {}{near}", words.join(", "))
    }
}

/// Whether a text leads to a member of an object.
fn is_pointer(text: &str) -> bool {
    let is_name = |name: &str| {
        let name = name.strip_suffix("[]").unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.strip_prefix('/')
        .is_some_and(|names| names.split('/').all(is_name))
}

/// What no two entries of a list may share.
fn identity(entry: &Value, entries: Entries) -> Option<&str> {
    match entries {
        Entries::Atomic => None,
        Entries::By(key) => entry.get(key)?.as_str(),
        Entries::Set => entry.as_str(),
    }
}

/// The JSON pointer to a member.
fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn did_you_mean(word: &str, names: &[&str]) -> String {
    nearest(word, names.iter().copied())
        .map(|name| format!(", did you mean {name:?}?"))
        .unwrap_or_default()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::Bool(_) => "a boolean",
        Value::Null => "nothing",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "a text",
    }
}
