//! Content-addressed cache and file-state index.
//!
//! - [`Digest`]: the BLAKE3 hash by which content is named.
//! - [`Index`]: digests of files by their state (inode, size, times), so that an unchanged file
//!   is never read twice.
//! - [`Seen`]: a file or folder at one moment, so that later writes show, whatever their bytes.
//! - [`Store`]: files and folders by digest, and a [`Record`] for each run that produced them.
//!
//! A file is named by the hash of its bytes. A folder, or a file with the executable bit, is
//! named by the hash of a readable *tree* text that lists its files:
//!
//! ```text
//! atelier tree 1
//! file 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85 "notes/a.txt"
//! exec af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 "run.sh"
//! none "empty"
//! ```
//!
//! Lines are sorted by path (bytes of UTF-8, `/` between components, JSON string syntax);
//! `none` is a folder without files. Symbolic links are followed. Files of desktops (`.DS_Store`,
//! `Thumbs.db`, `desktop.ini`) are ignored; files of a folder that no stage makes count by
//! `walk::Rules::Source`.

mod digest;
mod error;
mod file_state;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod index;
mod mode;
mod object_storage;
mod place;
mod read;
mod record;
mod remove;
mod scratch;
mod stamp;
mod store;
mod tree;
mod walk;
mod write;

pub use digest::{Digest, InvalidDigest};
pub use error::{Error, Result};
pub use index::{Index, Seen, Since};
pub use object_storage::{Kind, ObjectStorage};
pub use place::{copy_path, is_mount_point, move_path};
pub use read::read_own;
pub use record::Record;
pub use remove::remove_path;
pub use store::Store;
pub use store::sweep::{Amount, Keep, Size};
pub use write::{remove_unwritten, write_whole, write_whole_in};
