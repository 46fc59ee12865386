#![cfg(unix)]

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;

use super::*;
use crate::Error;
use crate::file_state::SETTLING;
use crate::mode::set_mode;

struct Sandbox {
    folder: TempDir,
    index: Index,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path().join("state/index")).unwrap();
        Self { folder, index }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn write(&self, relative: &str, content: &str) {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    fn digest(&mut self, relative: &str) -> Digest {
        let path = self.path(relative);
        self.index.digest(&path).unwrap()
    }

    fn error(&mut self, relative: &str) -> Error {
        let path = self.path(relative);
        self.index.digest(&path).unwrap_err()
    }

    /// The number of files read by `act`.
    fn reads<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, u64) {
        let before = self.index.files_read();
        let value = act(self);
        (value, self.index.files_read() - before)
    }

    fn reopen(&mut self) {
        self.index.save().unwrap();
        self.index = Index::open(self.index.path.clone()).unwrap();
    }
}

fn settle() {
    std::thread::sleep(SETTLING);
}

#[test]
fn a_file_is_named_by_its_bytes_and_read_once() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "some bytes");
    settle();
    let expected = Digest::of_bytes(b"some bytes");
    assert_eq!(sandbox.reads(|s| s.digest("file")), (expected, 1));
    assert_eq!(sandbox.reads(|s| s.digest("file")), (expected, 0));
    sandbox.reopen();
    assert_eq!(sandbox.reads(|s| s.digest("file")), (expected, 0));
}

#[test]
fn other_names_of_a_file_are_known_too() {
    let mut sandbox = Sandbox::new();
    sandbox.write("folder/file", "x");
    settle();
    sandbox.digest("folder/file");
    fs_err::rename(sandbox.path("folder"), sandbox.path("moved")).unwrap();
    symlink(sandbox.path("moved/file"), sandbox.path("link")).unwrap();
    assert_eq!(sandbox.reads(|s| s.digest("moved/file")).1, 0);
    assert_eq!(sandbox.reads(|s| s.digest("link")).1, 0);
}

#[test]
fn edits_are_noticed() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "old");
    settle();
    let path = sandbox.path("file");
    let modified = fs_err::metadata(&path).unwrap().modified().unwrap();
    sandbox.digest("file");
    // The size is the same, and the time of modification is set back.
    sandbox.write("file", "new");
    crate::place::set_modified(&path, modified).unwrap();
    assert_eq!(sandbox.digest("file"), Digest::of_bytes(b"new"));
}

#[test]
fn a_file_hashed_within_a_tick_of_its_writing_is_not_trusted() {
    let mut sandbox = Sandbox::new();
    for content in ["aaaa", "bbbb", "cccc", "dddd"] {
        sandbox.write("file", content);
        assert_eq!(sandbox.digest("file"), Digest::of_bytes(content.as_bytes()));
    }
    assert!(sandbox.index.is_empty());
    settle();
    assert_eq!(sandbox.reads(|s| s.digest("file")).1, 1);
    assert_eq!(sandbox.reads(|s| s.digest("file")).1, 0);
    assert_eq!(sandbox.index.len(), 1);
}

#[test]
fn a_large_fresh_file_is_worth_a_short_wait() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", &"x".repeat(17 << 20));
    assert_eq!(sandbox.reads(|s| s.digest("file")).1, 1);
    assert_eq!(sandbox.reads(|s| s.digest("file")).1, 0);
}

#[test]
fn it_is_written_only_when_changed() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.index.path.clone();
    sandbox.index.save().unwrap();
    assert!(!file.exists());

    sandbox.write("file", "x");
    settle();
    sandbox.digest("file");
    sandbox.reopen();
    let written = FileState::of(&file).unwrap();
    sandbox.digest("file");
    sandbox.index.save().unwrap();
    assert_eq!(FileState::of(&file).unwrap(), written);
}

#[test]
fn a_corrupt_index_is_an_empty_one() {
    let mut sandbox = Sandbox::new();
    sandbox.write("folder/a", "a");
    sandbox.write("folder/b", "b");
    settle();
    sandbox.digest("folder");
    sandbox.index.save().unwrap();
    let path = sandbox.index.path.clone();
    let bytes = fs_err::read(&path).unwrap();
    assert_eq!(format::decode(&bytes).unwrap().len(), 2);

    for length in 0..bytes.len() {
        assert!(format::decode(&bytes[..length]).is_none(), "{length} bytes");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(format::decode(&flipped).is_none(), "byte {at}");
    }
    fs_err::write(&path, &bytes[..50]).unwrap();
    assert!(Index::open(&path).unwrap().is_empty());
}

#[test]
fn entries_without_use_are_dropped() {
    let mut sandbox = Sandbox::new();
    sandbox.write("used", "1");
    sandbox.write("unused", "2");
    settle();
    sandbox.digest("used");
    sandbox.digest("unused");
    for _ in 0..10 {
        sandbox.index.today += NOTED_DAYS;
        let today = sandbox.index.today;
        assert_eq!(sandbox.reads(|s| s.digest("used")).1, 0);
        sandbox.reopen();
        sandbox.index.today = today;
    }
    assert_eq!(sandbox.index.len(), 1);
}

#[test]
fn a_device_may_change_its_number() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "x");
    settle();
    let digest = sandbox.digest("file");
    let state = FileState::of(&sandbox.path("file")).unwrap();
    let elsewhere = FileState {
        device: state.device + 1,
        ..state
    };
    assert_eq!(sandbox.index.get(&elsewhere), Some(digest));
    let other = FileState {
        changed_ns: state.changed_ns + 1,
        ..elsewhere
    };
    assert_eq!(sandbox.index.get(&other), None);
}

#[test]
fn a_folder_is_named_by_all_that_a_reader_sees() {
    let mut sandbox = Sandbox::new();
    sandbox.write("folder/b", "1");
    sandbox.write("folder/a/c", "2");
    let base = sandbox.digest("folder");

    // Made in another order, with a desktop's leftovers.
    sandbox.write("same/a/.DS_Store", "junk");
    sandbox.write("same/a/c", "2");
    sandbox.write("same/b", "1");
    assert_eq!(sandbox.digest("same"), base);

    let mut seen = vec![base];
    let mut differs = |sandbox: &mut Sandbox, what: &str| {
        let digest = sandbox.digest("folder");
        assert!(!seen.contains(&digest), "{what}");
        seen.push(digest);
    };
    fs_err::rename(sandbox.path("folder/b"), sandbox.path("folder/d")).unwrap();
    differs(&mut sandbox, "renamed");
    sandbox.write("folder/d", "3");
    differs(&mut sandbox, "edited");
    set_mode(&sandbox.path("folder/d"), 0o755).unwrap();
    differs(&mut sandbox, "made executable");
    fs_err::create_dir(sandbox.path("folder/empty")).unwrap();
    differs(&mut sandbox, "an empty folder");
    sandbox.write("folder/new", "1");
    differs(&mut sandbox, "a new file");
    fs_err::remove_dir_all(sandbox.path("folder/a")).unwrap();
    differs(&mut sandbox, "a removed folder");
}

#[test]
fn links_are_followed() {
    let mut sandbox = Sandbox::new();
    sandbox.write("plain/a", "1");
    sandbox.write("plain/sub/b", "2");
    sandbox.write("elsewhere/b", "2");
    sandbox.write("file", "1");
    fs_err::create_dir(sandbox.path("linked")).unwrap();
    symlink(sandbox.path("file"), sandbox.path("linked/a")).unwrap();
    symlink("../elsewhere", sandbox.path("linked/sub")).unwrap();
    symlink("linked", sandbox.path("root")).unwrap();
    let plain = sandbox.digest("plain");
    assert_eq!(sandbox.digest("linked"), plain);
    assert_eq!(sandbox.digest("root"), plain);
}

#[test]
fn an_error_names_the_path_that_cannot_be_hashed() {
    let mut sandbox = Sandbox::new();
    assert!(matches!(sandbox.error("absent"), Error::NotFound { .. }));

    type Case<'a> = (&'a str, &'a dyn Fn(&Path));
    let cases: [Case; 4] = [
        ("dangling", &|at| symlink("nowhere", at.join("x")).unwrap()),
        ("circle", &|at| symlink("x", at.join("x")).unwrap()),
        ("socket", &|at| {
            drop(UnixListener::bind(at.join("x")).unwrap())
        }),
        ("bytes", &|at| {
            fs_err::write(at.join(std::ffi::OsStr::from_bytes(b"x\xff")), "").unwrap();
        }),
    ];
    for (name, make) in cases {
        fs_err::create_dir(sandbox.path(name)).unwrap();
        make(&sandbox.path(name));
        let error = sandbox.error(name);
        let kind = match error {
            Error::DanglingLink { .. } => "dangling",
            Error::LinkLoop { .. } => "circle",
            Error::NotAFile { .. } => "socket",
            Error::NotUtf8 { .. } => "bytes",
            _ => "another",
        };
        assert_eq!(kind, name, "{error}");
        assert!(error.to_string().contains(&format!("{name}/x")), "{error}");
    }
}

#[test]
fn links_between_two_folders_end() {
    let mut sandbox = Sandbox::new();
    for (at, to) in [("one", "two"), ("two", "one")] {
        fs_err::create_dir(sandbox.path(at)).unwrap();
        symlink(format!("../{to}"), sandbox.path(at).join("left")).unwrap();
        symlink(format!("../{to}"), sandbox.path(at).join("right")).unwrap();
    }
    assert!(matches!(sandbox.error("one"), Error::LinkLoop { .. }));
}

#[test]
fn odd_names_are_names() {
    let mut sandbox = Sandbox::new();
    for name in [
        "with space",
        "new\nline",
        "\"quoted\"",
        "back\\slash",
        "été 🎨",
        "-",
        "...",
    ] {
        sandbox.write(&format!("folder/{name}"), "1");
    }
    settle();
    let (digest, reads) = sandbox.reads(|s| s.digest("folder"));
    assert_eq!(reads, 7);
    assert_eq!(sandbox.reads(|s| s.digest("folder")), (digest, 0));
}

#[test]
fn litter_is_no_part_of_the_digest_of_a_source() {
    let mut sandbox = Sandbox::new();
    sandbox.write("in/a/1.txt", "one");
    let path = sandbox.path("in");
    let digest = |sandbox: &mut Sandbox| sandbox.index.digest_source(&path).unwrap();
    let before = digest(&mut sandbox);
    // A folder without litter has the name that it has as a result.
    assert_eq!(before, sandbox.digest("in"));
    sandbox.write("in/.cache/x", "litter");
    sandbox.write("in/a/1.txt~", "litter");
    assert_eq!(digest(&mut sandbox), before);
    assert_ne!(sandbox.digest("in"), before);
    symlink("nowhere", sandbox.path("in/a/2.txt")).unwrap();
    let dangling = digest(&mut sandbox);
    assert_ne!(dangling, before);
    fs_err::remove_file(sandbox.path("in/a/2.txt")).unwrap();
    symlink("2.txt", sandbox.path("in/a/2.txt")).unwrap();
    let looping = digest(&mut sandbox);
    assert!(looping != dangling && looping != before);
}
