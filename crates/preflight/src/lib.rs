//! Checks of all settings against the collection and the machine, before anything trains.
//!
//! Each check has one subject and adds a [`Finding`] for each fault: value found, value expected, the nearest valid
//! name and the setting that helps. No check ends the others, so that all faults are listed at once.

mod finding;
mod fine_tuning;
mod fold_split;
mod forest_search;
mod machine;
mod resources;
mod settings;

pub use finding::{Finding, listed};
pub use fine_tuning::check_fine_tuning;
pub use fold_split::{FoldSplit, check_split};
pub use forest_search::check_forest;
pub use machine::{available_memory, free_disk, in_units};
pub use resources::{Footprint, check_resources};
pub use settings::{Settings, check_settings};
