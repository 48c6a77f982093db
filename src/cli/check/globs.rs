//! Patterns for paths that are left out.

use std::path::{Path, PathBuf};

use globset::{Error, Glob, GlobBuilder, GlobSet};

/// Patterns relative to a directory. `*` and `?` stay within a name, `**` stands for any number of directories; a
/// pattern without `/` matches a name at any depth; what matches a directory matches all that is below it.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    directory: PathBuf,
    patterns: GlobSet,
}

impl Globs {
    /// Patterns relative to `directory`, which is absolute.
    ///
    /// # Errors
    /// A pattern that is none: a bracket that nothing closes.
    pub fn new(directory: &Path, patterns: &[String]) -> Result<Self, String> {
        let wrong = |pattern: &String, error: Error| format!("{pattern:?} is no pattern: {}", error.kind());
        let globs = patterns
            .iter()
            .map(|pattern| glob(pattern).map_err(|error| wrong(pattern, error)));
        let globs: Vec<Glob> = globs.collect::<Result<_, _>>()?;
        Ok(Self {
            directory: directory.to_owned(),
            patterns: GlobSet::new(&globs).map_err(|error| error.to_string())?,
        })
    }

    /// Whether a path, absolute or relative to the working directory, matches.
    pub fn matches(&self, path: &Path) -> bool {
        let Ok(whole) = std::path::absolute(path) else {
            return false;
        };
        whole
            .strip_prefix(&self.directory)
            .is_ok_and(|below| below.ancestors().any(|path| self.patterns.is_match(path)))
    }
}

fn glob(pattern: &str) -> Result<Glob, Error> {
    let names: Vec<&str> = pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let prefix = if is_anchored { "" } else { "**/" };
    let whole = format!("{prefix}{}", names.join("/"));
    GlobBuilder::new(&whole).literal_separator(true).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_and_directories() {
        let matches = |pattern: &str, path: &str| {
            let globs = Globs::new(Path::new("/repo"), &[pattern.to_owned()]).unwrap();
            globs.matches(&Path::new("/repo").join(path))
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
        let all = Globs::new(Path::new("/repo"), &["*".to_owned()]).unwrap();
        assert!(all.matches(Path::new("/repo/a.yaml")) && !all.matches(Path::new("/other/a.yaml")));
        assert!(!Globs::default().matches(Path::new("/a.yaml")));
        assert!(Globs::new(Path::new("/repo"), &["a[".to_owned()]).is_err());
    }
}
