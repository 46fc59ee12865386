//! What a stage says of the rows of its outputs, and whether a table is like that.
//!
//! In `pipeline.toml`, for the output `scores` of the stage `score`:
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
//! Of a list, each item must be like that. Rows are counted from 0, as notebooks do.
//!
//! Beside that, what else the runner wants of tables: the [`numbers`] of one by name, and to [`write()`] one.

mod cell;
mod declaration;
mod faults;
mod numbers;
mod write;

pub use declaration::{Check, Column, Rows};
pub use faults::faults;
pub use numbers::numbers;
pub use write::write;
