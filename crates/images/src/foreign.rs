//! Files that are no image that can be read, recognized by their first bytes.

use crate::ImageError;

const CONVERT: &str = "convert it to PNG or JPEG";
const DEVELOP: &str = "develop it to JPEG, PNG or TIFF";

/// Formats of images: bytes, their place, name and advice.
const IMAGES: [(&[u8], usize, &str, &str); 31] = [
    (b"ftypheic", 4, "HEIC", CONVERT),
    (b"ftypheix", 4, "HEIC", CONVERT),
    (b"ftyphevc", 4, "HEIC", CONVERT),
    (b"ftypheim", 4, "HEIC", CONVERT),
    (b"ftypmif1", 4, "HEIF", CONVERT),
    (b"ftypmsf1", 4, "HEIF", CONVERT),
    (b"ftypavif", 4, "AVIF", CONVERT),
    (b"ftypavis", 4, "AVIF", CONVERT),
    (b"ftypcrx ", 4, "a camera's raw image (CR3)", DEVELOP),
    (b"CR\x02", 8, "a camera's raw image (CR2)", DEVELOP),
    (b"FUJIFILMCCD-RAW", 0, "a camera's raw image (RAF)", DEVELOP),
    (b"IIRO", 0, "a camera's raw image (ORF)", DEVELOP),
    (b"IIRS", 0, "a camera's raw image (ORF)", DEVELOP),
    (b"IIU\0", 0, "a camera's raw image (RW2)", DEVELOP),
    (b"FOVb", 0, "a camera's raw image (X3F)", DEVELOP),
    (
        b"8BPS",
        0,
        "a Photoshop document",
        "export it as PNG or JPEG",
    ),
    (
        b"gimp xcf",
        0,
        "a GIMP document",
        "export it as PNG or JPEG",
    ),
    (b"\xff\x0a", 0, "JPEG XL", CONVERT),
    (b"\0\0\0\x0cJXL \r\n\x87\n", 0, "JPEG XL", CONVERT),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0, "JPEG 2000", CONVERT),
    (b"\xff\x4f\xff\x51", 0, "JPEG 2000", CONVERT),
    (b"II\xbc", 0, "JPEG XR", CONVERT),
    (b"\0\0\x01\0", 0, "an icon", CONVERT),
    (b"DDS ", 0, "a DDS texture", CONVERT),
    (b"\x76\x2f\x31\x01", 0, "OpenEXR", CONVERT),
    (b"#?RADIANCE", 0, "Radiance HDR", CONVERT),
    (b"qoif", 0, "QOI", CONVERT),
    (b"farbfeld", 0, "farbfeld", CONVERT),
    (b"DICM", 128, "DICOM", CONVERT),
    (b"SIMPLE  =", 0, "FITS", CONVERT),
    (b"\xc5\xd0\xd3\xc6", 0, "EPS", CONVERT),
];

/// Files of other kinds: bytes, their place, and name.
const OTHERS: [(&[u8], usize, &str); 16] = [
    (b"%PDF-", 0, "a PDF document"),
    (b"%!PS", 0, "a PostScript document"),
    (
        b"PK\x03\x04",
        0,
        "a ZIP archive, or a document of an office program",
    ),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive"),
    (b"Rar!\x1a\x07", 0, "a RAR archive"),
    (b"ustar", 257, "a tar archive"),
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file"),
    (b"\x93NUMPY", 0, "a NumPy array"),
    (b"PAR1", 0, "a parquet table"),
    (b"SQLite format 3", 0, "a SQLite database"),
    (b"\x1aE\xdf\xa3", 0, "a video (Matroska or WebM)"),
    (b"ftyp", 4, "a video (MP4 or QuickTime)"),
    (b"ID3", 0, "a sound file"),
    (b"OggS", 0, "a sound or video file"),
    (b"\x7fELF", 0, "a program"),
];

/// The error for `bytes` that are no JPEG, PNG, WebP, GIF, BMP or TIFF.
pub(crate) fn foreign(bytes: &[u8]) -> ImageError {
    let is_at =
        |magic: &[u8], at: usize| bytes.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let image = IMAGES.iter().find(|(magic, at, ..)| is_at(magic, *at));
    if let Some((.., name, advice)) = image {
        return unsupported(name, advice);
    }
    if let Some(error) = text(bytes) {
        return error;
    }
    let other = OTHERS.iter().find(|(magic, at, _)| is_at(magic, *at));
    ImageError::NotAnImage {
        found: other.map_or("", |(.., name)| name),
    }
}

/// A camera's raw image has the structure of a TIFF whose first image is a small preview (TIFF 6.0, `NewSubfileType`), or has
/// Adobe's tag `DNGVersion`.
pub(crate) fn raw_in_tiff(bytes: &[u8]) -> Option<ImageError> {
    const NEW_SUBFILE_TYPE: u16 = 254;
    const SUB_IFDS: u16 = 330;
    const DNG_VERSION: u16 = 50706;
    let is_little = bytes.starts_with(b"II");
    let u16_at = |at: usize| {
        let two: [u8; 2] = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    };
    let u32_at = |at: usize| {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        })
    };
    let (mut is_preview, mut has_more, mut is_dng) = (false, false, false);
    let at = usize::try_from(u32_at(4)?).ok()?;
    for entry in 0..usize::from(u16_at(at)?) {
        let entry = at + 2 + 12 * entry;
        match u16_at(entry)? {
            NEW_SUBFILE_TYPE => is_preview = u32_at(entry + 8)? & 1 == 1,
            SUB_IFDS => has_more = true,
            DNG_VERSION => is_dng = true,
            _ => {}
        }
    }
    (is_dng || is_preview && has_more)
        .then(|| unsupported("a camera's raw image (DNG, NEF, ARW)", DEVELOP))
}

fn text(bytes: &[u8]) -> Option<ImageError> {
    let head = &bytes[..bytes.len().min(1024)];
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let lower = head.to_ascii_lowercase();
    if head.starts_with("version https://git-lfs.github.com/spec/") {
        return Some(ImageError::Pointer {
            kind: "lfs-pointer",
            found: "a Git LFS pointer in place of the image",
            advice: "run `git lfs pull` in the folder's repository",
        });
    }
    if head.starts_with("/annex/objects/") {
        return Some(ImageError::Pointer {
            kind: "annex-pointer",
            found: "a git-annex pointer in place of the image",
            advice: "run `git annex get .` in the folder's repository",
        });
    }
    if ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| lower.starts_with(tag))
    {
        return Some(ImageError::Pointer {
            kind: "html-page",
            found: "an HTML page in place of the image",
            advice: "the download failed: fetch the image again",
        });
    }
    let is_drawing =
        lower.starts_with("<svg") || lower.starts_with("<?xml") && lower.contains("<svg");
    if is_drawing {
        return Some(unsupported("an SVG drawing", CONVERT));
    }
    if ["p1", "p2", "p3", "p4", "p5", "p6", "p7"]
        .iter()
        .any(|magic| lower.starts_with(magic))
        && lower.as_bytes().get(2).is_some_and(u8::is_ascii_whitespace)
    {
        return Some(unsupported("a portable bitmap (PBM, PGM, PPM)", CONVERT));
    }
    None
}

fn unsupported(format: &str, advice: &'static str) -> ImageError {
    ImageError::UnsupportedFormat {
        format: format.to_owned(),
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_named_with_a_cure() {
        for (bytes, kind, message) in [
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".as_slice(),
                "lfs-pointer",
                "a Git LFS pointer in place of the image: run `git lfs pull` in the folder's repository",
            ),
            (
                b"\r\n<!DOCTYPE html><html><body>404</body></html>",
                "html-page",
                "an HTML page in place of the image: the download failed: fetch the image again",
            ),
            (
                b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
                "unsupported-format",
                "HEIC is not supported: convert it to PNG or JPEG",
            ),
            (
                b"<?xml version=\"1.0\"?>\n<svg xmlns=\"\"></svg>",
                "unsupported-format",
                "an SVG drawing is not supported: convert it to PNG or JPEG",
            ),
            (
                b"\0\0\0\x20ftypisom",
                "not-an-image",
                "a video (MP4 or QuickTime), not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF",
            ),
            (
                b"title,year\n",
                "not-an-image",
                "not an image: expected JPEG, PNG, WebP, GIF, BMP or TIFF",
            ),
        ] {
            let error = foreign(bytes);
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
    }

    #[test]
    fn raw_images_and_tiffs_are_distinguished() {
        let tiff = |tags: &[(u16, u32)]| {
            let mut bytes = b"II*\0\x08\0\0\0".to_vec();
            bytes.extend(u16::try_from(tags.len()).unwrap().to_le_bytes());
            for (tag, value) in tags {
                bytes.extend(tag.to_le_bytes());
                bytes.extend([4, 0, 1, 0, 0, 0]);
                bytes.extend(value.to_le_bytes());
            }
            bytes
        };
        assert!(raw_in_tiff(&tiff(&[(254, 0), (256, 3)])).is_none());
        assert!(raw_in_tiff(&tiff(&[(254, 1), (256, 3), (330, 200)])).is_some());
        assert!(raw_in_tiff(&tiff(&[(256, 3), (50706, 1)])).is_some());
        assert!(raw_in_tiff(b"II*\0").is_none());
    }
}
