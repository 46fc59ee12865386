//! Checks of all settings against the collection and the machine, before anything trains.
//!
//! Each check looks at one thing and adds a [`Finding`] for what is wrong: what was found, what is expected, the nearest
//! valid name and the setting that cures it. Nothing ends at the first one, so that all of them are read at once.

mod finding;
mod fold_split;
mod forest_search;
mod machine;
mod resources;
mod settings;

pub use finding::{Finding, listed};
pub use fold_split::{Design, check_design};
pub use forest_search::check_forest;
pub use machine::{available_memory, free_disk, in_units};
pub use resources::{Footprint, check_resources};
pub use settings::{Settings, check_settings};
