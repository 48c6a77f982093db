//! Patterns for paths that are left out.

use std::path::{Component, Path, PathBuf};

/// Patterns relative to a directory. `*` and `?` stay within a name, `**` stands for any number of directories; a
/// pattern without `/` matches a name at any depth; what matches a directory matches all that is below it.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    directory: PathBuf,
    patterns: Vec<Vec<String>>,
}

impl Globs {
    /// Patterns relative to `directory`, which is absolute.
    pub fn new(directory: &Path, patterns: &[String]) -> Self {
        let parts = |pattern: &String| {
            let anchored = pattern.trim_end_matches('/').contains('/');
            let own = pattern.split('/').filter(|part| !matches!(*part, "" | "."));
            let deep = (!anchored).then_some("**").into_iter();
            deep.chain(own).map(str::to_owned).collect()
        };
        Self {
            directory: directory.to_owned(),
            patterns: patterns.iter().map(parts).collect(),
        }
    }

    /// Whether a path, absolute or relative to the working directory, matches.
    pub fn matches(&self, path: &Path) -> bool {
        let Ok(whole) = std::path::absolute(path) else {
            return false;
        };
        let Ok(below) = whole.strip_prefix(&self.directory) else {
            return false;
        };
        let names: Vec<&str> = below
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        self.patterns.iter().any(|pattern| leads_to(pattern, &names))
    }
}

/// Whether a pattern matches the path, or a directory on the way to it.
fn leads_to(pattern: &[String], names: &[&str]) -> bool {
    match (pattern.split_first(), names.split_first()) {
        (None, _) => true,
        (Some((first, rest)), _) if first == "**" => {
            (!rest.is_empty() || !names.is_empty())
                && (0..=names.len()).any(|skipped| leads_to(rest, &names[skipped..]))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((name, names))) => is_like(first, name) && leads_to(rest, names),
    }
}

/// Whether a name is like a pattern with `*` and `?`.
fn is_like(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on if the last `*` has to stand for one character more.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                p = star + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_and_directories() {
        let matches = |pattern: &str, path: &str| {
            Globs::new(Path::new("/repo"), &[pattern.to_owned()]).matches(&Path::new("/repo").join(path))
        };
        for (pattern, path) in [
            ("vendor", "a/vendor/b.yaml"),
            ("vendor/", "vendor/b.yaml"),
            ("*.test.yaml", "a/b.test.yaml"),
            ("charts/*/templates", "charts/x/templates/y/z.yaml"),
            ("**/samples/**", "a/b/samples/c.yaml"),
            ("./a/b?.yaml", "a/b1.yaml"),
            ("a/**/d.yaml", "a/d.yaml"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("vendor", "a/vendors/b.yaml"),
            ("charts/*/templates", "charts/x/y/templates/z.yaml"),
            ("a/b", "c/a/b"),
            ("*.yml", "a.yaml"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
        assert!(!Globs::new(Path::new("/repo"), &["*".to_owned()]).matches(Path::new("/other/a.yaml")));
    }
}
