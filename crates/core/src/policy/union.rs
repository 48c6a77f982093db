//! Variants as one object, for readers who cannot tell them apart: a structural schema has no variants.

use std::borrow::Cow;

use super::schema::{Absent, Field, Object, Shape, Variants, Words};

/// A member with the word of the variant that has it.
type Bearer<'a> = (&'static str, &'a Field);

impl Variants {
    /// The members of all variants; each may hold what it may hold in any of them.
    #[must_use]
    pub fn union(&self) -> Vec<Field> {
        let word = Shape::Word(Words {
            noun: self.noun,
            allowed: self.of.iter().map(|variant| variant.word).collect(),
            refused: Vec::new(),
        });
        let of: Vec<(&'static str, &[Field])> = self.of.iter().map(|one| (one.word, &*one.fields)).collect();
        let mut fields = vec![Field::required(self.by, self.description, word)];
        fields.extend(members(&of));
        fields
    }
}

/// The members of several objects, sorted as they are first seen.
fn members(of: &[(&'static str, &[Field])]) -> Vec<Field> {
    let mut bearers: Vec<Vec<Bearer<'_>>> = Vec::new();
    for (word, fields) in of {
        for field in *fields {
            match bearers.iter_mut().find(|known| known[0].1.name == field.name) {
                Some(known) => known.push((word, field)),
                None => bearers.push(vec![(word, field)]),
            }
        }
    }
    bearers.iter().map(|bearers| together(bearers, of.len())).collect()
}

/// One member for all that bear its name, among `all` objects. They have one type (a law of the tests).
fn together(bearers: &[Bearer<'_>], all: usize) -> Field {
    let (_, first) = bearers[0];
    let shape = shape(bearers, &first.shape);
    if bearers.len() == all && bearers.iter().all(|(_, field)| field.description == first.description) {
        // What must be there in some may be absent in others.
        let lenient = bearers
            .iter()
            .find(|(_, field)| matches!(field.absent, Absent::Counts(_)));
        let (_, field) = lenient.unwrap_or(&bearers[0]);
        return Field {
            shape,
            ..(*field).clone()
        };
    }
    let mut sayings: Vec<(Cow<'_, str>, Vec<&str>)> = Vec::new();
    for (word, field) in bearers {
        let saying = field.saying();
        match sayings.iter_mut().find(|(known, _)| *known == saying) {
            Some((_, words)) => words.push(word),
            None => sayings.push((saying, vec![word])),
        }
    }
    let sayings = sayings
        .iter()
        .map(|(saying, words)| format!("`{}`: {saying}", words.join("`, `")));
    Field {
        name: first.name,
        description: sayings.collect::<Vec<_>>().join(" ").into(),
        absent: Absent::Counts("".into()),
        shape,
    }
}

fn shape(bearers: &[Bearer<'_>], first: &Shape) -> Shape {
    let shapes = bearers.iter().map(|(word, field)| (*word, &field.shape));
    match first {
        Shape::Word(Words { noun, .. }) => {
            let words = shapes.filter_map(|(_, shape)| match shape {
                Shape::Word(words) => Some(&words.allowed),
                _ => None,
            });
            let mut allowed: Vec<&'static str> = words.flatten().copied().collect();
            allowed.sort_unstable();
            allowed.dedup();
            Shape::Word(Words {
                noun,
                allowed,
                refused: Vec::new(),
            })
        }
        Shape::List(list) => {
            let mut list = list.clone();
            for (_, shape) in shapes {
                if let Shape::List(other) = shape {
                    list.least = list.least.min(other.least);
                    list.most = list.most.zip(other.most).map(|(one, other)| one.max(other));
                }
            }
            Shape::List(list)
        }
        Shape::Object(object) => {
            let objects = shapes.filter_map(|(word, shape)| match shape {
                Shape::Object(object) => Some((word, &*object.fields)),
                _ => None,
            });
            let mut fields = members(&objects.collect::<Vec<_>>());
            fields.sort_by_key(|field| field.name);
            let atomic = object.atomic;
            Shape::Object(Object { fields, atomic })
        }
        other => other.clone(),
    }
}
