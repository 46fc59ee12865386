//! Prediction for an image, as text.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::ensemble::{Description, Member};
use crate::evaluator::ImagePrediction;

/// Writes to standard output. A closed pipe is no error, as a page may still be requested.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Sentences on the ensemble that predicts.
pub(crate) fn introduction(ensemble: &Description) -> String {
    let epochs = |of: fn(&Member) -> u32| {
        let members = ensemble.networks.iter();
        let epochs = members.map(|member| format!("{} of fold {}", of(member), member.fold));
        epochs.collect::<Vec<_>>().join(", ")
    };
    let n_networks = ensemble.networks.len();
    let saved = epochs(|member| member.epoch);
    let cross_validation = match ensemble.has_cross_validation_epochs {
        true => "Stage cross-validation takes the same epochs: its scores of test images, if there are any, are those \
                 of this ensemble."
            .to_owned(),
        false => format!(
            "Stage cross-validation takes the epochs that the other folds select: {}. Its scores of test images, if \
             there are any, are those of another ensemble.",
            epochs(|member| member.cross_validation_epoch)
        ),
    };
    format!(
        "Ensemble of {n_networks} networks, one of each fold: the mean of their softmax probabilities, without a \
         temperature, as that of stage calibrate is fitted to single networks. Saved epochs, from 0: {saved}. \
         {cross_validation} Nearest images, coordinates and attributions are by the selected network."
    )
}

/// Lines of a prediction, the file's name first.
pub(crate) fn prediction_lines(image: &ImagePrediction) -> String {
    let mut text = format!("{}\n", image.file);
    for class in &image.classes {
        let percent = class.probability * 100.0;
        let _ = writeln!(text, "  {percent:5.1} %  {}", class.label);
    }
    if let Some(agreement) = image.agreement() {
        let _ = writeln!(text, "  votes    {agreement}");
    }
    if !image.uncalibrated_classes.is_empty() {
        let _ = writeln!(
            text,
            "  note     no validation image is of {}: the calibration of these probabilities is unknown",
            image.uncalibrated_classes.join(", ")
        );
    }
    for (i, neighbor) in image.neighbors.iter().enumerate() {
        let head = if i == 0 { "near" } else { "" };
        let _ = writeln!(
            text,
            "  {head:7}  {:.3} {} ({})",
            neighbor.distance, neighbor.path, neighbor.subset
        );
    }
    if let Some([x, y]) = image.coordinates {
        let _ = writeln!(text, "  umap     {x:.2} {y:.2}");
    }
    if let Some(attribution) = &image.attribution {
        let _ = writeln!(
            text,
            "  range    {:.3} of the selected network's occlusion map for {}; the maps are in --html and --json",
            attribution.range, attribution.label
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::ensemble::Votes;
    use crate::evaluator::ClassProbability;
    use crate::neighbors::Neighbor;
    use tables::Subset;

    #[test]
    fn lines_have_columns() {
        let class = |label: &str, probability| ClassProbability {
            label: label.to_owned(),
            probability,
        };
        let neighbor = |path: &str, distance| Neighbor {
            path: path.to_owned(),
            label: "cubism".to_owned(),
            subset: Subset::Train,
            distance,
        };
        let image = ImagePrediction {
            file: "new.jpg".to_owned(),
            classes: vec![class("cubism", 0.954), class("photo", 0.046)],
            votes: None,
            uncalibrated_classes: vec!["photo".to_owned()],
            neighbors: vec![
                neighbor("Cubism/a.jpg", 0.5),
                neighbor("Cubism/b.jpg", 12.25),
            ],
            coordinates: Some([1.5, -2.0]),
            attribution: None,
        };
        expect![[r#"
            new.jpg
               95.4 %  cubism
                4.6 %  photo
              note     no validation image is of photo: the calibration of these probabilities is unknown
              near     0.500 Cubism/a.jpg (train)
                       12.250 Cubism/b.jpg (train)
              umap     1.50 -2.00
        "#]]
        .assert_eq(&prediction_lines(&image));
    }

    #[test]
    fn an_ensemble_has_its_epochs_and_votes() {
        let member = |fold, epoch, cross_validation_epoch| Member {
            fold,
            epoch,
            cross_validation_epoch,
        };
        let mut ensemble = Description {
            networks: vec![member(0, 7, 5), member(1, 4, 4)],
            has_cross_validation_epochs: false,
        };
        let other = introduction(&ensemble);
        assert!(other.starts_with("Ensemble of 2 networks, one of each fold:"));
        assert!(other.contains("Saved epochs, from 0: 7 of fold 0, 4 of fold 1."));
        assert!(
            other.contains("epochs that the other folds select: 5 of fold 0, 4 of fold 1."),
            "{other}"
        );
        ensemble.has_cross_validation_epochs = true;
        let same = introduction(&ensemble);
        assert!(same.contains("takes the same epochs"), "{same}");
        // Without a test subset there are no scores of an ensemble.
        for text in [same, other] {
            assert!(
                text.contains("scores of test images, if there are any,"),
                "{text}"
            );
        }

        let votes = |predicted: &[&str]| Votes {
            agreement: 0.5,
            predicted: predicted.iter().map(|&class| class.to_owned()).collect(),
        };
        let image = ImagePrediction {
            file: "new.jpg".to_owned(),
            classes: vec![ClassProbability {
                label: "cubism".to_owned(),
                probability: 0.7,
            }],
            votes: Some(votes(&["cubism", "photo"])),
            uncalibrated_classes: Vec::new(),
            neighbors: Vec::new(),
            coordinates: None,
            attribution: None,
        };
        expect![[r#"
            new.jpg
               70.0 %  cubism
              votes    1 of 2 networks agree (others: photo 1)
        "#]]
        .assert_eq(&prediction_lines(&image));
        // Programs find the share beside the classes.
        let json = serde_json::to_value(&image).unwrap();
        assert_eq!(json["agreement"], 0.5);
        assert_eq!(json["predicted"], serde_json::json!(["cubism", "photo"]));
    }
}
