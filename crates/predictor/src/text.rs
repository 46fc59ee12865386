//! Prediction for an image, as text.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::evaluator::ImagePrediction;

/// Writes to standard output. A closed pipe is no error, as a page may still be requested.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Some lines, with the file's name first.
pub(crate) fn of(image: &ImagePrediction) -> String {
    let mut text = format!("{}\n", image.file);
    for class in &image.classes {
        let percent = class.probability * 100.0;
        let _ = writeln!(text, "  {percent:5.1} %  {}", class.label);
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
            "  range    {:.3} of the occlusion map for {}; the maps are in --html and --json",
            attribution.range, attribution.label
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
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
        .assert_eq(&of(&image));
    }
}
