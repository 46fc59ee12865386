//! SHA-256 of a study's data and of its pretrained weights, in hexadecimal digits. Report and model card state the same
//! ones, so that two studies can be compared by them.

use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use table_annotations::Annotation;

/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// SHA-256 of the file at `path`.
///
/// # Errors
/// It cannot be read.
pub fn of_file(path: &Path) -> io::Result<String> {
    let mut file = fs_err::File::open(path)?;
    let (mut sha256, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hexadecimal(sha256)),
            Ok(n) => sha256.update(&chunk[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// SHA-256 of the images: of the lines `BLAKE3  path`, sorted by path, as `b3sum` prints them.
pub fn of_images(annotations: &[Annotation]) -> String {
    of_lines(annotations, |row| {
        format!("{}  {}", row.content_hash, row.path)
    })
}

/// SHA-256 of the labels: of the lines `path`, class, author and existing split with tabs between them, sorted by path.
pub fn of_labels(annotations: &[Annotation]) -> String {
    of_lines(annotations, |row| {
        let author = row.author.as_deref().unwrap_or_default();
        let split = row.split.map_or("", |split| split.name());
        format!("{}\t{}\t{author}\t{split}", row.path, row.label)
    })
}

fn of_lines(rows: &[Annotation], line: impl Fn(&Annotation) -> String) -> String {
    let mut rows: Vec<&Annotation> = rows.iter().collect();
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    let mut sha256 = Sha256::new();
    for row in rows {
        sha256.update(line(row).as_bytes());
        sha256.update(b"\n");
    }
    hexadecimal(sha256)
}

fn hexadecimal(sha256: Sha256) -> String {
    format!("{:x}", sha256.finalize())
}

#[cfg(test)]
mod tests {
    use tables::Subset;

    use super::*;

    fn annotation(path: &str) -> Annotation {
        Annotation {
            path: path.to_owned(),
            label: "photo".to_owned(),
            author: Some("Ada".to_owned()),
            title: String::new(),
            class_index: 0,
            split: Some(Subset::Test),
            width: 8,
            height: 8,
            orientation: 1,
            format: "png".to_owned(),
            bytes: 1,
            content_hash: "00ff".to_owned(),
        }
    }

    #[test]
    fn a_file_has_the_digest_of_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resnet18.pth");
        fs_err::write(&path, "abc").unwrap();
        // The digest of `abc` in FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), expected);
        assert!(of_file(folder.path()).is_err());
    }

    #[test]
    fn digests_are_those_of_the_stated_lines() {
        let folder = tempfile::tempdir().unwrap();
        let of_text = |text: &str| {
            let path = folder.path().join("text");
            fs_err::write(&path, text).unwrap();
            of_file(&path).unwrap()
        };
        let rows = ["b.png", "a.png"].map(annotation);
        assert_eq!(of_images(&rows), of_text("00ff  a.png\n00ff  b.png\n"));
        let labels = "a.png\tphoto\tAda\ttest\nb.png\tphoto\tAda\ttest\n";
        assert_eq!(of_labels(&rows), of_text(labels));
        let mut relabeled = rows.clone();
        relabeled[0].author = None;
        assert_eq!(of_images(&rows), of_images(&relabeled));
        assert_ne!(of_labels(&rows), of_labels(&relabeled));
    }
}
