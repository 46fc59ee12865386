//! Rows of table `images`: the results of decoding, written by stage `decode` and read by stage `annotate`.

use std::collections::BTreeMap;

use table_images::Image;

use crate::{Candidate, CollectionError, FileFault, ImageFacts};

/// The row of the file `path`.
pub fn image_row(path: &str, result: Result<ImageFacts, FileFault>) -> Image {
    let empty = Image {
        path: path.to_owned(),
        fault: None,
        detail: None,
        width: None,
        height: None,
        orientation: None,
        format: None,
        bytes: None,
        content_hash: None,
        damage: None,
    };
    match result {
        Ok(image) => Image {
            width: Some(image.width),
            height: Some(image.height),
            orientation: Some(image.orientation),
            format: Some(image.format),
            bytes: Some(image.bytes),
            content_hash: Some(image.content_hash),
            damage: image.damage,
            ..empty
        },
        Err(fault) => Image {
            fault: Some(fault.reason),
            detail: Some(fault.detail),
            ..empty
        },
    }
}

/// The result of decoding of each candidate, in the order of `candidates`.
///
/// # Errors
/// A candidate has no row, or an incomplete one.
pub fn results_of(
    candidates: &[Candidate],
    rows: Vec<Image>,
) -> Result<Vec<Result<ImageFacts, FileFault>>, CollectionError> {
    let mut rows: BTreeMap<String, Image> = { rows.into_iter() }
        .map(|row| (row.path.clone(), row))
        .collect();
    let results = candidates.iter().map(|candidate| {
        let fault = |reason| CollectionError::ImageRow {
            path: candidate.path.clone(),
            reason,
        };
        let row = rows.remove(&candidate.path);
        let row = row.ok_or_else(|| fault("expected a row for each file of the folder"))?;
        result_of(row).ok_or_else(|| fault("expected a fault with its detail, or all facts"))
    });
    results.collect()
}

fn result_of(row: Image) -> Option<Result<ImageFacts, FileFault>> {
    Some(match row.fault {
        Some(reason) => Err(FileFault {
            reason,
            detail: row.detail?,
        }),
        None => Ok(ImageFacts {
            width: row.width?,
            height: row.height?,
            orientation: row.orientation?,
            format: row.format?,
            bytes: row.bytes?,
            content_hash: row.content_hash?,
            damage: row.damage,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(path: &str) -> Candidate {
        Candidate {
            path: path.to_owned(),
            label: "a".to_owned(),
            own_label: "a".to_owned(),
            author: None,
            title: String::new(),
            split: None,
            attributes: Vec::new(),
        }
    }

    fn results() -> [Result<ImageFacts, FileFault>; 2] {
        let image = ImageFacts {
            width: 3,
            height: 2,
            orientation: 6,
            format: "jpeg".to_owned(),
            bytes: 9,
            content_hash: "ab".to_owned(),
            damage: Some("a stray byte".to_owned()),
        };
        let fault = FileFault {
            reason: "empty".to_owned(),
            detail: "the file is empty".to_owned(),
        };
        [Ok(image), Err(fault)]
    }

    #[test]
    fn results_round_trip_in_the_order_of_the_candidates() {
        let [image, fault] = results();
        let rows = vec![
            image_row("a/1", image.clone()),
            image_row("a/2", fault.clone()),
            image_row("out/3", fault.clone()),
        ];
        let candidates = [candidate("a/2"), candidate("a/1")];
        let found = results_of(&candidates, rows.clone()).unwrap();
        assert_eq!(found, [fault, image]);
        let message = results_of(&[candidate("b/1")], rows)
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "table `images` and `b/1`: expected a row for each file of the folder"
        );
    }

    #[test]
    fn an_incomplete_row_is_an_error() {
        let row = Image {
            height: None,
            ..image_row("a/1", results()[0].clone())
        };
        let error = results_of(&[candidate("a/1")], vec![row]).unwrap_err();
        assert!(matches!(error, CollectionError::ImageRow { path, .. } if path == "a/1"));
    }
}
