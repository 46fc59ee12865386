//! Searches over the pipeline's parameters. A trial is a run of the pipeline with other parameters, so the cache is the
//! memory of a search: a search that continues restores its earlier trials.

pub mod apply;
pub mod declaration;
pub mod page;
pub mod record;
pub mod run;
pub mod score;
pub mod trial;
