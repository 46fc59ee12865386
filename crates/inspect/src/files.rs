//! Which files are looked at.

use std::path::{Path, PathBuf};

/// Endings of pictures' names; in a folder, other files are passed over.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// A file that cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) file: String,
    /// Why, on one line.
    pub(crate) reason: String,
}

impl Unusable {
    pub(crate) fn new(file: &Path, error: &anyhow::Error) -> Self {
        Self {
            file: file.display().to_string(),
            reason: format!("{error:#}"),
        }
    }
}

/// The files named, and the pictures in the folders named and in theirs, sorted by name.
pub(crate) fn pictures(named: &[PathBuf]) -> Vec<Result<PathBuf, Unusable>> {
    named.iter().flat_map(|path| in_path(path)).collect()
}

fn in_path(path: &Path) -> Vec<Result<PathBuf, Unusable>> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    let mut found = Vec::new();
    if let Err(error) = walk(path, &mut found) {
        found.push(Err(Unusable::new(path, &error.into())));
    }
    if found.is_empty() {
        let ends = ENDINGS.join(", ");
        let error = anyhow::anyhow!("no picture in this folder: expected files ending in {ends}");
        found.push(Err(Unusable::new(path, &error)));
    }
    found
}

fn walk(folder: &Path, found: &mut Vec<Result<PathBuf, Unusable>>) -> std::io::Result<()> {
    let entries = fs_err::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        // A link to a folder could lead round in a circle.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, found)?;
        } else if is_picture(&path) {
            found.push(Ok(path));
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_files_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::create_dir_all(at("deep/empty")).unwrap();
        for name in ["b.JPG", "a.png", "deep/c.webp", "notes.txt"] {
            fs_err::write(at(name), "").unwrap();
        }
        let found = pictures(&[folder.path().to_owned(), at("notes.txt"), at("missing.jpg")]);
        let found: Vec<PathBuf> = found.into_iter().map(Result::unwrap).collect();
        let expected = ["a.png", "b.JPG", "deep/c.webp", "notes.txt", "missing.jpg"].map(at);
        assert_eq!(found, expected);
        let [Err(empty)] = &pictures(&[at("deep/empty")])[..] else {
            panic!("an empty folder has no pictures");
        };
        assert_eq!(
            empty.reason,
            "no picture in this folder: expected files ending in jpg, jpeg, png, webp"
        );
    }
}
