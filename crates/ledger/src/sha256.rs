//! SHA-256 of files, to be compared with those of their publishers.

use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// The SHA-256 of a file that grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Growing {
    sha256: Sha256,
    bytes: u64,
}

impl Growing {
    /// Takes bytes that are appended to the file.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Takes the first `bytes` of a file, which is not read if it has as many as were taken before.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn catch_up(&mut self, file: &Path, bytes: u64) -> io::Result<()> {
        if self.bytes == bytes {
            return Ok(());
        }
        *self = Growing::default();
        if bytes > 0 {
            self.read(&mut fs_err::File::open(file)?.take(bytes))?;
        }
        Ok(())
    }

    fn read(&mut self, file: &mut dyn Read) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(n) => self.update(&chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The hash of all bytes taken, in hexadecimal.
    pub(crate) fn text(&self) -> String {
        format!("{:x}", self.sha256.clone().finalize())
    }
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// It cannot be read.
pub fn of_file(path: &Path) -> Result<String> {
    let mut sha256 = Growing::default();
    let file = fs_err::File::open(path);
    let read = file.and_then(|mut file| sha256.read(&mut file));
    read.map_err(|fault| Error::Unreadable {
        path: path.to_owned(),
        fault,
    })?;
    Ok(sha256.text())
}

/// Checks the SHA-256 of a file from `from`.
///
/// # Errors
/// It is another.
pub(crate) fn check(from: &str, found: &str, expected: &str) -> Result<()> {
    if found == expected.to_ascii_lowercase() {
        return Ok(());
    }
    Err(mismatch(from, found, expected))
}

/// Returns whether a SHA-256 begins with the digits `expected`.
pub(crate) fn begins(sha256: &str, expected: &str) -> bool {
    sha256.starts_with(&expected.to_ascii_lowercase())
}

/// The error of a file with another SHA-256 than expected.
pub(crate) fn mismatch(from: &str, found: &str, expected: &str) -> Error {
    Error::Sha256 {
        from: from.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_file_is_hashed_as_it_grows_or_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs_err::write(&file, "abc").unwrap();
        assert_eq!(of_file(&file).unwrap(), ABC);
        let mut growing = Growing::default();
        growing.catch_up(&file, 1).unwrap();
        growing.update(b"bc");
        growing.catch_up(Path::new("nowhere"), 3).unwrap();
        assert_eq!(growing.text(), ABC);
        // Another download begins.
        growing.catch_up(Path::new("nowhere"), 0).unwrap();
        growing.update(b"abc");
        assert_eq!(growing.text(), ABC);
    }

    #[test]
    fn a_prefix_in_capitals_is_one() {
        assert!(begins(ABC, "BA78"));
        assert!(!begins(ABC, "a78"));
        assert!(check("x", ABC, &ABC.to_uppercase()).is_ok());
        let error = check("x", ABC, "ba").unwrap_err().to_string();
        assert!(error.ends_with("expected ba…"), "{error}");
    }

    #[test]
    fn a_folder_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = of_file(folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot compute the SHA-256 of"),
            "{error}"
        );
    }
}
