//! A `WorkloadPolicy` from its JSON value, with every mistake found at once.

use std::sync::Arc;

use serde_json::{Map, Value};
use stateward_nearest::nearest;

use super::settings::{Overrides, Policy, Profile, Settings};
use crate::graph::{Operator, Selector};
use crate::rules::kit::parameters::Value as Setting;
use crate::rules::kit::{Action, AnyRule, Injection, Meta, ParameterKind, Quantity};

/// The API group and version of policies.
pub const API_VERSION: &str = "stateward.dev/v1alpha1";
/// The kind of policies.
pub const KIND: &str = "WorkloadPolicy";

/// A mistake in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON pointer to the value, or to the member that should not be there.
    pub pointer: String,
    /// Lower-case, without a final period, with the nearest valid name where one is near.
    pub message: String,
}

/// Reads a policy. Either it is valid as a whole, or every mistake is told.
pub fn parse(document: &Value, rules: &[AnyRule]) -> Result<Policy, Vec<Mistake>> {
    let mut parser = Parser {
        rules,
        mistakes: Vec::new(),
    };
    let policy = parser.policy(document);
    match policy {
        Some(policy) if parser.mistakes.is_empty() => Ok(policy),
        _ => Err(parser.mistakes),
    }
}

struct Parser<'r> {
    rules: &'r [AnyRule],
    mistakes: Vec<Mistake>,
}

impl Parser<'_> {
    fn policy(&mut self, document: &Value) -> Option<Policy> {
        let root = self.object(document, "", &["apiVersion", "kind", "metadata", "spec", "status"])?;
        self.exactly(root, "apiVersion", API_VERSION);
        self.exactly(root, "kind", KIND);
        let name = root
            .get("metadata")
            .and_then(|metadata| metadata.get("name"))
            .and_then(Value::as_str);
        if name.is_none_or(str::is_empty) {
            self.mistake("/metadata", "metadata.name is missing");
        }
        let empty = Value::Object(Map::new());
        let spec = root.get("spec").unwrap_or(&empty);
        let spec = self.object(spec, "/spec", &["match", "overrides", "profile", "rules"])?;

        let matching = spec.get("match").unwrap_or(&empty);
        let matching = self.object(matching, "/spec/match", &["namespaceSelector", "objectSelector"])?;
        let namespaces = self.selector(matching.get("namespaceSelector"), "/spec/match/namespaceSelector");
        let objects = self.selector(matching.get("objectSelector"), "/spec/match/objectSelector");
        let profile = self
            .choice(spec.get("profile"), "/spec/profile", PROFILES)
            .unwrap_or_default();
        let overrides = self
            .choice(spec.get("overrides"), "/spec/overrides", OVERRIDES)
            .unwrap_or_default();

        let mut settings = Settings {
            overrides,
            ..Settings::new(profile, self.rules)
        };
        for (position, rule) in self.list(spec.get("rules"), "/spec/rules").iter().enumerate() {
            self.rule(rule, &format!("/spec/rules/{position}"), &mut settings);
        }
        Some(Policy {
            name: name?.to_owned(),
            namespaces,
            objects,
            settings: Arc::new(settings),
        })
    }

    fn rule(&mut self, entry: &Value, at: &str, settings: &mut Settings) {
        let Some(entry) = self.object(entry, at, &["actions", "id", "mutation", "parameters"]) else {
            return;
        };
        let Some(id) = entry.get("id").and_then(Value::as_str) else {
            return self.mistake(at, "id is missing: name the rule");
        };
        let Some(index) = self.rules.iter().position(|rule| rule.meta().id == id) else {
            let ids = self.rules.iter().map(|rule| rule.meta().id);
            return self.mistake(
                &format!("{at}/id"),
                &format!("there is no rule {id:?}{}", did_you_mean(id, ids)),
            );
        };
        let (meta, setting) = (self.rules[index].meta(), &mut settings.rules[index]);
        if let Some(actions) = entry.get("actions") {
            let pointer = format!("{at}/actions");
            let mut strictest = None;
            for (position, action) in self.list(Some(actions), &pointer).iter().enumerate() {
                let action = self.choice(Some(action), &format!("{pointer}/{position}"), ACTIONS);
                strictest = strictest.max(action);
            }
            setting.actions.fill(strictest);
        }
        if let Some(mutation) = entry.get("mutation") {
            let pointer = format!("{at}/mutation");
            let enabled = self.choice(Some(mutation), &pointer, MUTATIONS);
            match meta.injection {
                Injection::Never if enabled == Some(true) => {
                    self.mistake(&pointer, &format!("rule {id:?} injects nothing: it cannot be enabled"));
                }
                Injection::Always if enabled == Some(false) => {
                    self.mistake(
                        &pointer,
                        &format!("rule {id:?} keeps what was injected before: it cannot be disabled"),
                    );
                }
                _ => setting.injects = enabled.unwrap_or(setting.injects),
            }
        }
        let Some(parameters) = entry.get("parameters") else {
            return;
        };
        let names: Vec<&str> = meta.parameters.iter().map(|parameter| parameter.name).collect();
        let Some(parameters) = self.object(parameters, &format!("{at}/parameters"), &names) else {
            return;
        };
        for (name, value) in parameters {
            let pointer = format!("{at}/parameters/{name}");
            if let Some((name, value)) = self.parameter(meta, name, value, &pointer) {
                setting.parameters.set_default(name, value);
            }
        }
    }

    fn parameter(&mut self, meta: &Meta, name: &str, value: &Value, at: &str) -> Option<(&'static str, Setting)> {
        let parameter = meta.parameters.iter().find(|parameter| parameter.name == name)?;
        let setting = match &parameter.kind {
            ParameterKind::Choice(words) => {
                let word = self.text(value, at)?;
                if !words.contains(&word) {
                    let near = did_you_mean(word, words.iter().copied());
                    self.mistake(at, &format!("{word:?} is none of {}{near}", words.join(", ")));
                    return None;
                }
                Setting::Text(word.to_owned())
            }
            ParameterKind::List(_) => {
                let entries = self.list(Some(value), at);
                let texts = entries
                    .iter()
                    .enumerate()
                    .filter_map(|(position, entry)| self.text(entry, &format!("{at}/{position}")).map(str::to_owned));
                Setting::List(texts.collect())
            }
            ParameterKind::Quantity => {
                // A bare number is a quantity too: of bytes.
                let text = match value {
                    Value::Number(number) => number.to_string(),
                    _ => self.text(value, at)?.to_owned(),
                };
                if Quantity::parse(&text).is_none() {
                    self.mistake(at, &format!("{text:?} is no quantity such as 10Gi"));
                    return None;
                }
                Setting::Text(text)
            }
            ParameterKind::Text => Setting::Text(self.text(value, at)?.to_owned()),
        };
        Some((parameter.name, setting))
    }

    fn selector(&mut self, value: Option<&Value>, at: &str) -> Selector {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Selector::default();
        };
        if self.object(value, at, &["matchExpressions", "matchLabels"]).is_none() {
            return Selector::default();
        }
        match serde_json::from_value::<Selector>(value.clone()) {
            Ok(selector) => {
                for (position, one) in selector.match_expressions.iter().enumerate() {
                    if !matches!(
                        one.operator,
                        Operator::In | Operator::NotIn | Operator::Exists | Operator::DoesNotExist
                    ) {
                        let pointer = format!("{at}/matchExpressions/{position}/operator");
                        self.mistake(&pointer, "the operator is none of In, NotIn, Exists, DoesNotExist");
                    }
                }
                selector
            }
            Err(error) => {
                self.mistake(at, &format!("not a label selector: {error}"));
                Selector::default()
            }
        }
    }

    /// The members of an object, none of which has another name than these.
    fn object<'v>(&mut self, value: &'v Value, at: &str, names: &[&str]) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            self.mistake(at, &format!("expected an object, found {}", kind_of(value)));
            return None;
        };
        for name in object.keys().filter(|name| !names.contains(&name.as_str())) {
            let message = format!("unknown field {name:?}{}", did_you_mean(name, names.iter().copied()));
            self.mistake(
                &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                &message,
            );
        }
        Some(object)
    }

    fn list<'v>(&mut self, value: Option<&'v Value>, at: &str) -> &'v [Value] {
        match value {
            None | Some(Value::Null) => &[],
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.mistake(at, &format!("expected a list, found {}", kind_of(other)));
                &[]
            }
        }
    }

    fn text<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.mistake(at, &format!("expected a text, found {}", kind_of(value)));
        }
        text
    }

    fn choice<T: Copy>(&mut self, value: Option<&Value>, at: &str, choices: &[(&str, T)]) -> Option<T> {
        let word = self.text(value.filter(|value| !value.is_null())?, at)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let near = did_you_mean(word, names.iter().copied());
            self.mistake(at, &format!("{word:?} is none of {}{near}", names.join(", ")));
        }
        found
    }

    fn exactly(&mut self, root: &Map<String, Value>, member: &str, wanted: &str) {
        match root.get(member).and_then(Value::as_str) {
            Some(found) if found == wanted => {}
            Some(found) => self.mistake(
                &format!("/{member}"),
                &format!("{member} is {found:?}, expected {wanted:?}"),
            ),
            None => self.mistake("", &format!("{member} is missing, expected {wanted:?}")),
        }
    }

    fn mistake(&mut self, at: &str, message: &str) {
        self.mistakes.push(Mistake {
            pointer: at.to_owned(),
            message: message.to_owned(),
        });
    }
}

const PROFILES: &[(&str, Profile)] = &[
    ("Audit", Profile::Audit),
    ("Baseline", Profile::Baseline),
    ("Strict", Profile::Strict),
];
const OVERRIDES: &[(&str, Overrides)] = &[("Allowed", Overrides::Allowed), ("Forbidden", Overrides::Forbidden)];
const ACTIONS: &[(&str, Action)] = &[("Audit", Action::Audit), ("Deny", Action::Deny), ("Warn", Action::Warn)];
const MUTATIONS: &[(&str, bool)] = &[("Disabled", false), ("Enabled", true)];

fn did_you_mean<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> String {
    nearest(word, names)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::{Labels, Lookup};
    use crate::policy::Policies;
    use crate::rules::RULES;

    fn policy(spec: Value) -> Value {
        json!({"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "test"}, "spec": spec})
    }

    fn parsed(spec: Value) -> Policy {
        parse(&policy(spec), RULES).unwrap()
    }

    fn mistakes(document: &Value) -> Vec<String> {
        let mistakes = parse(document, RULES).unwrap_err();
        mistakes
            .into_iter()
            .map(|mistake| format!("{}: {}", mistake.pointer, mistake.message))
            .collect()
    }

    fn action(settings: &Settings, id: &str) -> Option<Action> {
        let index = RULES.iter().position(|rule| rule.meta().id == id).unwrap();
        settings.rules[index].actions[0]
    }

    #[test]
    fn every_mistake_is_told_with_its_place_and_the_nearest_name() {
        let found = mistakes(&policy(json!({
            "profil": "Strict",
            "match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}},
            "rules": [{"id": "rwo-replica"}, {"id": "rwo-replicas", "actions": ["deny"], "mutation": "Enabled"}],
        })));
        assert_eq!(
            found,
            [
                "/spec/profil: unknown field \"profil\", did you mean \"profile\"?",
                "/spec/match/namespaceSelector/matchExpressions/0/operator: the operator is none of In, NotIn, Exists, DoesNotExist",
                "/spec/rules/0/id: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?",
                "/spec/rules/1/actions/0: \"deny\" is none of Audit, Deny, Warn, did you mean \"Deny\"?",
                "/spec/rules/1/mutation: rule \"rwo-replicas\" injects nothing: it cannot be enabled",
            ]
        );
        assert_eq!(mistakes(&json!([])), [": expected an object, found a list"]);
        assert_eq!(
            mistakes(&json!({"apiVersion": "v1", "kind": KIND})),
            [
                "/apiVersion: apiVersion is \"v1\", expected \"stateward.dev/v1alpha1\"",
                "/metadata: metadata.name is missing"
            ]
        );
    }

    #[test]
    fn actions_replace_those_of_the_profile() {
        let policy =
            parsed(json!({"profile": "Audit", "rules": [{"id": "rwo-replicas", "actions": ["Warn", "Audit"]}]}));
        assert_eq!(action(&policy.settings, "rwo-replicas"), Some(Action::Warn));
        let off = parsed(json!({"rules": [{"id": "rwo-replicas", "actions": []}]}));
        assert_eq!(action(&off.settings, "rwo-replicas"), None);
    }

    #[test]
    fn the_strictest_of_the_matching_policies_counts() {
        let audit = parsed(json!({"profile": "Audit"}));
        let shop = parsed(json!({
            "match": {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
            "overrides": "Forbidden",
        }));
        let named =
            parsed(json!({"match": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "pay"}}}}));
        let policies = Policies {
            list: vec![audit, shop, named],
        };
        let resolve = |namespace: &str, labels: Lookup<&Labels>| {
            let settings = policies.resolve(namespace, labels, &Labels::default()).unwrap();
            (action(&settings, "rwo-replicas"), settings.overrides)
        };
        let team = Labels::from_pairs([("team", "shop")]);
        assert_eq!(
            resolve("a", Lookup::Known(&team)),
            (Some(Action::Deny), Overrides::Forbidden)
        );
        assert_eq!(
            resolve("a", Lookup::Known(&Labels::default())),
            (Some(Action::Audit), Overrides::Allowed)
        );
        // Without the Namespace's labels a selector on them counts as matching, its Deny as Warn.
        assert_eq!(
            resolve("a", Lookup::Unknown),
            (Some(Action::Warn), Overrides::Forbidden)
        );
        assert_eq!(resolve("pay", Lookup::Unknown).0, Some(Action::Deny));
    }

    #[test]
    fn an_object_that_no_policy_matches_is_not_judged() {
        let only = parsed(json!({"match": {"objectSelector": {"matchLabels": {"guard": "on"}}}}));
        let policies = Policies { list: vec![only] };
        assert!(policies.resolve("a", Lookup::Unknown, &Labels::default()).is_none());
        assert!(
            policies
                .resolve("a", Lookup::Unknown, &Labels::from_pairs([("guard", "on")]))
                .is_some()
        );
    }
}
