//! Experiments: runs of the pipeline with other parameters, beside the current state.

pub mod apply;
pub mod columns;
pub mod filter;
pub mod name;
pub mod record;
pub mod run;
pub mod table;
