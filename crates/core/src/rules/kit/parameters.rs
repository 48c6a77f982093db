//! The parameters of one rule, as the policies in force set them.

use std::time::Duration;

use super::duration;

/// Parameters by name. What is not set has the rule's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters(Vec<(&'static str, Value)>);

/// A parameter's value, already valid for its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    List(Vec<String>),
    Text(String),
}

impl Parameters {
    /// Sets a parameter, unless a policy before this one did.
    pub fn set_default(&mut self, name: &'static str, value: Value) {
        if !self.0.iter().any(|(other, _)| *other == name) {
            self.0.push((name, value));
        }
    }

    /// The text, number, choice, quantity or length of time of this name, as it was written.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(other, value)| match value {
            Value::Text(text) if *other == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// The whole number of this name.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The length of time of this name.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.text(name).and_then(duration::parse)
    }

    /// The list of this name.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&[String]> {
        self.0.iter().find_map(|(other, value)| match value {
            Value::List(list) if *other == name => Some(list.as_slice()),
            _ => None,
        })
    }

    /// Every parameter that is set.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}
