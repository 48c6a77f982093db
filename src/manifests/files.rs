//! Finds and loads the files of given paths: the only place of this module that touches the file system.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use stateward_yaml::TEXT_LIMIT;

/// The path that means standard input.
pub const STDIN: &str = "-";

/// A path that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// The path that was asked for, or one below it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Lists the files that a path stands for: itself, or all `.yaml`, `.yml` and `.json` files below a directory, sorted.
///
/// Hidden files and directories are left out (with them the `..data` of a mounted ConfigMap, whose files are also
/// linked to beside it). Links to files are followed, links to directories below the path are not: they may lead in a
/// circle. A directory that cannot be read hides no other one.
#[must_use]
pub fn find(path: &Path) -> (Vec<PathBuf>, Vec<FileError>) {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    if path == Path::new(STDIN) || !path.is_dir() {
        // Whether a file exists shows when it is loaded; one that is named is read whatever its ending.
        files.push(path.to_owned());
        return (files, errors);
    }
    // Taken from the end: the entries of a directory stand there in reverse, where the directory itself stood. So the
    // files are found in the order of their paths.
    let mut open = vec![(path.to_owned(), true)];
    while let Some((path, is_directory)) = open.pop() {
        if !is_directory {
            files.push(path);
            continue;
        }
        let directory = path;
        let listed = fs::read_dir(&directory).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        match listed {
            Err(source) => errors.push(FileError {
                path: directory,
                source,
            }),
            Ok(mut entries) => {
                entries.sort_by_cached_key(|entry| Reverse(entry.file_name()));
                for entry in entries {
                    let path = entry.path();
                    if entry.file_name().as_encoded_bytes().starts_with(b".") {
                        continue;
                    }
                    let kind = entry.file_type().ok();
                    if kind.is_some_and(|kind| kind.is_dir()) {
                        open.push((path, true));
                    } else if has_manifest_ending(&path) && (kind.is_some_and(|kind| kind.is_file()) || !path.is_dir())
                    {
                        open.push((path, false));
                    }
                }
            }
        }
    }
    errors.sort_by(|a, b| a.path.cmp(&b.path));
    (files, errors)
}

/// Loads a file, or standard input for [`STDIN`]. Of a file that is larger than [`TEXT_LIMIT`] only so much is loaded
/// that [`read`](stateward_yaml::read) can say so.
pub fn load(path: &Path) -> Result<Vec<u8>, FileError> {
    let loaded = if path == Path::new(STDIN) {
        load_from(io::stdin().lock(), 0)
    } else {
        fs::File::open(path).and_then(|file| {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            load_from(file, length)
        })
    };
    loaded.map_err(|source| FileError {
        path: path.to_owned(),
        source,
    })
}

/// Loads a file as [`load`] does, but none that may keep its reader waiting for somebody: a pipe, a socket, a device,
/// standard input. For files that are read again and again.
pub fn load_at_rest(path: &Path) -> Result<Vec<u8>, FileError> {
    let at_rest = fs::metadata(path).and_then(|metadata| {
        let why = "not a regular file: it is read again and again, and must not keep its reader waiting";
        if metadata.is_file() {
            Ok(())
        } else {
            Err(io::Error::other(why))
        }
    });
    match at_rest {
        Ok(()) => load(path),
        Err(source) => Err(FileError {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Gives a file another text, at once: whoever is interrupted, or has a full disk, keeps the former one.
///
/// The new text is written beside it and takes its place, with its permissions; a link stays one.
///
/// # Errors
/// The directory cannot be written to, or has no room.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.stateward", std::process::id()));
    let beside = path.with_file_name(name);
    let written =
        write_new(&beside, text, fs::metadata(&path)?.permissions()).and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // The first error is the one to tell; what was never made cannot be removed either.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()
}

fn load_from(reader: impl io::Read, expected: u64) -> io::Result<Vec<u8>> {
    let limit = TEXT_LIMIT as u64 + 1;
    let mut text = Vec::with_capacity(usize::try_from(expected.min(limit)).unwrap_or_default());
    reader.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

fn has_manifest_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ["yaml", "yml", "json"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_walked_in_order_without_hidden_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        };
        for name in [
            "b.yml",
            "a/z.json",
            "a/b/c.YAML",
            "a.yaml",
            "note.txt",
            ".git/x.yaml",
            ".hidden.yaml",
        ] {
            write(name);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.path(), root.path().join("a/circle")).unwrap();
            std::os::unix::fs::symlink(root.path().join("note.txt"), root.path().join("linked.yaml")).unwrap();
        }
        let (files, errors) = find(root.path());
        let names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/b/c.YAML", "a/z.json", "a.yaml", "b.yml", "linked.yaml"]);
        assert!(errors.is_empty());
        assert_eq!(load(&files[1]).unwrap(), b"a/z.json");
    }

    #[test]
    fn a_named_file_is_taken_whatever_its_ending() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("policy.conf");
        fs::write(&path, "x").unwrap();
        assert_eq!(find(&path).0, [path]);
        assert_eq!(find(Path::new("-")).0, [PathBuf::from("-")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_text_is_replaced_at_once() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let (file, link) = (root.path().join("a.yaml"), root.path().join("b.yaml"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a.yaml", &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(load(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
        assert!(replace(&root.path().join("none"), "").is_err());
    }

    #[test]
    fn an_error_names_the_path() {
        let (files, _) = find(Path::new("/nowhere/at/all.yaml"));
        let error = load(&files[0]).unwrap_err();
        assert!(error.to_string() == "cannot read /nowhere/at/all.yaml", "{error}");
        assert_eq!(error.path(), Path::new("/nowhere/at/all.yaml"));
    }
}
