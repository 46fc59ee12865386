//! Calibration error by chance alone.

use std::num::NonZeroUsize;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Forecasts,
    reliability::{Bins, top},
};

/// Mean expected calibration error of perfectly calibrated forecasts with the same confidences: whether an image is
/// right is drawn with its confidence (consistency resampling, Bröcker and Smith 2007). An error no higher than this is
/// no evidence against the forecasts; with few images it is far from 0.
///
/// Replicate `r` draws from `rng_of(r)`. `None` for no replicates.
pub fn ece_by_chance(
    forecasts: &Forecasts,
    n_bins: NonZeroUsize,
    n_replicates: u64,
    rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
) -> Option<f64> {
    let images = 0..forecasts.n_images();
    let confidences: Vec<f64> = images.map(|image| top(forecasts, image).0).collect();
    let replicate = |r: u64| {
        let (mut rng, mut bins) = (rng_of(r), Bins::new(n_bins));
        for &confidence in &confidences {
            bins.add((confidence, rng.random::<f64>() < confidence), 1);
        }
        bins.error()
    };
    let errors: Vec<f64> = (0..n_replicates).into_par_iter().map(replicate).collect();
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}
