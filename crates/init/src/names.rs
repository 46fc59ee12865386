//! Names of files and folders: the words that are never authors, and safe file names.

use collection::subset_named;

/// Words for an unknown author.
const NO_AUTHOR: [&str; 31] = [
    "unknown",
    "unk",
    "unknownartist",
    "unknownauthor",
    "unknownphotographer",
    "anonymous",
    "anonymus",
    "anonym",
    "anon",
    "noauthor",
    "noname",
    "nobody",
    "none",
    "nil",
    "null",
    "nan",
    "na",
    "notavailable",
    "notknown",
    "unnamed",
    "unspecified",
    "unidentified",
    "untitled",
    "various",
    "variousartists",
    "misc",
    "miscellaneous",
    "inconnu",
    "desconocido",
    "unbekannt",
    "sconosciuto",
];

/// Words that devices and programs begin names with.
const PREFIXES: [&str; 38] = [
    "img",
    "image",
    "images",
    "imag",
    "dsc",
    "dscn",
    "dscf",
    "dcim",
    "pxl",
    "pict",
    "pic",
    "picture",
    "photo",
    "foto",
    "scan",
    "screenshot",
    "screen",
    "frame",
    "file",
    "fig",
    "figure",
    "sample",
    "wp",
    "mvimg",
    "snapshot",
    "capture",
    "download",
    "unsplash",
    "pexels",
    "train",
    "val",
    "valid",
    "validation",
    "test",
    "crop",
    "tile",
    "patch",
    "thumb",
];

/// `text` in lower case with its letters and digits alone: `Golden_Retriever` and `golden retriever` are equal.
pub(crate) fn key(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Returns whether `name` stands for an unknown author. An empty name does, and one of question marks or dashes.
pub(crate) fn is_no_author(name: &str) -> bool {
    let key = key(name);
    key.is_empty() || NO_AUTHOR.contains(&key.as_str())
}

/// Returns whether `name` is a word that cameras and programs begin names with.
pub(crate) fn is_prefix(name: &str) -> bool {
    let key = key(name);
    PREFIXES.contains(&key.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// The same without digits behind: `img`, and not `img007`, which may be one of several groups.
pub(crate) fn is_bare_prefix(name: &str) -> bool {
    PREFIXES.contains(&key(name).as_str())
}

/// Returns whether `name` has digits and no letters.
pub(crate) fn is_number(name: &str) -> bool {
    let key = key(name);
    !key.is_empty() && key.chars().all(|c| c.is_ascii_digit())
}

/// Generic names of folders of images.
pub(crate) fn is_generic(folder: &str) -> bool {
    const GENERIC: [&str; 18] = [
        "images",
        "image",
        "imgs",
        "img",
        "pictures",
        "photos",
        "data",
        "dataset",
        "datasets",
        "jpg",
        "jpeg",
        "png",
        "jpegimages",
        "raw",
        "original",
        "originals",
        "all",
        "input",
    ];
    GENERIC.contains(&key(folder).as_str()) || subset_named(folder).is_some()
}

/// Names of folders that stand beside images without being a class.
pub(crate) fn is_auxiliary(folder: &str) -> bool {
    const AUXILIARY: [&str; 14] = [
        "masks",
        "mask",
        "labels",
        "label",
        "annotations",
        "annotation",
        "segmentation",
        "segmentations",
        "thumbnails",
        "thumbs",
        "previews",
        "groundtruth",
        "trimaps",
        "xmls",
    ];
    AUXILIARY.contains(&key(folder).as_str())
}

/// A name for a file of parameters: lower case, ASCII letters, digits, `-` and `_`.
///
/// Other characters become `-`; an empty result becomes `images`.
pub(crate) fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            safe.push(c.to_ascii_lowercase());
        } else if !safe.ends_with('-') && !safe.is_empty() {
            safe.push('-');
        }
    }
    let safe = safe.trim_end_matches('-');
    if safe.is_empty() {
        "images".to_owned()
    } else {
        safe.to_owned()
    }
}

/// A name for the parameters of a folder: the folder's own, with the name above if that is generic.
pub(crate) fn of_folder(path: &str) -> String {
    let mut parts = path.split('/').rev().filter(|part| !part.is_empty());
    let named = parts.find(|part| !is_generic(part) && safe(part) != "images");
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    safe(named.unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unknown_authors_are_recognized_in_any_spelling() {
        for name in [
            "unknown",
            "Unknown",
            "n/a",
            "N-A",
            "",
            "??",
            "-",
            "Anonymous",
            "unknown artist",
        ] {
            assert!(is_no_author(name), "{name}");
        }
        for name in ["ada", "nina", "p07", "nadia", "0"] {
            assert!(!is_no_author(name), "{name}");
        }
    }

    #[test]
    fn prefixes_of_cameras_are_recognized_with_digits_behind() {
        assert!(is_prefix("IMG") && is_prefix("img2") && is_prefix("DSC"));
        assert!(!is_prefix("imogen") && !is_prefix("p07") && !is_prefix(""));
    }

    #[test]
    fn file_names_are_safe() {
        assert_eq!(safe("My Photos (2024)"), "my-photos-2024");
        assert_eq!(safe("Ölgemälde*"), "lgem-lde");
        assert_eq!(safe("日本"), "images");
        assert_eq!(safe("../x"), "x");
    }

    #[test]
    fn parameters_are_named_after_the_collection() {
        assert_eq!(of_folder("/data/Paintings/images"), "paintings");
        assert_eq!(of_folder("/data/skin lesions/"), "skin-lesions");
        assert_eq!(of_folder("/data/images"), "images");
        assert_eq!(of_folder("/home/eva/pets/train"), "pets");
    }
}
