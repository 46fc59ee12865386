//! Painter of the demo's images, in eight styles, by invented authors. Stage `paint`.
//!
//! They replace a real collection, so that the whole study runs without a download. Each author has habits of the hand,
//! some work in two styles, and a few have a single image. Every image has random numbers of its own, by style and
//! number: one more image changes no other.

mod canvas;
mod color;
mod dice;
mod encode;
mod error;
mod hand;
mod people;
mod streams;
mod styles;

use random::Seed;

pub use error::PaintError;
pub use people::{Commission, commissions};

use canvas::Canvas;
use dice::Dice;
use styles::STYLES;

/// Names of the class folders, one a style.
pub fn folders() -> impl ExactSizeIterator<Item = &'static str> {
    STYLES.iter().map(|style| style.folder)
}

/// The bytes of a commission's file.
///
/// # Errors
/// The image cannot be encoded.
pub fn paint(commission: &Commission, seed: Seed) -> Result<Vec<u8>, PaintError> {
    let style = commission.style();
    let stream = seed.stream(streams::IMAGE);
    let mut dice = Dice::new(stream.at(commission.style as u64, commission.number as u64));
    let (width, height) = canvas::size(&mut dice);
    let mut canvas = Canvas::new(width, height)?;
    (style.draw)(&mut canvas, &commission.hand, &mut dice);
    encode::encode(&canvas, commission.format)
}
