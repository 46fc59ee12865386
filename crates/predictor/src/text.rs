//! What is said of an image, for people.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::evaluator::Judged;

/// Writes to standard output. Whoever closes the pipe has read enough, and a page may still be wanted.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Some lines, with the file's name first.
pub(crate) fn of(image: &Judged) -> String {
    let mut text = format!("{}\n", image.file);
    for guess in &image.guesses {
        let percent = guess.probability * 100.0;
        let _ = writeln!(text, "  {percent:5.1} %  {}", guess.label);
    }
    for (i, neighbor) in image.neighbors.iter().enumerate() {
        let head = if i == 0 { "near" } else { "" };
        let _ = writeln!(
            text,
            "  {head:7}  {:.3} {} ({})",
            neighbor.distance, neighbor.path, neighbor.subset
        );
    }
    if let Some([x, y]) = image.place {
        let _ = writeln!(text, "  on map   {x:.2} {y:.2}");
    }
    if let Some(explanation) = &image.explanation {
        let _ = writeln!(
            text,
            "  looks    amplitude {:.3} for {}; the maps are in --html and --json",
            explanation.amplitude, explanation.label
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::evaluator::Guess;
    use crate::neighbors::Neighbor;
    use tables::Subset;

    #[test]
    fn lines_stand_in_columns() {
        let guess = |label: &str, probability| Guess {
            label: label.to_owned(),
            probability,
        };
        let neighbor = |path: &str, distance| Neighbor {
            path: path.to_owned(),
            label: "cubism".to_owned(),
            subset: Subset::Train,
            distance,
        };
        let image = Judged {
            file: "new.jpg".to_owned(),
            guesses: vec![guess("cubism", 0.954), guess("photo", 0.046)],
            neighbors: vec![
                neighbor("Cubism/a.jpg", 0.5),
                neighbor("Cubism/b.jpg", 12.25),
            ],
            place: Some([1.5, -2.0]),
            explanation: None,
        };
        expect![[r#"
            new.jpg
               95.4 %  cubism
                4.6 %  photo
              near     0.500 Cubism/a.jpg (train)
                       12.250 Cubism/b.jpg (train)
              on map   1.50 -2.00
        "#]]
        .assert_eq(&of(&image));
    }
}
