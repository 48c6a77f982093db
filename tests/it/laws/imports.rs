//! Which module may import which. Which crates a module may use is a fact of its `Cargo.toml`.

use std::collections::BTreeSet;

use super::{Source, assert_none, has_word, sources};

/// Helpers without imports of their own, which everybody may use.
const LEAVES: &[&str] = &[
    "causes", "clock", "cursor", "digest", "fnv", "json", "markup", "parallel", "time", "yaml",
];

/// A module of the product or of the core, and the modules that it imports. `cli` wires all of them.
const IMPORTS: &[(&str, &[&str])] = &[
    ("admission", &["judge", "policy", "rules", "graph", "metrics"]),
    ("audit", &["judge", "policy", "rules", "graph"]),
    ("certificates", &["cluster", "controller", "metrics", "server"]),
    ("cluster", &["kinds", "policy", "graph", "metrics"]),
    ("controller", &["metrics"]),
    ("convert", &["rules", "graph"]),
    (
        "dashboard",
        &[
            "cluster",
            "server",
            "admission",
            "manifests",
            "explain",
            "findings",
            "output",
            "picture",
            "audit",
            "judge",
            "policy",
            "rules",
            "graph",
        ],
    ),
    (
        "events",
        &[
            "admission",
            "cluster",
            "controller",
            "findings",
            "judge",
            "rules",
            "graph",
            "metrics",
        ],
    ),
    ("explain", &["picture", "audit", "judge", "rules", "graph"]),
    ("findings", &["cluster", "judge", "policy", "rules", "graph", "metrics"]),
    ("graph", &[]),
    ("judge", &["policy", "rules", "graph"]),
    ("kinds", &["manifests", "policy", "graph"]),
    ("manifests", &["graph"]),
    ("metrics", &["rules"]),
    (
        "otlp",
        &[
            "admission",
            "controller",
            "findings",
            "judge",
            "rules",
            "graph",
            "metrics",
        ],
    ),
    ("output", &["audit", "picture", "graph"]),
    ("picture", &["audit", "rules", "graph"]),
    ("policy", &["rules", "graph"]),
    (
        "reports",
        &["cluster", "controller", "findings", "rules", "graph", "metrics"],
    ),
    ("rules", &["graph"]),
    (
        "runtime",
        &[
            "dashboard",
            "server",
            "admission",
            "certificates",
            "cluster",
            "controller",
            "events",
            "findings",
            "otlp",
            "reports",
            "status",
            "kinds",
            "manifests",
            "policy",
            "rules",
            "graph",
            "metrics",
        ],
    ),
    ("server", &["metrics"]),
    (
        "status",
        &["cluster", "controller", "findings", "judge", "policy", "rules", "graph"],
    ),
];

#[test]
fn imports_go_one_way() {
    let mut breaches = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources(&["src", "crates/core/src"], "rs") {
        let module = module(&file);
        if matches!(module, "cli" | "lib" | "main") {
            continue;
        }
        let imports = IMPORTS
            .iter()
            .find(|(name, _)| *name == module)
            .map(|(_, imports)| *imports);
        let leaf = LEAVES.contains(&module).then_some::<&[&str]>(&[]);
        let Some(allowed) = imports.or(leaf) else {
            breaches.push(format!(
                "{}: give the module \"{module}\" its line in tests/it/laws/imports.rs",
                file.path
            ));
            continue;
        };
        let code: Vec<_> = file.code().map(|(_, line)| line).collect();
        for (number, target) in crate_imports(&code.join("\n")) {
            seen.insert((module.to_owned(), target.to_owned()));
            if target != module && !allowed.contains(&target) && !LEAVES.contains(&target) {
                breaches.push(format!("{}:{number}: {module} imports {target}", file.path));
            }
        }
    }
    assert_none(
        &breaches,
        "main -> cli -> {runtime -> {certificates -> server, reports, events, otlp, status -> findings, controller, admission, cluster, manifests}, output -> picture -> \
         audit} -> judge -> rules -> graph; \
         let the caller pass in what these lines import:",
    );
    let pairs = IMPORTS
        .iter()
        .flat_map(|(module, imports)| imports.iter().map(move |import| (*module, *import)));
    let unused: Vec<_> = pairs
        .filter(|(module, import)| !seen.contains(&((*module).to_owned(), (*import).to_owned())))
        .map(|(module, import)| format!("{module} no longer imports {import}"))
        .collect();
    assert_none(&unused, "take out of the table what nobody needs:");
}

#[test]
fn no_rule_imports_another() {
    let files = sources(&["crates/core/src/rules"], "rs");
    let stem = |file: &Source| -> Option<String> {
        let name = file.path.strip_prefix("crates/core/src/rules/")?.strip_suffix(".rs")?;
        (name != "mod" && !name.contains('/')).then(|| name.to_owned())
    };
    let rules: Vec<_> = files.iter().filter_map(stem).collect();
    let mut breaches = Vec::new();
    for file in &files {
        let own = stem(file);
        if file.path == "crates/core/src/rules/mod.rs" {
            continue;
        }
        for (number, line) in file.code() {
            let other = |rule: &&String| {
                own.as_ref() != Some(*rule)
                    && (has_word(line, &format!("super::{rule}")) || has_word(line, &format!("rules::{rule}")))
            };
            if let Some(rule) = rules.iter().find(other) {
                breaches.push(format!("{}:{number}: {rule}", file.path));
            }
        }
    }
    assert_none(&breaches, "move what two rules share to crates/core/src/rules/kit/:");
}

/// The first folder or file below a crate's `src`.
fn module(file: &Source) -> &str {
    let rest = file.path.split_once("src/").map_or(&*file.path, |(_, rest)| rest);
    rest.split(['/', '.']).next().unwrap_or(rest)
}

/// The modules that code names after `crate::`, also in braces over several lines, each with its line.
fn crate_imports(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = at + start.len();
        // After an opening brace, names count where a list item begins at its first level.
        let mut depth = 0;
        let mut begins = true;
        for (offset, c) in code[rest..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => begins = true,
                _ if begins && !c.is_whitespace() => {
                    let name = &code[rest + offset..];
                    let end = name
                        .find(|c: char| !c.is_alphanumeric() && c != '_')
                        .unwrap_or(name.len());
                    found.push((code[..rest + offset].lines().count(), &name[..end]));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 && !begins {
                break;
            }
        }
    }
    found.retain(|(_, name)| name.chars().next().is_some_and(char::is_lowercase));
    found
}

#[test]
fn imports_in_braces_are_seen() {
    let code = "use crate::judge::Decision;\nuse crate::{\n    graph::{Kind, names},\n    server,\n};\ncrate::Root";
    assert_eq!(crate_imports(code), [(1, "judge"), (3, "graph"), (4, "server")]);
}
