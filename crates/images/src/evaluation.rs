//! Views of an image in an evaluation: the same image seen several times, by crop and mirror image.

use serde::{Deserialize, Serialize};

use crate::ImageError;

/// A part of the image of the side of the network's input, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Position of the part.
    pub crop: Crop,
    /// Mirrored left to right.
    pub flip: bool,
}

impl View {
    /// The center, not mirrored.
    pub const CENTER: Self = Self {
        crop: Crop::Center,
        flip: false,
    };
}

/// Position of a crop in the resized image: torchvision's `FiveCrop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crop {
    /// The center.
    Center,
    /// The corner at the top left.
    TopLeft,
    /// The corner at the top right.
    TopRight,
    /// The corner at the bottom left.
    BottomLeft,
    /// The corner at the bottom right.
    BottomRight,
}

impl Crop {
    /// The center and the corners.
    const ALL: [Self; 5] = [
        Self::Center,
        Self::TopLeft,
        Self::TopRight,
        Self::BottomLeft,
        Self::BottomRight,
    ];

    /// Left and top of the crop as shares of what the image has more than the crop; none for the center, whose offset
    /// is rounded as [`center_offset`](crate::center_offset) does it.
    pub(crate) fn corner(self) -> Option<[bool; 2]> {
        match self {
            Self::Center => None,
            Self::TopLeft => Some([false, false]),
            Self::TopRight => Some([true, false]),
            Self::BottomLeft => Some([false, true]),
            Self::BottomRight => Some([true, true]),
        }
    }
}

/// Views of an image in an evaluation, and their side. Outputs of the network are the means over the views.
///
/// Means over crops and mirror images are those of Krizhevsky et al. (2012, *ImageNet Classification with Deep
/// Convolutional Neural Networks*, section 4.1), of logits here and of probabilities there. A larger side than in
/// training is that of Touvron et al. (2019, *Fixing the train-test resolution discrepancy*): random crops show
/// objects larger in training than a center crop of the same side does in an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, try_from = "Fields")]
pub struct Evaluation {
    flip: bool,
    crops: u32,
    side_px: u32,
}

/// The fields before their ranges are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The mirror image of each crop, too.
    flip: bool,
    /// 1 for the center, 5 for center and corners.
    crops: u32,
    /// Side of the network's input in pixels; 0 for that of the training.
    side_px: u32,
}

impl TryFrom<Fields> for Evaluation {
    type Error = ImageError;

    fn try_from(fields: Fields) -> Result<Self, ImageError> {
        Self::new(fields.flip, fields.crops, fields.side_px)
    }
}

impl Evaluation {
    /// An evaluation of 1 or 5 crops of `side_px` pixels a side, 0 for the side of the training; with `flip` also of
    /// their mirror images.
    ///
    /// # Errors
    /// The number of crops is another.
    pub fn new(flip: bool, crops: u32, side_px: u32) -> Result<Self, ImageError> {
        if ![1, 5].contains(&crops) {
            return Err(ImageError::Evaluation {
                name: "crops",
                value: crops,
                expected: "1 for the center, or 5 for center and corners".to_owned(),
            });
        }
        Ok(Self {
            flip,
            crops,
            side_px,
        })
    }

    /// Side of the network's input in an evaluation, after a training at `trained_px`.
    ///
    /// # Errors
    /// It is less than that of the training.
    pub fn side_px(self, trained_px: u32) -> Result<u32, ImageError> {
        match self.side_px {
            0 => Ok(trained_px),
            side_px if side_px >= trained_px => Ok(side_px),
            value => Err(ImageError::Evaluation {
                name: "side_px",
                value,
                expected: format!(
                    "0 for the side of the training, or at least `train.side_px`, {trained_px}"
                ),
            }),
        }
    }

    /// The mirror image of each crop counts, too.
    pub fn flip(self) -> bool {
        self.flip
    }

    /// Number of crops, 1 or 5.
    pub fn crops(self) -> u32 {
        self.crops
    }

    /// Crops lie at the border of the image, too.
    pub fn needs_whole_image(self) -> bool {
        self.crops > 1
    }

    /// The views: each crop and, with `flip`, its mirror image.
    pub fn views(self) -> Vec<View> {
        let crops = &Crop::ALL[..if self.crops > 1 { Crop::ALL.len() } else { 1 }];
        let flips: &[bool] = if self.flip { &[false, true] } else { &[false] };
        { crops.iter() }
            .flat_map(|&crop| flips.iter().map(move |&flip| View { crop, flip }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn views_are_crops_by_flips() {
        let views = |flip, crops| Evaluation::new(flip, crops, 0).unwrap().views();
        assert_eq!(views(false, 1), [View::CENTER]);
        let mirrored = View {
            flip: true,
            ..View::CENTER
        };
        assert_eq!(views(true, 1), [View::CENTER, mirrored]);
        let ten = views(true, 5);
        assert_eq!(ten.len(), 10);
        assert_eq!(ten[..2], [View::CENTER, mirrored]);
        assert!((0..10).all(|at| !ten[..at].contains(&ten[at])));
    }

    #[test]
    fn ranges_are_checked() {
        let read = |crops: u32| {
            serde_json::from_value::<Evaluation>(
                json!({ "flip": false, "crops": crops, "side_px": 64 }),
            )
        };
        let error = read(3).unwrap_err().to_string();
        assert_eq!(
            error,
            "`evaluation.crops` is 3: expected 1 for the center, or 5 for center and corners"
        );
        let evaluation = read(1).unwrap();
        assert_eq!(evaluation.side_px(48).unwrap(), 64);
        assert_eq!(
            evaluation.side_px(65).unwrap_err().to_string(),
            "`evaluation.side_px` is 64: expected 0 for the side of the training, or at least `train.side_px`, 65"
        );
        let as_trained = Evaluation::new(false, 1, 0).unwrap();
        assert_eq!(as_trained.side_px(48).unwrap(), 48);
    }
}
