//! Calibration error by chance alone.

use numeric::quantile;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Evaluation,
    reliability::{Bins, top},
};

/// Expected calibration error of perfectly calibrated forecasts with the same confidences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// Mean over the replicates.
    pub mean: f64,
    /// Their 2.5 % quantile.
    pub low: f64,
    /// Their 97.5 % quantile. A higher error is evidence against the forecasts.
    pub high: f64,
}

impl Evaluation<'_> {
    /// Expected calibration error by chance: whether an image is right is drawn with its confidence (consistency resampling,
    /// Bröcker and Smith 2007). With few images it is far from 0.
    ///
    /// Images of one author within a class are as alike as the forecasts' errors of calibration: with the square root of their
    /// correlation as probability, an image is drawn by its author's random number in place of its own (Lunn and Davies
    /// 1998), so that two images of the same confidence have this correlation.
    ///
    /// Replicate `r` draws from `rng_of(r)`. `None` for no replicates.
    pub fn ece_by_chance(
        &self,
        n_replicates: u64,
        rng_of: impl Fn(u64) -> ChaCha8Rng + Sync,
    ) -> Option<Chance> {
        if n_replicates == 0 {
            return None;
        }
        let images = 0..self.forecasts.n_images();
        let confidences: Vec<f64> = images.map(|image| top(self.forecasts, image).0).collect();
        let shares_draw = self.correlation().sqrt();
        let replicate = |r: u64| {
            let (mut rng, mut bins) = (rng_of(r), Bins::new(self.n_bins));
            let of_authors: Vec<f64> = (0..self.clusters.n_cells()).map(|_| rng.random()).collect();
            for (&confidence, &author) in confidences.iter().zip(self.clusters.cells()) {
                let (kind, own): (f64, f64) = (rng.random(), rng.random());
                let drawn = if kind < shares_draw {
                    of_authors[author]
                } else {
                    own
                };
                bins.add((confidence, drawn < confidence));
            }
            bins.error()
        };
        let mut errors: Vec<f64> = (0..n_replicates).into_par_iter().map(replicate).collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        errors.sort_by(f64::total_cmp);
        Some(Chance {
            mean,
            low: quantile(&errors, 0.025),
            high: quantile(&errors, 0.975),
        })
    }
}
