//! Images by class and author, and the variation between authors.

use std::collections::BTreeMap;

use super::sample::Sample;

/// Images of one or two samples by class and unit. Classes without images are left out.
pub(super) struct Design {
    /// `[N]`, the cell of each image, sample after sample. A cell is a unit within a class.
    cell_of: Vec<usize>,
    /// Number of images of each cell.
    cell_sizes: Vec<f64>,
    /// Cells of each class, one after the other.
    strata: Vec<Stratum>,
}

struct Stratum {
    class: usize,
    cells: std::ops::Range<usize>,
    images: f64,
}

/// Sum, sum of squares.
#[derive(Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

impl Design {
    /// Images of `samples`, whose units have the same numbers.
    pub(super) fn of(samples: &[Sample<'_>]) -> Self {
        let images = { samples.iter() }
            .flat_map(|sample| sample.predictions.iter().zip(sample.units))
            .map(|(prediction, &unit)| (prediction.actual, unit));
        Self::of_images(images.collect())
    }

    /// Images by class and unit.
    pub(super) fn of_images(keys: Vec<(usize, usize)>) -> Self {
        let mut sizes: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for key in &keys {
            *sizes.entry(*key).or_default() += 1.0;
        }
        let mut strata: Vec<Stratum> = Vec::new();
        let mut cells: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (cell, (&(class, unit), &size)) in sizes.iter().enumerate() {
            cells.insert((class, unit), cell);
            if strata.last().is_none_or(|stratum| stratum.class != class) {
                strata.push(Stratum {
                    class,
                    cells: cell..cell,
                    images: 0.0,
                });
            }
            if let Some(stratum) = strata.last_mut() {
                stratum.cells.end = cell + 1;
                stratum.images += size;
            }
        }
        Self {
            cell_of: keys.iter().map(|key| cells[key]).collect(),
            cell_sizes: sizes.into_values().collect(),
            strata,
        }
    }

    /// Cell of each image.
    pub(super) fn cells(&self) -> &[usize] {
        &self.cell_of
    }

    /// Number of cells.
    pub(super) fn n_cells(&self) -> usize {
        self.cell_sizes.len()
    }

    /// Weights of the images from those of their cells, scaled so that the weights of a class sum to its number of images.
    /// Some cell of each class has a weight above 0.
    pub(super) fn image_weights(&self, of_cells: &[f64]) -> Vec<f64> {
        let mut scales = vec![0.0; self.n_cells()];
        for stratum in &self.strata {
            let weights = of_cells[stratum.cells.clone()].iter();
            let sizes = &self.cell_sizes[stratum.cells.clone()];
            let sum: f64 = weights.zip(sizes).map(|(weight, size)| weight * size).sum();
            scales[stratum.cells.clone()].fill(stratum.images / sum);
        }
        { self.cell_of.iter() }
            .map(|&cell| of_cells[cell] * scales[cell])
            .collect()
    }

    /// Cells of each class.
    pub(super) fn cells_of_classes(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.strata.iter().map(|stratum| stratum.cells.clone())
    }

    /// Units less classes.
    pub(super) fn degrees_of_freedom(&self) -> usize {
        self.n_cells() - self.strata.len()
    }

    /// Number of classes of a single unit.
    pub(super) fn single_unit_classes(&self) -> usize {
        self.strata
            .iter()
            .filter(|stratum| stratum.cells.len() == 1)
            .count()
    }

    /// Weight of an image of each class, by class index, in a mean over the images, or over the classes' means.
    pub(super) fn weights(&self, by_class: bool) -> BTreeMap<usize, f64> {
        let n_images: f64 = self.strata.iter().map(|stratum| stratum.images).sum();
        let n_classes = self.strata.len() as f64;
        let weight = |stratum: &Stratum| {
            if by_class {
                1.0 / (n_classes * stratum.images)
            } else {
                1.0 / n_images
            }
        };
        self.strata
            .iter()
            .map(|stratum| (stratum.class, weight(stratum)))
            .collect()
    }

    /// Numbers of images and of units that a mean with these weights of an image is worth: the reciprocal sums of
    /// squared weights (Kish 1965, §11.7).
    pub(super) fn effective_numbers(&self, weights: &BTreeMap<usize, f64>) -> (f64, f64) {
        let sums = self.strata.iter().map(|stratum| {
            let squared = weights[&stratum.class].powi(2);
            let units: f64 = self.cell_sizes[stratum.cells.clone()]
                .iter()
                .map(|size| size * size)
                .sum();
            (squared * stratum.images, squared * units)
        });
        let (images, units) = sums.fold((0.0, 0.0), |(a, b), (images, units)| {
            (a + images, b + units)
        });
        (1.0 / images, 1.0 / units)
    }

    /// Returns whether images of one class have different values.
    pub(super) fn varies(&self, values: &[f64]) -> bool {
        let mut first: Vec<Option<f64>> = vec![None; self.n_cells()];
        for (&cell, &value) in self.cell_of.iter().zip(values) {
            first[cell].get_or_insert(value);
        }
        let differs = |a: f64, b: f64| a.total_cmp(&b).is_ne();
        let within = self
            .cell_of
            .iter()
            .zip(values)
            .any(|(&cell, &value)| first[cell].is_some_and(|f| differs(f, value)));
        let between = |stratum: &Stratum| {
            first[stratum.cells.clone()]
                .windows(2)
                .any(|pair| pair[0].zip(pair[1]).is_some_and(|(a, b)| differs(a, b)))
        };
        within || self.strata.iter().any(between)
    }

    /// Values less the mean of their class.
    pub(super) fn centered(&self, values: &[f64]) -> Vec<f64> {
        let moments = self.moments(values);
        let mut means = vec![0.0; self.n_cells()];
        for stratum in &self.strata {
            let sum: f64 = moments[stratum.cells.clone()].iter().map(|m| m.sum).sum();
            means[stratum.cells.clone()].fill(sum / stratum.images);
        }
        { self.cell_of.iter().zip(values) }
            .map(|(&cell, value)| value - means[cell])
            .collect()
    }

    /// Correlation of the sums over the units of two centered lists; 0 where one doesn't vary.
    pub(super) fn correlation(&self, a: &[f64], b: &[f64]) -> f64 {
        let sums = self.moments(a).into_iter().zip(self.moments(b));
        let [product, a, b] = sums.fold([0.0; 3], |[ab, aa, bb], (a, b)| {
            [ab + a.sum * b.sum, aa + a.sum * a.sum, bb + b.sum * b.sum]
        });
        let scale = (a * b).sqrt();
        if scale > 0.0 {
            (product / scale).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }

    /// Correlation of images of one author within a class, in `[0, 1]`, and variance of the sum of `values`, which are
    /// centered.
    ///
    /// The correlation is a moment estimate as Fleiss and Cuzick's (1979): 1 less the variance within authors, by the
    /// variance between images of different authors of a class; pooled over the classes, each author with the weight of
    /// its images. It is 1 where no images of different authors differ.
    pub(super) fn spread(&self, values: &[f64]) -> Spread {
        let moments = self.moments(values);
        let (mut within, mut between) = (0.0, 0.0);
        let mut variances = Vec::with_capacity(self.strata.len());
        for stratum in &self.strata {
            let cells = || {
                self.cell_sizes[stratum.cells.clone()]
                    .iter()
                    .zip(&moments[stratum.cells.clone()])
            };
            // Σ over the pairs of a cell's images of their squared distance.
            let pairs = |n: f64, m: &Moments| (n * m.squares - m.sum * m.sum).max(0.0);
            let shared = || cells().filter(|(n, _)| **n > 1.0);
            let n_cross = stratum.images.powi(2) - cells().map(|(n, _)| n * n).sum::<f64>();
            let total = cells().fold(Moments::default(), |total, (_, m)| Moments {
                sum: total.sum + m.sum,
                squares: total.squares + m.squares,
            });
            let all = pairs(stratum.images, &total);
            let variance = if n_cross > 0.0 {
                let variance =
                    (all - cells().map(|(&n, m)| pairs(n, m)).sum::<f64>()).max(0.0) / n_cross;
                within += shared().map(|(&n, m)| pairs(n, m) / (n - 1.0)).sum::<f64>();
                between += variance * shared().map(|(n, _)| n).sum::<f64>();
                variance
            } else {
                all / (stratum.images * (stratum.images - 1.0)).max(1.0)
            };
            variances.push(variance);
        }
        let correlation = if between > 0.0 {
            (1.0 - within / between).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let variance = self
            .strata
            .iter()
            .zip(variances)
            .map(|(stratum, variance)| {
                let sizes = self.cell_sizes[stratum.cells.clone()].iter();
                variance
                    * sizes
                        .map(|n| n * (1.0 + (n - 1.0) * correlation))
                        .sum::<f64>()
            });
        Spread {
            correlation,
            variance: variance.sum(),
        }
    }

    fn moments(&self, values: &[f64]) -> Vec<Moments> {
        let mut moments = vec![Moments::default(); self.n_cells()];
        for (&cell, &value) in self.cell_of.iter().zip(values) {
            moments[cell].sum += value;
            moments[cell].squares += value * value;
        }
        moments
    }
}

/// Variation between authors.
pub(super) struct Spread {
    /// Correlation of images of one author.
    pub(super) correlation: f64,
    /// Variance of the sum over all images.
    pub(super) variance: f64,
}
