//! The types in which a kind of ours is described once, for the parser, the schema and the reference page.

use std::borrow::Cow;

use super::glob::Of;

/// What a value may be.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A number of pods, or a share of them.
    Amount,
    Boolean,
    /// Exactly this text.
    Constant(&'static str),
    /// A short length of time.
    Duration,
    /// A name, or a pattern of names.
    Glob(Of),
    /// A whole number from `least` to `most`.
    Integer {
        least: i32,
        most: i32,
        default: Option<i32>,
    },
    /// One of these built-in kinds, or the name of the definition of another.
    Kind(Vec<&'static str>),
    List(List),
    /// Kubernetes' metadata, of which the name is asked for.
    Metadata(Scope),
    Object(Object),
    /// A place in an object: the names of members, each after a `/`.
    Pointer,
    /// A Kubernetes quantity, as a text or a whole number.
    Quantity,
    /// A text for people, who must have written something.
    Said,
    /// A length of time.
    Span,
    Text,
    /// Texts by key, whatever the keys.
    Texts,
    /// A moment, as RFC 3339 writes it.
    Time,
    /// An object that nobody reads.
    Unread,
    Variants(Variants),
    Word(Words),
}

/// Where objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

/// An object that has these members and no others.
#[derive(Clone, Debug)]
pub struct Object {
    pub fields: Vec<Field>,
    /// Server-side apply replaces it as a whole.
    pub atomic: bool,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    /// One sentence for people.
    pub description: Cow<'static, str>,
    pub absent: Absent,
    pub shape: Shape,
}

/// What counts where a member is absent, or null: the API server drops a null.
#[derive(Clone, Debug)]
pub enum Absent {
    /// Lower-case, without a final period; empty where the description says it.
    Counts(Cow<'static, str>),
    Mistake,
}

/// A list of values of one shape.
#[derive(Clone, Debug)]
pub struct List {
    pub of: Box<Shape>,
    pub entries: Entries,
    /// The fewest entries.
    pub least: usize,
    pub most: Option<usize>,
}

/// What tells the entries of a list apart, and so who owns which under server-side apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// Nothing: the list is one value.
    Atomic,
    /// This member of theirs, which no two share.
    By(&'static str),
    /// Themselves: each stands there once.
    Set,
}

/// Objects with the same members that may hold different things, told apart by a word in one of them.
#[derive(Clone, Debug)]
pub struct Variants {
    /// The member with the word.
    pub by: &'static str,
    /// One sentence on that member.
    pub description: &'static str,
    /// What the word names.
    pub noun: &'static str,
    pub of: Vec<Variant>,
}

/// What an object with one word may hold.
#[derive(Clone, Debug)]
pub struct Variant {
    pub word: &'static str,
    /// Lower-case, without a final period.
    pub summary: &'static str,
    /// The other members.
    pub fields: Vec<Field>,
}

/// One of some words.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// What each of them names; empty where they are few, and messages list them.
    pub noun: &'static str,
    pub allowed: Vec<&'static str>,
    /// Words that make sense elsewhere, each with the reason why not here.
    pub refused: Vec<(&'static str, String)>,
}

impl Shape {
    /// An object whose members are applied one by one.
    pub(super) fn object(fields: Vec<Field>) -> Self {
        Self::Object(Object { fields, atomic: false })
    }

    pub(super) fn list(of: Self, entries: Entries) -> Self {
        Self::List(List {
            of: Box::new(of),
            entries,
            least: 0,
            most: None,
        })
    }

    /// A list without doubles.
    pub(super) fn set(of: Self, least: usize) -> Self {
        Self::List(List {
            of: Box::new(of),
            entries: Entries::Set,
            least,
            most: None,
        })
    }

    /// One of the words of a table.
    pub(super) fn word<T>(table: &[(&'static str, T)]) -> Self {
        Self::Word(Words {
            allowed: table.iter().map(|(word, _)| *word).collect(),
            ..Words::default()
        })
    }
}

impl Field {
    /// A member that must be there.
    pub(super) fn required(name: &'static str, description: impl Into<Cow<'static, str>>, shape: Shape) -> Self {
        Self {
            name,
            description: description.into(),
            absent: Absent::Mistake,
            shape,
        }
    }

    /// A member without which `counts` does.
    pub(super) fn optional(
        name: &'static str,
        description: impl Into<Cow<'static, str>>,
        counts: impl Into<Cow<'static, str>>,
        shape: Shape,
    ) -> Self {
        Self {
            name,
            description: description.into(),
            absent: Absent::Counts(counts.into()),
            shape,
        }
    }

    /// The description with what counts where the member is absent.
    pub(super) fn saying(&self) -> Cow<'_, str> {
        match &self.absent {
            Absent::Counts(counts) if !counts.is_empty() => {
                format!("{} Where it is absent: {counts}.", self.description).into()
            }
            Absent::Counts(_) | Absent::Mistake => Cow::Borrowed(&self.description),
        }
    }
}
