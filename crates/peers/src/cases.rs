//! All cases, in the order of the table.

mod attribution;
mod clusters;
mod decode;
mod epoch;
mod features;
mod forest;
mod forest_search;
mod inference;
mod scores;
mod umap;

use crate::case::Case;

/// All cases.
pub(crate) const ALL: [Case; 11] = [
    decode::CASE,
    clusters::CASE,
    umap::CASE,
    umap::LARGE,
    forest::CASE,
    forest_search::CASE,
    scores::CASE,
    attribution::CASE,
    features::CASE,
    inference::CASE,
    epoch::CASE,
];
