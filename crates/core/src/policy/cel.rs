//! What a structural schema cannot say of variants, as CEL: which of them may hold what.

use serde_json::{Value, json};

use super::schema::{Absent, Field, List, Object, Shape, Variants, Words};

/// `x-kubernetes-validations` of an object that is one of these variants.
pub(super) fn validations(variants: &Variants) -> Vec<Value> {
    let mut rules = Vec::new();
    for field in variants.union().iter().skip(1) {
        let bearers = Bearers::of(variants, |one| one.fields.iter().find(|known| known.name == field.name));
        rules.extend(bearers.rules(field));
    }
    rules
}

/// The members of one name, by the word of their variant; `None` where a variant has none.
struct Bearers<'a> {
    by: &'static str,
    of: Vec<(&'static str, Option<&'a Field>)>,
}

impl<'a> Bearers<'a> {
    fn of(variants: &'a Variants, field: impl Fn(&'a super::schema::Variant) -> Option<&'a Field>) -> Self {
        Self {
            by: variants.by,
            of: variants.of.iter().map(|one| (one.word, field(one))).collect(),
        }
    }

    fn rules(&self, field: &Field) -> Vec<Value> {
        let (name, is_there) = (field.name, format!("has(self.{})", escaped(field.name)));
        let path = format!("self.{}", escaped(name));
        match &field.shape {
            Shape::Word(Words { allowed, .. }) => {
                let word = |word: &&'static str| {
                    let may = self
                        .split(|bearer| matches!(&bearer.shape, Shape::Word(words) if words.allowed.contains(word)));
                    may.map(|(among, told)| {
                        let rule = format!("!{is_there} || {path} != '{word}' || {among}");
                        json!({"rule": rule, "message": format!("{name} {word:?} is {told}")})
                    })
                };
                allowed.iter().filter_map(word).collect()
            }
            Shape::List(_) => {
                let asks = |bearer: &Field| matches!(bearer.absent, Absent::Mistake);
                let needed = self.split(|bearer| !asks(bearer)).map(|(among, told)| {
                    let rule = format!("{among} || ({is_there} && size({path}) > 0)");
                    json!({"rule": rule, "message": format!("{name} may be left out {told}")})
                });
                let takes = |bearer: &Field| !matches!(bearer.shape, Shape::List(List { most: Some(0), .. }));
                let taken = self.split(takes).map(|(among, told)| {
                    let rule = format!("{among} || !{is_there} || size({path}) == 0");
                    json!({"rule": rule, "message": format!("{name} are {told}")})
                });
                needed.into_iter().chain(taken).collect()
            }
            Shape::Object(Object { fields, .. }) => {
                let member = |member: &Field| {
                    let has = |bearer: &Field| matches!(&bearer.shape, Shape::Object(object) if object.fields.iter().any(|own| own.name == member.name));
                    let inner = escaped(member.name);
                    self.split(has).map(|(among, told)| {
                        let rule = format!("!{is_there} || !has({path}.{inner}) || {among}");
                        json!({"rule": rule, "message": format!("{name}.{} is {told}", member.name)})
                    })
                };
                fields.iter().filter_map(member).collect()
            }
            _ => Vec::new(),
        }
    }

    /// That the variant is one of those with a quality, as CEL and in words, by whichever list is shorter; `None` where
    /// all have it.
    fn split(&self, has: impl Fn(&Field) -> bool) -> Option<(String, String)> {
        let (with, without): (Vec<_>, Vec<_>) = self.of.iter().partition(|(_, field)| field.is_some_and(&has));
        if without.is_empty() {
            return None;
        }
        let names = |of: &[&(&'static str, Option<&Field>)]| of.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        let (with, without) = (names(&with), names(&without));
        let within = |words: &[&str]| format!("self.{} in ['{}']", self.by, words.join("', '"));
        Some(if with.len() <= without.len() {
            (within(&with), format!("for {} alone", with.join(", ")))
        } else {
            (
                format!("!({})", within(&without)),
                format!("not for {}", without.join(", ")),
            )
        })
    }
}

/// A member's name as CEL has it.
fn escaped(name: &str) -> String {
    name.replace('-', "__dash__")
}

#[cfg(test)]
mod tests {
    use super::super::description::document;
    use super::super::openapi::{Form, schema};
    use super::*;
    use crate::rules::RULES;

    fn rules_of(pointer: &str) -> Vec<(String, String)> {
        let schema = schema(&document(RULES), Form::Cluster);
        let rules = schema.pointer(pointer).and_then(Value::as_array).unwrap();
        let text = |rule: &Value, field: &str| rule[field].as_str().unwrap().to_owned();
        rules
            .iter()
            .map(|rule| (text(rule, "rule"), text(rule, "message")))
            .collect()
    }

    #[test]
    fn what_depends_on_the_word_is_told() {
        let selector = rules_of(
            "/properties/spec/properties/match/properties/objectSelector/properties/matchExpressions/items/x-kubernetes-validations",
        );
        let expected = [
            (
                "self.operator in ['DoesNotExist', 'Exists'] || (has(self.values) && size(self.values) > 0)",
                "values may be left out for DoesNotExist, Exists alone",
            ),
            (
                "self.operator in ['In', 'NotIn'] || !has(self.values) || size(self.values) == 0",
                "values are for In, NotIn alone",
            ),
        ];
        assert_eq!(
            selector,
            expected.map(|(rule, message)| (rule.to_owned(), message.to_owned()))
        );
        let rules = rules_of("/properties/spec/properties/rules/items/x-kubernetes-validations");
        for (rule, message) in [
            (
                "!has(self.mutation) || self.mutation != 'Disabled' || !(self.id in ['lost-default'])",
                "mutation \"Disabled\" is not for lost-default",
            ),
            (
                "!has(self.parameters) || !has(self.parameters.strategy) || self.id in ['rwo-surge']",
                "parameters.strategy is for rwo-surge alone",
            ),
        ] {
            assert!(rules.contains(&(rule.to_owned(), message.to_owned())), "{rules:#?}");
        }
    }
}
