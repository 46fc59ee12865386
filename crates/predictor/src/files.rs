//! Files of new images, by the rules of the collection: [`walk`] finds them, their content decides about images.

use std::path::{Path, PathBuf};

use images::ImageError;
use walk::{Rules, Tree};

/// A file that may be an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImageFile {
    pub(crate) path: PathBuf,
    /// `true` if it is given by its own name, and not by a folder's.
    is_named: bool,
}

impl ImageFile {
    /// The file with the `error` by which it cannot be used. In a folder, a file of another kind is none of its images.
    pub(crate) fn unusable(&self, error: &anyhow::Error) -> UnusableFile {
        let other_kind = error
            .downcast_ref::<ImageError>()
            .is_some_and(|error| matches!(error, ImageError::NotAnImage { .. }));
        UnusableFile {
            is_foreign: other_kind && !self.is_named,
            ..UnusableFile::new(&self.path, format!("{error:#}"))
        }
    }
}

/// A file that cannot be used.
#[derive(Debug)]
pub(crate) struct UnusableFile {
    pub(crate) file: String,
    /// Reason, on one line.
    pub(crate) reason: String,
    /// A file of another kind in a folder of images.
    pub(crate) is_foreign: bool,
}

impl UnusableFile {
    fn new(file: &Path, reason: String) -> Self {
        Self {
            file: file.display().to_string(),
            reason,
            is_foreign: false,
        }
    }
}

/// The files named, and those in the folders named, sorted by name within a folder.
pub(crate) fn files(named: &[PathBuf]) -> Vec<Result<ImageFile, UnusableFile>> {
    named.iter().flat_map(|path| in_path(path)).collect()
}

fn in_path(path: &Path) -> Vec<Result<ImageFile, UnusableFile>> {
    if !path.is_dir() {
        return vec![Ok(ImageFile {
            path: path.to_owned(),
            is_named: true,
        })];
    }
    let tree = match Tree::of(path, Rules::Source) {
        Ok(tree) => tree,
        Err(error) => return vec![Err(UnusableFile::new(path, error.to_string()))],
    };
    let unusable = tree.unusable.into_iter();
    let unusable =
        unusable.map(|entry| Err(UnusableFile::new(&path.join(entry.relative), entry.detail)));
    let files = tree.files.into_iter().map(|file| {
        Ok(ImageFile {
            path: path.join(file.relative),
            is_named: false,
        })
    });
    let found: Vec<_> = files.chain(unusable).collect();
    if found.is_empty() {
        let reason = "no file in this folder: expected images".to_owned();
        return vec![Err(UnusableFile::new(path, reason))];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_and_named_files_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::create_dir_all(at("deep/empty")).unwrap();
        for name in [
            "b.JFIF",
            "a.png",
            "deep/c.gif",
            "notes.txt",
            "._a.png",
            "Thumbs.db",
        ] {
            fs_err::write(at(name), "").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", at("broken.png")).unwrap();
        let named = [folder.path().to_owned(), at("._a.png"), at("missing.jpg")];
        let (found, refused): (Vec<_>, Vec<_>) = files(&named).into_iter().partition(Result::is_ok);
        let found: Vec<PathBuf> = found.into_iter().map(|found| found.unwrap().path).collect();
        let expected = [
            "a.png",
            "b.JFIF",
            "deep/c.gif",
            "notes.txt",
            "._a.png",
            "missing.jpg",
        ];
        assert_eq!(found, expected.map(at));
        let refused: Vec<String> = refused
            .into_iter()
            .map(|it| it.unwrap_err().reason)
            .collect();
        assert_eq!(refused, ["a link to `nowhere`, which doesn't exist"]);
        let [Err(empty)] = &files(&[at("deep/empty")])[..] else {
            panic!("an empty folder has no images");
        };
        assert_eq!(empty.reason, "no file in this folder: expected images");
    }

    #[test]
    fn a_file_of_another_kind_counts_where_it_is_named() {
        let error = anyhow::Error::from(ImageError::NotAnImage { found: "" });
        for is_named in [false, true] {
            let path = PathBuf::from("notes.txt");
            let refused = ImageFile { path, is_named }.unusable(&error);
            assert_eq!(refused.is_foreign, !is_named);
        }
        let damaged = anyhow::Error::from(ImageError::Empty);
        let path = PathBuf::from("a.png");
        let found = ImageFile {
            path,
            is_named: false,
        };
        assert!(!found.unusable(&damaged).is_foreign);
    }
}
