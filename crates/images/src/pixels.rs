//! The file of pixels: every picture of the study, decoded and resized once.
//!
//! Little-endian: magic, version, side, number of pictures and bytes of paths; then for each picture offset, size, size
//! before the cut and length of its path; then the paths; then BLAKE3 of all that; then the pictures' bytes, one after
//! another. The header comes first although it points forward, since all sizes follow from those of the originals.
//!
//! Pictures are read at their position, not through a memory map: a map would need `unsafe` and could fault on a file
//! cut while it's in use, whereas the page cache makes a positional read of some 200 kB a plain copy of microseconds.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::FileExt;

use crate::{Geometry, ImageError, Rgb};

const MAGIC: &[u8; 8] = b"ATLRPXLS";
const VERSION: u32 = 1;
/// Magic, version, side, number of pictures, bytes of paths.
const FIXED_BYTES: u64 = 32;
/// Offset, width, height, full width, full height, length of the path.
const ENTRY_BYTES: u64 = 28;
const HASH_BYTES: usize = blake3::OUT_LEN;

/// A picture of the file, borrowed from the buffer that it was read into.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Width of the resized picture before its cut.
    pub full_width: u32,
    /// Height of the resized picture before its cut.
    pub full_height: u32,
    /// RGB, `height · width · 3` bytes, rows from the top.
    pub pixels: &'a [u8],
}

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
}

/// Writes a file of pixels from the front to the back.
pub struct PixelsWriter<W: Write> {
    out: W,
    entries: Vec<Entry>,
    written: usize,
}

impl<W: Write> PixelsWriter<W> {
    /// Writes the header for pictures of the given paths, original widths and heights, in this order.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn new<'p>(
        mut out: W,
        geometry: Geometry,
        pictures: impl IntoIterator<Item = (&'p str, u32, u32)>,
    ) -> Result<Self, ImageError> {
        let mut paths = String::new();
        let mut entries = Vec::new();
        for (path, width, height) in pictures {
            paths.push_str(path);
            let (full_width, full_height) = geometry.resized(width, height);
            let (width, height) = geometry.kept(full_width, full_height);
            entries.push(Entry {
                offset: 0,
                width,
                height,
                full_width,
                full_height,
                path_bytes: u32::try_from(path.len()).unwrap_or(u32::MAX),
            });
        }
        let mut offset = header_bytes(entries.len() as u64, paths.len() as u64);
        for entry in &mut entries {
            entry.offset = offset;
            offset += entry.bytes();
        }
        let header = encode_header(geometry, &entries, &paths);
        out.write_all(&header)?;
        out.write_all(blake3::hash(&header).as_bytes())?;
        Ok(Self {
            out,
            entries,
            written: 0,
        })
    }

    /// Writes the next picture, resized and cut.
    ///
    /// # Errors
    /// Its size isn't the one announced, or `out` cannot be written.
    pub fn append(&mut self, picture: &Rgb) -> Result<(), ImageError> {
        let index = self.written;
        let Some(entry) = self.entries.get(index) else {
            return Err(self.count_error(index + 1));
        };
        let (found, expected) = ((picture.width, picture.height), (entry.width, entry.height));
        if found != expected || picture.pixels.len() as u64 != entry.bytes() {
            return Err(ImageError::UnexpectedSize {
                index,
                found,
                expected,
            });
        }
        self.out.write_all(&picture.pixels)?;
        self.written += 1;
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Fewer pictures were written than announced, or `out` cannot be flushed.
    pub fn finish(mut self) -> Result<W, ImageError> {
        if self.written != self.entries.len() {
            return Err(self.count_error(self.written));
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn count_error(&self, written: usize) -> ImageError {
        ImageError::Count {
            written,
            expected: self.entries.len(),
        }
    }
}

fn header_bytes(n_pictures: u64, path_bytes: u64) -> u64 {
    FIXED_BYTES + n_pictures * ENTRY_BYTES + path_bytes + HASH_BYTES as u64
}

fn encode_header(geometry: Geometry, entries: &[Entry], paths: &str) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&geometry.side_px().to_le_bytes());
    header.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    header.extend_from_slice(&(paths.len() as u64).to_le_bytes());
    for entry in entries {
        header.extend_from_slice(&entry.offset.to_le_bytes());
        for value in [
            entry.width,
            entry.height,
            entry.full_width,
            entry.full_height,
            entry.path_bytes,
        ] {
            header.extend_from_slice(&value.to_le_bytes());
        }
    }
    header.extend_from_slice(paths.as_bytes());
    header
}

/// Reads a file of pixels; one value serves all threads.
#[derive(Debug)]
pub struct Pixels {
    file: File,
    path: PathBuf,
    geometry: Geometry,
    entries: Vec<Entry>,
    index: BTreeMap<String, usize>,
}

impl Pixels {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file is missing, or isn't a whole and undamaged file of pixels of this version.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let mut file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let header = read_header(&mut file, file_bytes)
            .and_then(|header| parse_header(&header, file_bytes))
            .map_err(|reason| ImageError::Malformed {
                path: path.to_owned(),
                reason,
            })?;
        Ok(Self {
            file,
            path: path.to_owned(),
            geometry: header.geometry,
            entries: header.entries,
            index: header.index,
        })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Side of the network's input that the pictures were resized for.
    pub fn side_px(&self) -> u32 {
        self.geometry.side_px()
    }

    /// Sizes that the pictures were resized and cut to.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Index of the picture that had this path in the annotations.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.index.get(path).copied()
    }

    /// Reads a picture into `buffer`, which is resized to it.
    ///
    /// # Errors
    /// There is no such picture, or the file cannot be read.
    pub fn read<'a>(
        &self,
        index: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<Picture<'a>, ImageError> {
        let entry = self
            .entries
            .get(index)
            .ok_or_else(|| ImageError::NoPicture {
                path: self.path.clone(),
                index,
                len: self.len(),
            })?;
        buffer.resize(usize::try_from(entry.bytes()).unwrap_or(usize::MAX), 0);
        self.file.read_exact_at(buffer, entry.offset)?;
        Ok(Picture {
            width: entry.width,
            height: entry.height,
            full_width: entry.full_width,
            full_height: entry.full_height,
            pixels: buffer,
        })
    }
}

struct Header {
    geometry: Geometry,
    entries: Vec<Entry>,
    index: BTreeMap<String, usize>,
}

/// The header's bytes with its hash, once they are known to fit into the file.
fn read_header(file: &mut File, file_bytes: u64) -> Result<Vec<u8>, String> {
    let mut header = Vec::new();
    let mut take = |bytes: u64, header: &mut Vec<u8>| {
        Read::by_ref(&mut *file)
            .take(bytes)
            .read_to_end(header)
            .map_err(|error| error.to_string())
    };
    take(FIXED_BYTES, &mut header)?;
    let mut fixed = Cursor(&header);
    if fixed.bytes(8)? != MAGIC {
        return Err("expected the magic `ATLRPXLS`".to_owned());
    }
    let version = fixed.u32()?;
    if version != VERSION {
        return Err(format!("version {version}, expected {VERSION}"));
    }
    fixed.u32()?;
    let (n_pictures, path_bytes) = (fixed.u64()?, fixed.u64()?);
    let bytes = n_pictures
        .checked_mul(ENTRY_BYTES)
        .and_then(|entries| {
            entries
                .checked_add(path_bytes)?
                .checked_add(HASH_BYTES as u64)
        })
        .filter(|&bytes| bytes <= file_bytes)
        .ok_or_else(|| format!("{n_pictures} pictures don't fit into {file_bytes} bytes"))?;
    take(bytes, &mut header)?;
    Ok(header)
}

fn parse_header(header: &[u8], file_bytes: u64) -> Result<Header, String> {
    let (body, hash) = header
        .split_last_chunk::<HASH_BYTES>()
        .ok_or("the header is cut")?;
    if blake3::hash(body) != *hash {
        return Err("the header's hash doesn't match".to_owned());
    }
    let mut body = Cursor(body);
    body.bytes(12)?;
    let geometry = Geometry::new(body.u32()?).map_err(|error| error.to_string())?;
    let (n_pictures, path_bytes) = (body.u64()?, body.u64()?);
    let mut entries = Vec::new();
    let mut end = header_bytes(n_pictures, path_bytes);
    for _ in 0..n_pictures {
        let entry = body.entry()?;
        if entry.offset != end {
            return Err(format!("a picture at {}, expected {end}", entry.offset));
        }
        end = end
            .checked_add(entry.bytes())
            .ok_or("the pictures are too many")?;
        entries.push(entry);
    }
    if end != file_bytes {
        return Err(format!("{file_bytes} bytes, expected {end}"));
    }
    let mut index = BTreeMap::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = std::str::from_utf8(body.bytes(entry.path_bytes as usize)?)
            .map_err(|error| error.to_string())?;
        if index.insert(path.to_owned(), position).is_some() {
            return Err(format!("`{path}` occurs twice"));
        }
    }
    Ok(Header {
        geometry,
        entries,
        index,
    })
}

/// Takes numbers off the front of bytes.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.0.split_at_checked(n).ok_or("the header is cut")?;
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
