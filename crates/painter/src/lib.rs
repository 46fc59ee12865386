//! Painter of the demo's images, in eight styles, by invented authors. Stage `paint`.
//!
//! They replace a real collection, so that the whole study runs without a download. Each author has habits of the hand,
//! some work in two styles, and a few have a single image. Every image has random numbers of its own, by style and
//! number: one more image changes no other.
//!
//! Styles overlap, so that a network errs: some authors draw half of their images as another style would and leave
//! their own style's touch on them. Authors also have pigments of their own, so that a network that knows an author has
//! an advantage.

mod canvas;
mod color;
mod dice;
mod encode;
mod error;
mod grade;
mod hand;
mod people;
mod streams;
mod styles;

use random::Seed;

pub use error::PaintError;
pub use people::{Commission, commissions};

use canvas::Canvas;
use dice::Dice;
use hand::Hand;
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
    let hand = &commission.hand;
    if dice.chance(hand.openness) {
        let draw = Hand::choose(hand.influence, style.influences, &mut dice);
        draw(&mut canvas, hand, &mut dice);
        (style.touch)(&mut canvas, hand, &mut dice);
    } else {
        (style.draw)(&mut canvas, hand, &mut dice);
    }
    hand.grade.stray(&mut dice).apply(&mut canvas);
    encode::encode(&canvas, commission.format)
}
