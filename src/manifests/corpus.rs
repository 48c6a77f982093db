//! Many files at once: found, and read on all cores.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::file::{File, Placed};
use super::files::{self, FileError};
use super::{common_labels, kustomize};
use crate::graph::{Kinds, Name};
use crate::parallel;

/// What to read.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// Files, directories, or `-`.
    pub paths: &'a [PathBuf],
    /// Where objects are that name no namespace.
    pub namespace: &'a Name,
    /// The kinds that play a part.
    pub kinds: &'static Kinds,
    /// Files that are left out although they stand below a directory that was given.
    pub excluded: &'a dyn Fn(&Path) -> bool,
    pub threads: NonZeroUsize,
}

impl std::fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

/// All that was read, in the order of the inputs.
#[derive(Debug)]
pub struct Corpus {
    /// The kinds that play a part.
    pub kinds: &'static Kinds,
    pub files: Vec<File>,
    /// Directories that were given and have nothing to read.
    pub empty: Vec<PathBuf>,
}

impl Corpus {
    /// Reads everything. The result does not depend on the number of threads.
    #[must_use]
    pub fn read(inputs: Inputs<'_>) -> Self {
        let mut seen = BTreeSet::new();
        let mut found: Vec<Result<PathBuf, FileError>> = Vec::new();
        let mut empty = Vec::new();
        for path in inputs.paths {
            let (paths, errors) = files::find(path);
            if paths.is_empty() && errors.is_empty() {
                empty.push(path.clone());
            }
            let wanted = paths
                .into_iter()
                .filter(|file| file == path || !(inputs.excluded)(file))
                // The same file by two ways is one file.
                .filter(|file| inputs.paths.len() == 1 || seen.insert(file.canonicalize().unwrap_or(file.clone())));
            found.extend(wanted.map(Ok));
            found.extend(errors.into_iter().map(Err));
        }
        let mut files = parallel::map(inputs.threads, &found, |found| match found {
            Ok(path) => File::load(path, inputs.namespace, inputs.kinds),
            Err(error) => File::unreadable(error),
        });
        kustomize::set_patches_aside(&mut files);
        common_labels::add(&mut files);
        Self {
            kinds: inputs.kinds,
            files,
            empty,
        }
    }

    /// Reads texts that somebody made of directories, by which they are named.
    #[must_use]
    pub fn of_texts(texts: Vec<(PathBuf, Vec<u8>)>, namespace: &Name, kinds: &'static Kinds) -> Self {
        let of = |(path, text): (PathBuf, _)| File::of(&path, text, namespace, kinds);
        let files = texts.into_iter().map(of);
        Self {
            kinds,
            files: files.collect(),
            empty: Vec::new(),
        }
    }

    /// Every object of every file.
    pub fn objects(&self) -> impl Iterator<Item = Placed<'_>> {
        let files = self.files.iter();
        files.flat_map(|file| file.objects.iter().map(move |object| Placed { file, object }))
    }
}
