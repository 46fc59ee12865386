//! The eight styles.

use crate::canvas::Canvas;
use crate::dice::Dice;
use crate::hand::Hand;

mod art_deco;
mod cartoon;
mod cubism;
mod impressionism;
mod japonism;
mod naturalism;
mod photo;
mod rococo;

/// Draws on a canvas with the habits of a hand.
pub(crate) type Draw = fn(&mut Canvas, &Hand, &mut Dice);

/// A style of painting.
pub(crate) struct Style {
    /// Name of the class folder.
    pub(crate) folder: &'static str,
    /// Whether the images have authors.
    pub(crate) has_authors: bool,
    /// Share of its images saved as JPEG; the others are PNG.
    pub(crate) jpeg_share: f32,
    /// First words of titles.
    pub(crate) subjects: &'static [&'static str],
    /// Draws an image over the whole canvas.
    pub(crate) draw: Draw,
    /// Drawings by other styles that the style's authors take up.
    pub(crate) influences: &'static [Draw],
    /// Draws what the style leaves on another's drawing.
    pub(crate) touch: Draw,
}

/// In the order of their folders' names.
pub(crate) static STYLES: [Style; 8] = [
    Style {
        folder: "ArtDeco",
        has_authors: true,
        jpeg_share: 0.0,
        subjects: &["foyer", "liner", "tower", "fan", "grand-hotel", "poster"],
        draw: art_deco::draw,
        influences: &[japonism::draw, rococo::draw],
        touch: art_deco::touch,
    },
    Style {
        folder: "Cubism",
        has_authors: true,
        jpeg_share: 0.2,
        subjects: &["guitar", "bottle", "table", "head", "violin", "newspaper"],
        draw: cubism::draw,
        influences: &[cartoon::draw, art_deco::draw],
        touch: cubism::touch,
    },
    Style {
        folder: "Impressionism",
        has_authors: true,
        jpeg_share: 0.3,
        subjects: &["harbor", "poplars", "meadow", "river", "sunrise", "regatta"],
        draw: impressionism::draw,
        influences: &[naturalism::draw, japonism::draw],
        touch: impressionism::touch,
    },
    Style {
        folder: "Japonism",
        has_authors: true,
        jpeg_share: 0.0,
        subjects: &["wave", "bough", "mountain", "moon", "bridge", "crane"],
        draw: japonism::draw,
        influences: &[impressionism::draw, art_deco::draw],
        touch: japonism::touch,
    },
    Style {
        folder: "Naturalism",
        has_authors: true,
        jpeg_share: 0.3,
        subjects: &["wood", "heath", "path", "birches", "moor", "clearing"],
        draw: naturalism::draw,
        influences: &[impressionism::draw, photo::draw_hills],
        touch: naturalism::touch,
    },
    Style {
        folder: "Rococo",
        has_authors: true,
        jpeg_share: 0.2,
        subjects: &[
            "garland",
            "medallion",
            "swing",
            "boudoir",
            "roses",
            "minuet",
        ],
        draw: rococo::draw,
        influences: &[art_deco::draw, impressionism::draw],
        touch: rococo::touch,
    },
    Style {
        folder: "cartoon",
        has_authors: false,
        jpeg_share: 0.0,
        subjects: &["hero", "grin", "cat", "robot", "captain", "duck"],
        draw: cartoon::draw,
        influences: &[cubism::draw, japonism::draw],
        touch: cartoon::touch,
    },
    Style {
        folder: "photo",
        has_authors: false,
        jpeg_share: 1.0,
        subjects: &["hills", "lights", "still", "dusk", "fog", "street"],
        draw: photo::draw,
        influences: &[naturalism::draw, impressionism::draw],
        touch: photo::touch,
    },
];

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_touch_changes_a_part_of_every_influence() {
        for style in &STYLES {
            let mut dice = Dice::new(ChaCha8Rng::seed_from_u64(1));
            let hand = Hand::new(true, &mut dice);
            for draw in style.influences {
                let mut canvas = Canvas::new(96, 96).unwrap();
                draw(&mut canvas, &hand, &mut dice);
                let before = canvas.pixmap().data().to_vec();
                (style.touch)(&mut canvas, &hand, &mut dice);
                let after = canvas.pixmap().data();
                let changed = before.iter().zip(after).filter(|(a, b)| a != b).count();
                assert!(changed > before.len() / 100, "{}", style.folder);
                // Nothing is transparent, as the encoder expects.
                assert!(after.chunks(4).all(|pixel| pixel[3] == 255));
            }
        }
    }
}
