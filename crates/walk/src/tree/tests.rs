use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;

use super::*;

fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "content").unwrap();
    }
    folder
}

fn files(tree: &Tree) -> Vec<&str> {
    let files = tree.files.iter();
    files.map(|file| file.relative.as_str()).collect()
}

fn unusable_of(tree: &Tree) -> Vec<(&str, &str)> {
    let unusable = tree.unusable.iter();
    unusable
        .map(|entry| (entry.relative.as_str(), entry.reason.name()))
        .collect()
}

fn source(root: &Path) -> Tree {
    Tree::of(root, Rules::Source).unwrap()
}

#[test]
fn litter_is_left_out_of_sources_and_kept_in_outputs() {
    let folder = folder(&[
        "a/1.png",
        "a/.hidden",
        "a/._1.png",
        ".git/HEAD",
        "b/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
        "Thumbs.db",
    ]);
    let tree = source(folder.path());
    assert_eq!(files(&tree), ["a/1.png"]);
    assert_eq!(tree.empty_folders, ["b"]);
    assert_eq!(tree.n_ignored, 5);
    let output = Tree::of(folder.path(), Rules::Output).unwrap();
    assert_eq!(output.files.len(), 5);
}

#[test]
fn ignore_files_follow_the_rules_of_gitignore() {
    let folder = folder(&[
        "a/keep.png",
        "a/drop.gif",
        "a/deep/drop.gif",
        "a/deep/keep.gif",
        "sketches/1.png",
        "b/sketches/1.png",
        "b/.hidden.png",
    ]);
    let put = |path: &str, text: &str| fs_err::write(folder.path().join(path), text).unwrap();
    put(
        ".atelierignore",
        "# no animations\n*.gif\n/sketches/\n!.hidden.png\n",
    );
    put("a/deep/.atelierignore", "!keep.gif\n");
    let expected = [
        "a/deep/keep.gif",
        "a/keep.png",
        "b/.hidden.png",
        "b/sketches/1.png",
    ];
    assert_eq!(files(&source(folder.path())), expected);
    put(".atelierignore", "*.gif\n[z-a].png\n");
    let tree = source(folder.path());
    assert_eq!(unusable_of(&tree), [(".atelierignore", "ignore-file")]);
    assert!(
        tree.unusable[0].detail.starts_with("line 2: "),
        "{:?}",
        tree.unusable
    );
    assert!(!files(&tree).contains(&"a/drop.gif"));
}

#[test]
fn entries_that_cannot_be_read_are_listed_and_the_walk_goes_on() {
    let folder = folder(&["a/1.png"]);
    let at = |name: &str| folder.path().join(name);
    symlink("nowhere.png", at("a/2.png")).unwrap();
    symlink("1.png/inside", at("a/3.png")).unwrap();
    symlink("4.png", at("a/4.png")).unwrap();
    symlink("..", at("a/up")).unwrap();
    let _socket = UnixListener::bind(at("a/socket")).unwrap();
    let latin1 = OsStr::from_bytes(b"caf\xe9.png");
    fs_err::write(at("a").join(latin1), "").unwrap();
    let tree = source(folder.path());
    assert_eq!(files(&tree), ["a/1.png"]);
    let expected = [
        ("a/2.png", "dangling-link"),
        ("a/3.png", "dangling-link"),
        ("a/4.png", "link-loop"),
        ("a/caf\\xE9.png", "name-not-utf8"),
        ("a/socket", "special-file"),
        ("a/up", "link-loop"),
    ];
    assert_eq!(unusable_of(&tree), expected);
    assert_eq!(
        tree.unusable[0].detail,
        "a link to `nowhere.png`, which doesn't exist"
    );
    assert!(Tree::of(folder.path(), Rules::Output).is_err());
}

#[test]
fn an_unreadable_folder_is_listed() {
    let folder = folder(&["a/1.png", "closed/1.png"]);
    let closed = folder.path().join("closed");
    let mode = |bits| {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(&closed, std::fs::Permissions::from_mode(bits)).unwrap();
    };
    mode(0o000);
    // The superuser reads every folder.
    let is_closed = fs_err::read_dir(&closed).is_err();
    let tree = source(folder.path());
    mode(0o755);
    assert_eq!(unusable_of(&tree).len(), usize::from(is_closed));
    assert_eq!(tree.files.len(), 2 - usize::from(is_closed));
}

#[test]
fn links_to_files_and_folders_are_followed() {
    let store = folder(&["cat/1.png", "cat/2.png", "dog.png"]);
    let folder = folder(&["owl/1.png"]);
    let at = |name: &str| folder.path().join(name);
    symlink(store.path().join("cat"), at("cat")).unwrap();
    symlink(store.path().join("dog.png"), at("owl/2.png")).unwrap();
    symlink("owl", at("again")).unwrap();
    let tree = source(folder.path());
    let expected = [
        "again/1.png",
        "again/2.png",
        "cat/1.png",
        "cat/2.png",
        "owl/1.png",
        "owl/2.png",
    ];
    assert_eq!(files(&tree), expected);
    let linked: Vec<bool> = tree.files.iter().map(|file| file.linked).collect();
    assert_eq!(linked, [true, true, true, true, false, true]);
    // A link that leads back through a folder elsewhere.
    symlink(folder.path(), store.path().join("cat/back")).unwrap();
    assert_eq!(
        unusable_of(&source(folder.path())),
        [("cat/back", "link-loop")]
    );
}

#[test]
fn a_root_that_is_no_folder_is_a_file_or_an_error() {
    let folder = folder(&["a.png"]);
    let tree = source(&folder.path().join("a.png"));
    assert!(!tree.is_folder && tree.files[0].relative.is_empty());
    let missing = Tree::of(&folder.path().join("none"), Rules::Source);
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    symlink("none", folder.path().join("link")).unwrap();
    let dangling = Tree::of(&folder.path().join("link"), Rules::Source);
    let reason = Reason::DanglingLink;
    assert!(matches!(dangling, Err(Error::Unusable { reason: found, .. }) if found == reason));
}
