//! Names of files that other programs leave in folders.

use std::ffi::OsStr;

/// Names of files and folders, compared without regard to ASCII case.
const NAMES: [&str; 28] = [
    // Windows.
    "desktop.ini",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "thumbs.db",
    "thumbs.db:encryptable",
    "$recycle.bin",
    "recycler",
    "system volume information",
    // macOS and its archives.
    "__macosx",
    "icon\r",
    "network trash folder",
    "temporary items",
    // Linux, Android and cameras.
    "lost+found",
    "lost.dir",
    "zbthumbnail.info",
    // Synology, QNAP and other network drives.
    "@eadir",
    "@recently-snapshot",
    "@recycle",
    "@sharebin",
    "@tmp",
    "#recycle",
    "#snapshot",
    "#snapshots",
    // Image browsers.
    "picasa.ini",
    "pspbrwse.jbf",
    "thumbnails.cvs",
    // Programs.
    "__pycache__",
    "cvs",
];

/// Endings of files that an editor or a download leaves, lower case.
const ENDINGS: [&str; 8] = [
    "~",
    ".!qb",
    ".!ut",
    ".crdownload",
    ".filepart",
    ".opdownload",
    ".part",
    ".partial",
];

/// Beginnings of files that office programs and synchronization leave, lower case.
const BEGINNINGS: [&str; 2] = ["~$", "~syncthing~"];

/// The names that desktops leave wherever they show a folder, even in the results of stages.
const OF_DESKTOPS: [&str; 3] = [".DS_Store", "Thumbs.db", "desktop.ini"];

/// Whether `name` is that of a hidden file or folder (`.git`, `._photo.jpg`, `.ipynb_checkpoints`), or of something that
/// a file manager, a network drive, an archive, an editor or a download leaves in a folder.
#[must_use]
pub fn is_litter(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    if name.starts_with('.') {
        return true;
    }
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str())
        || ENDINGS.iter().any(|ending| lower.ends_with(ending))
        || BEGINNINGS.iter().any(|start| lower.starts_with(start))
}

pub(crate) fn is_of_desktop(name: &OsStr) -> bool {
    OF_DESKTOPS.iter().any(|known| name == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litter_is_recognized_by_name() {
        for name in [
            ".git",
            ".DS_Store",
            "._ada_1.png",
            ".ipynb_checkpoints",
            ".~lock.labels.csv#",
            "THUMBS.DB",
            "@eaDir",
            "#recycle",
            "$RECYCLE.BIN",
            "System Volume Information",
            "lost+found",
            "Icon\r",
            "__MACOSX",
            "ada_1.png~",
            "ada_1.jpg.part",
            "ada_1.jpg.crdownload",
            "~$labels.xlsx",
        ] {
            assert!(is_litter(OsStr::new(name)), "{name}");
        }
        for name in [
            "ada_1.png",
            "icon",
            "part",
            "lost",
            "a~b.png",
            "recycle",
            "@ada",
        ] {
            assert!(!is_litter(OsStr::new(name)), "{name}");
        }
    }
}
