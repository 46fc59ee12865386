//! The file of thumbnails: [`Thumbnail::BYTES`] for each image, one after another.

use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use crate::Thumbnail;

/// A file of thumbnails cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbnailError {
    /// The length of the file is no multiple of a thumbnail's.
    #[error("`{}` is no file of thumbnails: {bytes} bytes, expected a multiple of {}", path.display(), Thumbnail::BYTES)]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// The file cannot be opened or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes a file of thumbnails from the front to the back.
pub struct ThumbnailsWriter<W: Write>(W);

impl<W: Write> ThumbnailsWriter<W> {
    /// Begins a file.
    pub fn new(out: W) -> Self {
        Self(out)
    }

    /// Writes the next thumbnail.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, thumbnail: &Thumbnail) -> std::io::Result<()> {
        self.0.write_all(thumbnail.as_bytes())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> std::io::Result<W> {
        self.0.flush()?;
        Ok(self.0)
    }
}

/// Reads a file of thumbnails at any position; one value serves all threads.
#[derive(Debug)]
pub struct Thumbnails {
    file: File,
    len: usize,
}

impl Thumbnails {
    /// Opens a file.
    ///
    /// # Errors
    /// The file is missing, or its length is no multiple of a thumbnail's.
    pub fn open(path: &Path) -> Result<Self, ThumbnailError> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let len = usize::try_from(bytes).unwrap_or(usize::MAX) / Thumbnail::BYTES;
        if (len * Thumbnail::BYTES) as u64 != bytes {
            let path = path.to_owned();
            return Err(ThumbnailError::Length { path, bytes });
        }
        Ok(Self { file, len })
    }

    /// Number of thumbnails.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads the thumbnail at `position`.
    ///
    /// # Errors
    /// There is no such thumbnail, or the file cannot be read.
    pub fn read(&self, position: usize) -> Result<Thumbnail, ThumbnailError> {
        let mut bytes = vec![0; Thumbnail::BYTES];
        let offset = (position * Thumbnail::BYTES) as u64;
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(Thumbnail::from_bytes(bytes).expect("the buffer has the length of a thumbnail"))
    }
}

#[cfg(test)]
mod tests {
    use images::{Resizer, Rgb};

    use super::*;

    fn gray(level: u8) -> Thumbnail {
        let image = Rgb {
            width: 2,
            height: 1,
            pixels: vec![level; 6],
        };
        Thumbnail::of(&image, &mut Resizer::default()).unwrap()
    }

    #[test]
    fn thumbnails_round_trip() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = ThumbnailsWriter::new(file.as_file());
        for level in [3, 200] {
            writer.append(&gray(level)).unwrap();
        }
        writer.finish().unwrap();
        let thumbnails = Thumbnails::open(file.path()).unwrap();
        assert_eq!((thumbnails.len(), thumbnails.is_empty()), (2, false));
        assert_eq!(thumbnails.read(1).unwrap(), gray(200));
        assert_eq!(thumbnails.read(0).unwrap(), gray(3));
        assert!(thumbnails.read(2).is_err());
    }

    #[test]
    fn a_file_of_another_length_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), [0; 7]).unwrap();
        let message = Thumbnails::open(file.path()).unwrap_err().to_string();
        assert!(
            message.ends_with("7 bytes, expected a multiple of 4608"),
            "{message}"
        );
    }
}
