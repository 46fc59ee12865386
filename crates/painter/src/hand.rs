//! Habits of a hand.

use crate::dice::Dice;
use crate::grade::Grade;

/// Habits of a hand. They are an author's own in every style; each style uses them in its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hand {
    /// Shift of all hues, in `[-1, 1]`.
    pub(crate) hue: f32,
    /// Lighter or darker, in `[-1, 1]`.
    pub(crate) light: f32,
    /// Factor of the width of strokes and lines, around 1.
    pub(crate) stroke: f32,
    /// Factor of the number of things, around 1.
    pub(crate) density: f32,
    /// Lean of strokes, in radians.
    pub(crate) tilt: f32,
    /// Love of symmetry, in `[0, 1]`.
    pub(crate) symmetry: f32,
    /// Preferred ground color, in `[0, 1)`.
    pub(crate) ground: f32,
    /// Preferred motif, in `[0, 1)`.
    pub(crate) motif: f32,
    /// Preferred style among those that influence the author's own, in `[0, 1)`.
    pub(crate) influence: f32,
    /// Share of images under the influence of another style.
    pub(crate) openness: f32,
    /// Shift of the finished image's colors.
    pub(crate) grade: Grade,
}

impl Hand {
    /// Random habits; a follower draws half of the images or more under another style's influence, others hardly any.
    pub(crate) fn new(follower: bool, dice: &mut Dice) -> Self {
        Self {
            hue: dice.between(-1.0, 1.0),
            light: dice.between(-1.0, 1.0),
            stroke: dice.between(0.7, 1.4),
            density: dice.between(0.75, 1.3),
            tilt: dice.between(-0.5, 0.5),
            symmetry: dice.between(0.0, 1.0),
            ground: dice.between(0.0, 0.999),
            motif: dice.between(0.0, 0.999),
            influence: dice.between(0.0, 0.999),
            openness: if follower {
                dice.between(0.45, 0.7)
            } else {
                dice.between(0.0, 0.06)
            },
            grade: Grade::new(dice),
        }
    }

    /// The author's favorite of `choices`, or another one in a third of the images.
    pub(crate) fn choose<T: Copy>(favorite: f32, choices: &[T], dice: &mut Dice) -> T {
        if dice.chance(0.33) {
            return dice.pick(choices);
        }
        let scaled = favorite * choices.len() as f32;
        let index = (0..choices.len()).rev().find(|&i| scaled >= i as f32);
        choices[index.unwrap_or(0)]
    }
}
