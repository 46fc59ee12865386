//! The file of pixels: every image of the folder, decoded and resized once.
//!
//! Little-endian. Front: magic, version, side. Then the images' bytes, one after another. Then the index: for each image
//! offset, size, size before the cut and length of its path; then the paths; then number of images and bytes of paths.
//! At the end BLAKE3 of front and index. The index comes last, as the size of an image, and whether its file can be
//! decoded at all, are known after decoding alone.
//!
//! Images are read at their position, not through a memory map: a map would need `unsafe` and could fault on a file
//! cut while it's in use, whereas the page cache makes a positional read of some 200 kB a plain copy of microseconds.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use crate::{Geometry, ImageError, ResizedImage, Rgb};

const MAGIC: &[u8; 8] = b"ATLRPXLS";
const VERSION: u32 = 2;
/// Magic, version, side.
const FRONT_BYTES: u64 = 16;
/// Offset, width, height, full width, full height, length of the path.
const ENTRY_BYTES: u64 = 28;
/// Number of images, bytes of paths, hash.
const END_BYTES: u64 = 16 + blake3::OUT_LEN as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    offset: u64,
    width: u32,
    height: u32,
    full_width: u32,
    full_height: u32,
    path_bytes: u32,
}

impl Entry {
    fn bytes(self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * 3
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for value in [
            self.width,
            self.height,
            self.full_width,
            self.full_height,
            self.path_bytes,
        ] {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Writes a file of pixels from the front to the back. Memory holds the index alone.
pub struct PixelsWriter<W: Write> {
    out: W,
    geometry: Geometry,
    entries: Vec<Entry>,
    paths: String,
    end: u64,
}

impl<W: Write> PixelsWriter<W> {
    /// Begins a file of images for a network that sees the side of `geometry`.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new(mut out: W, geometry: Geometry) -> Result<Self, ImageError> {
        out.write_all(&front(geometry))?;
        Ok(Self {
            out,
            geometry,
            entries: Vec::new(),
            paths: String::new(),
            end: FRONT_BYTES,
        })
    }

    /// Writes an image, resized and cut, whose file has the path `path` and decodes to `original`, width and height.
    ///
    /// # Errors
    /// Its size isn't the geometry's for `original`, or `out` cannot be written.
    pub fn append(
        &mut self,
        path: &str,
        original: (u32, u32),
        image: &Rgb,
    ) -> Result<(), ImageError> {
        let (full_width, full_height) = self.geometry.resized(original.0, original.1);
        let (width, height) = self.geometry.kept(full_width, full_height);
        let entry = Entry {
            offset: self.end,
            width,
            height,
            full_width,
            full_height,
            path_bytes: u32::try_from(path.len()).unwrap_or(u32::MAX),
        };
        let (found, expected) = ((image.width, image.height), (width, height));
        if found != expected || image.pixels.len() as u64 != entry.bytes() {
            return Err(ImageError::UnexpectedSize {
                path: path.to_owned(),
                found,
                expected,
            });
        }
        self.out.write_all(&image.pixels)?;
        self.end += entry.bytes();
        self.entries.push(entry);
        self.paths.push_str(path);
        Ok(())
    }

    /// Writes the index, which ends the file.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn finish(mut self) -> Result<W, ImageError> {
        let mut index = Vec::new();
        for entry in &self.entries {
            entry.write(&mut index);
        }
        index.extend_from_slice(self.paths.as_bytes());
        index.extend_from_slice(&(self.entries.len() as u64).to_le_bytes());
        index.extend_from_slice(&(self.paths.len() as u64).to_le_bytes());
        self.out.write_all(&index)?;
        let hash = hash(&front(self.geometry), &index);
        self.out.write_all(hash.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn front(geometry: Geometry) -> Vec<u8> {
    let mut front = MAGIC.to_vec();
    front.extend_from_slice(&VERSION.to_le_bytes());
    front.extend_from_slice(&geometry.side_px().to_le_bytes());
    front
}

fn hash(front: &[u8], index: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(front).update(index);
    hasher.finalize()
}

/// Reads a file of pixels; one value serves all threads.
#[derive(Debug)]
pub struct Pixels {
    file: File,
    path: PathBuf,
    index: Index,
}

impl Pixels {
    /// Opens a file and reads its index.
    ///
    /// # Errors
    /// The file is missing, or isn't a whole and undamaged file of pixels of this version.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let index = Index::read(&file, file_bytes).map_err(|reason| ImageError::Malformed {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            file,
            path: path.to_owned(),
            index,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.index.entries.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.entries.is_empty()
    }

    /// Side of the network's input that the images were resized for.
    pub fn side_px(&self) -> u32 {
        self.index.geometry.side_px()
    }

    /// Sizes that the images were resized and cut to.
    pub fn geometry(&self) -> Geometry {
        self.index.geometry
    }

    /// Index of the image whose file has this path below the folder of images.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.index.positions.get(path).copied()
    }

    /// Reads an image into `buffer`, which is resized to it.
    ///
    /// # Errors
    /// There is no such image, or the file cannot be read.
    pub fn read<'a>(
        &self,
        index: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<ResizedImage<'a>, ImageError> {
        let entry = self.index.entries.get(index);
        let entry = entry.ok_or_else(|| ImageError::NoImage {
            path: self.path.clone(),
            index,
            len: self.len(),
        })?;
        buffer.resize(usize::try_from(entry.bytes()).unwrap_or(usize::MAX), 0);
        self.file.read_exact_at(buffer, entry.offset)?;
        Ok(ResizedImage {
            width: entry.width,
            height: entry.height,
            full_width: entry.full_width,
            full_height: entry.full_height,
            pixels: buffer,
        })
    }
}

/// Front and index of a file.
#[derive(Debug)]
struct Index {
    geometry: Geometry,
    entries: Vec<Entry>,
    positions: BTreeMap<String, usize>,
}

impl Index {
    /// Reads the index, once its length is known to fit into the file.
    fn read(file: &File, file_bytes: u64) -> Result<Self, String> {
        let read = |offset: u64, bytes: u64| {
            let mut buffer = vec![0; usize::try_from(bytes).map_err(|error| error.to_string())?];
            let whole = file.read_exact_at(&mut buffer, offset);
            whole.map_err(|error| error.to_string())?;
            Ok::<_, String>(buffer)
        };
        let rest = file_bytes.checked_sub(FRONT_BYTES + END_BYTES);
        let rest = rest.ok_or("the file is cut")?;
        let front = read(0, FRONT_BYTES)?;
        let geometry = parse_front(&front)?;
        let end = read(file_bytes - END_BYTES, END_BYTES)?;
        let (counts, stored) = end.split_at(16);
        let mut counts = Cursor(counts);
        let (n_images, path_bytes) = (counts.u64()?, counts.u64()?);
        let entry_bytes = n_images.checked_mul(ENTRY_BYTES);
        let index_bytes = entry_bytes
            .and_then(|bytes| bytes.checked_add(path_bytes))
            .filter(|&bytes| bytes <= rest)
            .ok_or_else(|| format!("{n_images} images don't fit into {file_bytes} bytes"))?;
        let start = file_bytes - END_BYTES - index_bytes;
        let index = read(start, index_bytes + 16)?;
        if hash(&front, &index).as_bytes() != stored {
            return Err("the index's hash doesn't match".to_owned());
        }
        let (entries, positions) = parse_index(&index, n_images, start)?;
        Ok(Self {
            geometry,
            entries,
            positions,
        })
    }
}

fn parse_front(front: &[u8]) -> Result<Geometry, String> {
    let mut front = Cursor(front);
    if front.bytes(8)? != MAGIC {
        return Err("expected the magic `ATLRPXLS`".to_owned());
    }
    let version = front.u32()?;
    if version != VERSION {
        return Err(format!("version {version}, expected {VERSION}"));
    }
    Geometry::new(front.u32()?).map_err(|error| error.to_string())
}

/// The entries and the position of each path; the images' bytes reach from the front to `start`.
fn parse_index(
    index: &[u8],
    n_images: u64,
    start: u64,
) -> Result<(Vec<Entry>, BTreeMap<String, usize>), String> {
    let mut index = Cursor(index);
    let mut entries = Vec::new();
    let mut end = FRONT_BYTES;
    for _ in 0..n_images {
        let entry = index.entry()?;
        if entry.offset != end {
            return Err(format!("an image at {}, expected {end}", entry.offset));
        }
        end = end
            .checked_add(entry.bytes())
            .ok_or("the images are too many")?;
        entries.push(entry);
    }
    if end != start {
        return Err(format!("images of {end} bytes, expected {start}"));
    }
    let mut positions = BTreeMap::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = std::str::from_utf8(index.bytes(entry.path_bytes as usize)?)
            .map_err(|error| error.to_string())?;
        if positions.insert(path.to_owned(), position).is_some() {
            return Err(format!("`{path}` occurs twice"));
        }
    }
    Ok((entries, positions))
}

/// Takes numbers off the front of bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.0.split_at_checked(n).ok_or("the index is cut")?;
        self.0 = rest;
        Ok(front)
    }

    fn u32(&mut self) -> Result<u32, String> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn u64(&mut self) -> Result<u64, String> {
        let (low, high) = (self.u32()?, self.u32()?);
        Ok(u64::from(low) | u64::from(high) << 32)
    }

    fn entry(&mut self) -> Result<Entry, String> {
        Ok(Entry {
            offset: self.u64()?,
            width: self.u32()?,
            height: self.u32()?,
            full_width: self.u32()?,
            full_height: self.u32()?,
            path_bytes: self.u32()?,
        })
    }
}

#[cfg(test)]
mod tests;
