//! The walk of a folder: one set of rules for the keys of the runner and for the stages that read the folder.
//!
//! [`Rules::Source`] is for folders that people and other programs fill. Hidden files, the [litter](is_litter) of file
//! managers, network drives, archives and downloads, and the files that [`IGNORE_FILE`] names are left out. An entry
//! that no stage can read (a link to nothing, a pipe, a name that isn't UTF-8) is listed with a [`Reason`]; the walk
//! goes on.
//!
//! [`Rules::Output`] is for results of stages: every file counts but the files that desktops leave wherever they show
//! a folder, and an entry that cannot be read is an error.
//!
//! Under both, symbolic links to files and folders are followed, inside and outside of the folder; links that lead back
//! to a folder above are detected.

mod error;
mod ignores;
mod litter;
mod tree;
mod unusable;

pub use error::Error;
pub use ignores::IGNORE_FILE;
pub use litter::is_litter;
pub use tree::{File, Rules, Tree};
pub use unusable::{Reason, Unusable};
