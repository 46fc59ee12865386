//! A model's probabilities, as they are and by each method of calibration.

use std::collections::BTreeSet;

use anyhow::Context;
use metrics::{
    Collection, MetricError,
    calibration::{
        CrossFitted, Curve, Forecasts, ForestCalibrators, NetworkCalibrators, OneAgainstRest,
        Temperature, unseen_classes,
    },
};

use crate::model_output::{Model, ModelOutput};

/// Probabilities by a method of calibration.
pub(crate) struct Variant {
    /// Name of the method, as in the column `method` of the tables.
    pub(crate) method: &'static str,
    /// For the validation images.
    pub(crate) validation: Probabilities,
    /// For the test images.
    pub(crate) test: Probabilities,
    /// Temperature fitted to all validation images.
    pub(crate) temperature: Option<f64>,
}

/// Probabilities of images.
pub(crate) struct Probabilities {
    /// `[N, K]`.
    pub(crate) rows: Vec<Vec<f64>>,
    /// Number of calibrators.
    pub(crate) n_calibrators: usize,
    /// The lowest and the highest temperature applied.
    pub(crate) temperatures: Option<(f64, f64)>,
    /// Names of the classes of which a calibrator has seen no image.
    pub(crate) unseen_classes: Vec<String>,
}

/// Calibrators of one method: one fitted to all validation images, and those of the groups.
struct Fitted<C> {
    all: C,
    /// One for each group, or the one of all images where there is a single group.
    of_groups: Vec<C>,
    variant: Variant,
}

/// The network's temperature, and its probabilities without and with it.
///
/// The temperature is fitted to the validation images of all folds' networks, which share it. The test images' ensemble
/// has it, too, though a mean of probabilities is less confident than they are (Rahaman and Thiery 2021): an image on which
/// to fit another would have to be unknown to all networks.
pub(crate) fn of_network(
    model: &Model,
    collection: &Collection,
) -> anyhow::Result<(NetworkCalibrators, Vec<Variant>)> {
    let fit = |images: &[&ModelOutput]| {
        let logits: Vec<Vec<f32>> = images.iter().map(|image| image.logits()).collect();
        let logits: Vec<&[f32]> = logits.iter().map(Vec::as_slice).collect();
        Temperature::fit(&logits, &classes(images))
    };
    let apply =
        |temperature: &Temperature, image: &ModelOutput| Ok(temperature.apply(&image.logits()));
    let mut fitted = fitted("temperature", model, collection, fit, apply)?;
    let temperature = fitted.all;
    let applied = fitted
        .of_groups
        .iter()
        .map(|temperature| temperature.value());
    fitted.variant.validation.temperatures = applied.fold(None, |range, value| {
        let (low, high): (f64, f64) = range.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    fitted.variant.test.temperatures = Some((temperature.value(), temperature.value()));
    fitted.variant.temperature = Some(temperature.value());
    let calibrators = NetworkCalibrators {
        temperature,
        unseen_classes: fitted.variant.test.unseen_classes.clone(),
    };
    Ok((calibrators, vec![plain(model), fitted.variant]))
}

/// The forest's calibrators, and its votes without and with them.
pub(crate) fn of_forest(
    model: &Model,
    collection: &Collection,
) -> anyhow::Result<(ForestCalibrators, Vec<Variant>)> {
    let platt = curves("platt", model, collection)?;
    let isotonic = curves("isotonic", model, collection)?;
    let calibrators = ForestCalibrators {
        unseen_classes: platt.variant.test.unseen_classes.clone(),
        platt: platt.all,
        isotonic: isotonic.all,
    };
    let variants = vec![plain(model), platt.variant, isotonic.variant];
    Ok((calibrators, variants))
}

fn curves<C: Curve + Clone>(
    method: &'static str,
    model: &Model,
    collection: &Collection,
) -> anyhow::Result<Fitted<OneAgainstRest<C>>> {
    let fit = |images: &[&ModelOutput]| {
        let rows = images
            .iter()
            .map(|image| (image.double(), image.class_index));
        Ok(OneAgainstRest::fit(&Forecasts::of(rows)?))
    };
    let apply = |curves: &OneAgainstRest<C>, image: &ModelOutput| curves.apply(&image.double());
    fitted(method, model, collection, fit, apply)
}

/// The probabilities as they are.
fn plain(model: &Model) -> Variant {
    let probabilities = |images: &[ModelOutput]| Probabilities {
        rows: images.iter().map(ModelOutput::double).collect(),
        n_calibrators: 0,
        temperatures: None,
        unseen_classes: Vec::new(),
    };
    Variant {
        method: "none",
        validation: probabilities(&model.validation),
        test: probabilities(&model.test),
        temperature: None,
    }
}

fn fitted<C: Clone>(
    method: &'static str,
    model: &Model,
    collection: &Collection,
    fit: impl Fn(&[&ModelOutput]) -> Result<C, MetricError>,
    apply: impl Fn(&C, &ModelOutput) -> Result<Vec<f64>, MetricError>,
) -> anyhow::Result<Fitted<C>> {
    let context = || {
        format!(
            "cannot calibrate the {} on its validation images",
            model.name
        )
    };
    let images: Vec<&ModelOutput> = model.validation.iter().collect();
    let all = fit(&images).with_context(context)?;
    let rows = |images: &[ModelOutput]| -> Result<Vec<Vec<f64>>, MetricError> {
        images.iter().map(|image| apply(&all, image)).collect()
    };
    let has_groups = model.groups.iter().any(|group| *group != model.groups[0]);
    let cross_fitted = if has_groups {
        CrossFitted::of(
            &model.groups,
            |numbers| {
                fit(&numbers
                    .iter()
                    .map(|&number| images[number])
                    .collect::<Vec<_>>())
            },
            |calibrator, number| apply(calibrator, images[number]),
        )
    } else {
        rows(&model.validation).map(|probabilities| CrossFitted {
            calibrators: vec![all.clone()],
            probabilities,
        })
    };
    let cross_fitted = cross_fitted.with_context(context)?;
    let names = |unseen: Vec<usize>| {
        let names = unseen.into_iter();
        names
            .map(|class| collection.labels()[class].clone())
            .collect()
    };
    let variant = Variant {
        method,
        validation: Probabilities {
            rows: cross_fitted.probabilities,
            n_calibrators: cross_fitted.calibrators.len(),
            temperatures: None,
            unseen_classes: names(unseen_by_groups(model, &images, collection)),
        },
        test: Probabilities {
            rows: rows(&model.test).with_context(context)?,
            n_calibrators: 1,
            temperatures: None,
            unseen_classes: names(unseen_classes(collection.labels().len(), &classes(&images))),
        },
        temperature: None,
    };
    Ok(Fitted {
        all,
        of_groups: cross_fitted.calibrators,
        variant,
    })
}

/// Classes that occur in the other groups of none, or not of all groups.
fn unseen_by_groups(model: &Model, images: &[&ModelOutput], collection: &Collection) -> Vec<usize> {
    let n_classes = collection.labels().len();
    let others = |group: usize| -> Vec<usize> {
        let others = images.iter().zip(&model.groups);
        let others = others.filter(|(_, other)| **other != group);
        others.map(|(image, _)| image.class_index).collect()
    };
    let groups: BTreeSet<usize> = model.groups.iter().copied().collect();
    if groups.len() < 2 {
        return unseen_classes(n_classes, &classes(images));
    }
    let unseen = groups
        .into_iter()
        .flat_map(|group| unseen_classes(n_classes, &others(group)));
    let unseen: BTreeSet<usize> = unseen.collect();
    unseen.into_iter().collect()
}

fn classes(images: &[&ModelOutput]) -> Vec<usize> {
    images.iter().map(|image| image.class_index).collect()
}
