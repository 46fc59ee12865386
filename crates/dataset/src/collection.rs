//! A folder of images as a collection: files found, grouped by class, author and split, and decoded.
//!
//! 1. [`scan()`] walks the folder and lists its files and the entries that cannot be read.
//! 2. [`group()`] gives each file its class, author and split, by [`Settings`] and a [`LabelTable`].
//! 3. [`inspect()`] reads and decodes each file; [`measure()`] reads its header alone.
//! 4. [`survey()`] puts together annotations and problems, as stage `annotate` writes them.
//!
//! Names of classes and authors meet in file names, tables, parameters and on the command line. They are compared in
//! the form that [`normalized()`] gives them.

mod error;
mod group;
mod inspect;
mod label_table;
mod names;
mod pattern;
mod scan;
mod settings;
mod splits;
mod survey;

pub use error::CollectionError;
pub use group::{Candidate, Grouped, group};
pub use inspect::{Inspected, Refused, inspect, measure};
pub use label_table::{Cells, LabelTable, read_cells};
pub use names::{nearest, normalized, unknown_classes};
pub use pattern::{Named, Pattern};
pub use scan::{Found, scan};
pub use settings::{NO_AUTHOR, Settings, SplitFolders};
pub use splits::{split_folders, subset_named};
pub use survey::{Survey, survey};
