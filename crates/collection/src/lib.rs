//! A folder of images as a collection: files found, grouped by class, author and split, and decoded. Stages `decode`
//! and `annotate`.
//!
//! 1. [`scan()`] walks the folder and lists its files and the entries that cannot be read.
//! 2. [`group()`] gives each file its class, author and split, by [`Settings`] and a [`LabelTable`].
//! 3. [`read_image()`] reads and decodes a file, [`read()`] each of many. Stage `decode` does so before all others, and
//!    keeps the results as rows of table `images`: [`image_row()`], [`results_of()`].
//! 4. [`survey()`] puts together annotations and problems, as stage `annotate` writes them.
//!
//! Names of classes and authors meet in file names, tables, parameters and on the command line. They are compared in
//! the form that [`normalized()`] gives them.

mod error;
mod existing_split;
mod group;
mod label_table;
mod names;
mod pattern;
mod read;
mod rows;
mod scan;
mod settings;
mod survey;

pub use error::CollectionError;
pub use existing_split::{split_folders, subset_named};
pub use group::{Candidate, GroupedFiles, group};
pub use label_table::{Cells, LabelTable, read_cells};
pub use names::{normalized, unknown_classes};
pub use pattern::{NameParts, Pattern};
pub use read::{FileFault, ImageFacts, read, read_image};
pub use rows::{image_row, results_of};
pub use scan::{FolderScan, scan};
pub use settings::{NO_AUTHOR, Settings, SplitFolders};
pub use survey::{Survey, survey};
