//! Errors of scores.

/// Reason why predictions cannot be scored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MetricError {
    /// A prediction without classes.
    #[error("a prediction has no scores; expected one for each class")]
    NoScores,
    /// A class index beyond the scores.
    #[error("the true class has index {class_index}, but the prediction has {classes} scores")]
    UnknownClass {
        /// Class index.
        class_index: usize,
        /// `K`.
        classes: usize,
    },
    /// A class that no image has.
    #[error("the class `{label}` is not in the collection, which has {known}")]
    UnknownLabel {
        /// Its name.
        label: String,
        /// The names of the classes.
        known: String,
    },
    /// A path that no image has.
    #[error("the image `{0}` is not in the collection")]
    UnknownImage(String),
    /// NaN or infinity among the scores.
    #[error("the score of class {class} is {value}, expected a finite number")]
    NotFinite {
        /// Its class.
        class: usize,
        /// The score.
        value: f32,
    },
    /// Queries and references of different dimensions.
    #[error("the queries have {found} dimensions, the references {expected}")]
    SetDimensions {
        /// The queries'.
        found: usize,
        /// The references'.
        expected: usize,
    },
    /// Labels or units that don't match in number.
    #[error("{list}: found {found}, expected {expected}, one for each image")]
    Length {
        /// Name of the list.
        list: &'static str,
        /// Number of its items.
        found: usize,
        /// `N`.
        expected: usize,
    },
    /// Paired samples of different images.
    #[error(
        "samples of the same images have {} and {} images, and differ in class or author from image {place} on",
        images[0], images[1]
    )]
    OtherImages {
        /// The first place that differs.
        place: usize,
        /// Number of images of each.
        images: [usize; 2],
    },
    /// No training history.
    #[error("no fold has a training history, expected one of each fold")]
    NoHistory,
    /// A history without a best epoch.
    #[error("no epoch of fold {0} is the best")]
    NoBestEpoch(u32),
    /// Histories of different epochs.
    #[error(
        "fold {fold} was trained for {found} epochs and fold {first} for {expected}, expected the same epochs of all folds: \
         run stage `train` for all folds with one `train.epochs`"
    )]
    Epochs {
        /// The fold.
        fold: u32,
        /// Number of its epochs.
        found: usize,
        /// The first fold.
        first: u32,
        /// Number of the first fold's epochs.
        expected: usize,
    },
    /// Scores of another number of folds.
    #[error("found the scores of {found} folds, expected those of {expected}")]
    Folds {
        /// Number of folds.
        found: usize,
        /// Number of the other folds.
        expected: usize,
    },
    /// No images to fit to or to evaluate.
    #[error("there are no images, expected at least one")]
    NoImages,
    /// Too few groups of images to fit calibrators by.
    #[error(
        "found images of {0} groups, expected at least 2: a calibrator is fitted to the images of the other groups"
    )]
    Groups(usize),
    /// Predictions of different numbers of classes.
    #[error("an image has scores of {found} classes, expected {expected}")]
    Classes {
        /// Its number of classes.
        found: usize,
        /// `K`.
        expected: usize,
    },
    /// Values that are no probabilities.
    #[error("the probabilities of an image are {0:?}, expected numbers from 0 to 1 that sum to 1")]
    NoProbabilities(Vec<f64>),
    /// A value that is no temperature.
    #[error("the temperature is {0}, expected a number above 0")]
    Temperature(f64),
    /// Knots that are no rising step function.
    #[error(
        "the knots of an isotonic calibrator are {0:?}, expected at least one, each (confidence, probability) above the last"
    )]
    Knots(Vec<(f64, f64)>),
    /// The minimizer failed.
    #[error("cannot fit the temperature: {0}")]
    Minimizer(String),
}
