//! Settings of the report.

use random::Stream;

use crate::page::recipe::Recipe;

/// Settings of the report.
#[derive(Clone, Debug)]
pub struct Options {
    /// Examples of each class in each grid, at most.
    pub examples_per_class: usize,
    /// Examples in each grid, at most: with many classes there are fewer of each, or of some classes alone.
    pub max_examples: usize,
    /// Dots in a drawing, at most.
    pub max_points: usize,
    /// Rows of the table of all images, at most, unless the page links to more.
    pub max_rows: usize,
    /// The long side of an example, in pixels.
    pub thumbnail_px: u32,
    /// Seeds the draw of the examples.
    pub stream: Stream,
    /// Settings of the stages, weights and size of the network.
    pub recipe: Recipe,
}
