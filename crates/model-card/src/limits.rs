//! What the model and its scores cannot be trusted with.

use crate::Data;
use crate::markdown::{count, escaped};

/// Section of the card.
pub(crate) fn section(data: &Data) -> String {
    let mut limits = vec![
        "Every image gets one of the classes, also one that belongs to none of them.".to_owned(),
        "Scores are those of images of this collection. Images from elsewhere, photographed or scanned otherwise, were not \
         tried."
            .to_owned(),
    ];
    let without_author = data.without_author();
    if without_author > 0 {
        limits.push(format!(
            "Of {} no author is known. They count as images of different authors: if some are of one author, folds share \
             authors and scores are too high.",
            count(without_author, "image")
        ));
    }
    let of_one = { data.classes.iter() }
        .filter(|(_, class)| class.authors.len() == 1 && class.without_author == 0);
    let of_one: Vec<String> = of_one.map(|(label, _)| escaped(label)).collect();
    if !of_one.is_empty() {
        limits.push(format!(
            "All images of {} are of one author: effects of author and class cannot be separated there, and no interval \
             covers other authors.",
            of_one.join(", ")
        ));
    }
    if data.test > 0 && data.authors > 0 {
        limits.push(format!(
            "The test set has {}, of {}; it is small and no random sample where it was made of the authors with fewest \
             images.",
            count(data.test, "image"),
            count(data.test_authors, "known author")
        ));
    }
    let near_duplicates = data.near_duplicates;
    if near_duplicates.groups > 0 {
        limits.push(format!(
            "{} in {} are near-duplicates of each other; {} with several classes, {} across folds or the test set.",
            count(near_duplicates.images, "image"),
            count(near_duplicates.groups, "group"),
            count(near_duplicates.conflicts, "group"),
            count(near_duplicates.split, "group")
        ));
    }
    let limits: String = limits.iter().map(|limit| format!("- {limit}\n")).collect();
    format!("## Limits\n\n{limits}")
}
