//! Checks of tables: declarations for the rows of a stage's outputs, and their faults.
//!
//! A declaration in `pipeline.toml`, for the output `scores` of the stage `score`:
//!
//! ```toml
//! [stage.score.check.scores]
//! rows = { min = 1, max = 1000 }     # or a number
//! unique = ["model", "metric"]       # no two rows have the same values here
//! others = false                     # no columns but those below
//!
//! [stage.score.check.scores.columns]
//! model = { type = "string", in = ["network", "forest"] }
//! metric = {}                        # it is there, and nothing in it is missing
//! value = { type = "float64", min = 0, max = 1, null = true }
//! ```
//!
//! For a list, each item is checked. Rows are counted from 0, as in notebooks.
//!
//! Besides, the [`numbers`] of a table by name, and [`write()`].

mod cell;
mod declaration;
mod faults;
mod numbers;
mod write;

pub use declaration::{Check, Column, Rows};
pub use faults::faults;
pub use numbers::numbers;
pub use write::write;
