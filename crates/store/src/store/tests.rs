#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::file_state::SETTLING;
use crate::{Amount, Keep, ObjectStorage};

struct Sandbox {
    folder: TempDir,
    store: Store,
    index: Index,
}

impl Sandbox {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("cache")).unwrap();
        let index = Index::open(folder.path().join("index")).unwrap();
        Self {
            folder,
            store,
            index,
        }
    }

    /// With the cache on another file system, as far as the store knows.
    fn copying() -> Self {
        let mut sandbox = Self::new();
        sandbox.store.device = u64::MAX;
        sandbox.without_clones()
    }

    /// With hard links, whatever the file system can do.
    fn linking() -> Self {
        Self::new().without_clones()
    }

    fn without_clones(mut self) -> Self {
        let tried = self.store.abilities().unwrap();
        let clones = false;
        self.store.abilities = Abilities { clones, ..tried }.into();
        self
    }

    fn each() -> [Self; 3] {
        [Self::new(), Self::linking(), Self::copying()]
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn write(&self, relative: &str, content: &str) {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).unwrap()
    }

    fn put(&mut self, relative: &str) -> Digest {
        let path = self.path(relative);
        self.store.put(&mut self.index, &path).unwrap()
    }

    fn restore(&mut self, digest: &Digest, relative: &str) -> Result<()> {
        let path = self.path(relative);
        self.store.restore(&mut self.index, digest, &path)
    }

    /// Writes to the file where it stands, as a careless program would.
    fn overwrite(&self, path: &Path, content: &str) {
        set_mode(path, 0o644).unwrap();
        fs_err::write(path, content).unwrap();
    }

    fn names(&self, relative: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.path(relative)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

fn settle() {
    std::thread::sleep(SETTLING);
}

fn metadata(path: &Path) -> std::fs::Metadata {
    fs_err::metadata(path).unwrap()
}

#[test]
fn a_file_goes_in_and_out() {
    for mut sandbox in Sandbox::each() {
        sandbox.write("out", "content");
        let digest = sandbox.put("out");
        assert_eq!(digest, Digest::of_bytes(b"content"));
        assert!(sandbox.store.contains(&digest));
        remove_path(&sandbox.path("out")).unwrap();

        sandbox.restore(&digest, "new/place").unwrap();
        assert_eq!(sandbox.read("new/place"), "content");
        assert_eq!(sandbox.names("cache/tmp"), [""; 0]);
    }
}

#[test]
fn a_folder_goes_in_and_out() {
    for mut sandbox in Sandbox::each() {
        for name in [
            "plain",
            "sub/with space",
            "sub/new\nline",
            "été 🎨/\"q\"",
            "twin",
        ] {
            sandbox.write(&format!("out/{name}"), name);
        }
        sandbox.write("out/sub/twin", "twin");
        sandbox.write("out/nothing", "");
        sandbox.write("out/run", "#!/bin/sh\n");
        set_mode(&sandbox.path("out/run"), 0o755).unwrap();
        fs_err::create_dir_all(sandbox.path("out/empty/inside")).unwrap();
        let path = sandbox.path("out");
        let named = sandbox.index.digest(&path).unwrap();
        let digest = sandbox.put("out");
        assert_eq!(digest, named);
        assert!(sandbox.store.contains(&digest));

        sandbox.restore(&digest, "copy").unwrap();
        let path = sandbox.path("copy");
        assert_eq!(sandbox.index.digest(&path).unwrap(), digest);
        assert_eq!(sandbox.read("copy/sub/new\nline"), "sub/new\nline");
        assert_eq!(sandbox.read("copy/nothing"), "");
        assert!(sandbox.path("copy/empty/inside").is_dir());
        assert_eq!(metadata(&sandbox.path("copy/run")).mode() & 0o100, 0o100);
        assert_eq!(metadata(&sandbox.path("copy/plain")).mode() & 0o111, 0);
        assert_eq!(sandbox.names("cache/tmp"), [""; 0]);
    }
}

#[test]
fn an_empty_folder_and_an_executable_file_go_in_and_out() {
    for mut sandbox in Sandbox::each() {
        fs_err::create_dir(sandbox.path("empty")).unwrap();
        sandbox.write("run", "#!/bin/sh\n");
        let plain = sandbox.put("run");
        sandbox.restore(&plain, "run").unwrap();
        let path = sandbox.path("run");
        sandbox.overwrite(&path, "#!/bin/sh\n");
        set_mode(&path, 0o755).unwrap();

        let empty = sandbox.put("empty");
        let executable = sandbox.put("run");
        assert_ne!(plain, executable);
        sandbox.restore(&empty, "run").unwrap();
        sandbox.restore(&executable, "empty").unwrap();
        assert!(sandbox.path("run").is_dir());
        assert_eq!(metadata(&sandbox.path("empty")).mode() & 0o100, 0o100);
        assert_eq!(sandbox.read("empty"), "#!/bin/sh\n");
        // The object that both share stays as it was.
        sandbox.restore(&plain, "plain").unwrap();
        assert_eq!(metadata(&sandbox.path("plain")).mode() & 0o111, 0);
    }
}

#[test]
fn bytes_are_read_once_and_never_again() {
    for mut sandbox in Sandbox::each() {
        sandbox.write("out/a", "a");
        sandbox.write("out/b", "b");
        settle();
        let digest = sandbox.put("out");
        assert_eq!(sandbox.index.files_read(), 2);
        sandbox.restore(&digest, "out").unwrap();
        sandbox.restore(&digest, "other").unwrap();
        assert_eq!(sandbox.put("other"), digest);
        for relative in ["out", "other"] {
            let path = sandbox.path(relative);
            assert_eq!(sandbox.index.digest(&path).unwrap(), digest);
        }
        // Objects are known also after all that shared them with the workspace is gone.
        remove_path(&sandbox.path("out")).unwrap();
        remove_path(&sandbox.path("other")).unwrap();
        sandbox.restore(&digest, "out").unwrap();
        assert_eq!(sandbox.index.files_read(), 2);
    }
}

#[test]
fn a_linked_file_is_shared_and_read_only() {
    let mut sandbox = Sandbox::linking();
    sandbox.write("out", "content");
    let inode = metadata(&sandbox.path("out")).ino();
    let digest = sandbox.put("out");
    let object = sandbox.store.object(&digest);
    assert_eq!(metadata(&object).ino(), inode);
    assert_eq!(metadata(&object).mode() & 0o333, 0);

    // The same bytes made again share it as well.
    sandbox.write("again", "content");
    assert_eq!(sandbox.put("again"), digest);
    assert_eq!(metadata(&sandbox.path("again")).ino(), inode);

    // Restoring onto itself leaves nothing behind.
    sandbox.restore(&digest, "out").unwrap();
    assert_eq!(sandbox.names("cache/tmp"), [""; 0]);
}

#[test]
fn files_of_others_stay_writable() {
    let mut sandbox = Sandbox::linking();
    sandbox.write("data/input", "input");
    sandbox.write("data/folder/inner", "inner");
    fs_err::create_dir(sandbox.path("out")).unwrap();
    fs_err::hard_link(sandbox.path("data/input"), sandbox.path("out/hard")).unwrap();
    symlink("../data/input", sandbox.path("out/soft")).unwrap();
    symlink("../data/folder", sandbox.path("out/folder")).unwrap();

    let digest = sandbox.put("out");
    for relative in ["data/input", "data/folder/inner"] {
        assert_ne!(
            metadata(&sandbox.path(relative)).mode() & 0o200,
            0,
            "{relative}"
        );
    }
    sandbox.restore(&digest, "copy").unwrap();
    assert_eq!(sandbox.read("copy/soft"), "input");
    assert_eq!(sandbox.read("copy/folder/inner"), "inner");
}

#[test]
fn damage_is_noticed_and_mended() {
    for mut sandbox in Sandbox::each() {
        for damaged in ["Content", "cont", ""] {
            sandbox.write("made/file", "content");
            let digest = sandbox.put("made");
            let member = Digest::of_bytes(b"content");
            let object = sandbox.store.object(&member);
            sandbox.overwrite(&object, damaged);
            sandbox.write("kept/file", "kept");

            let error = sandbox.restore(&digest, "kept").unwrap_err();
            assert!(
                matches!(error, Error::Damaged { digest } if digest == member),
                "{error}"
            );
            assert_eq!(sandbox.read("kept/file"), "kept");
            assert!(!sandbox.store.contains(&digest));
            let error = sandbox.restore(&digest, "kept").unwrap_err();
            assert!(
                matches!(error, Error::Missing { digest } if digest == member),
                "{error}"
            );

            remove_path(&sandbox.path("made")).unwrap();
            sandbox.write("made/file", "content");
            assert_eq!(sandbox.put("made"), digest);
            sandbox.restore(&digest, "kept").unwrap();
            assert_eq!(sandbox.read("kept/file"), "content");
            remove_path(&sandbox.path("made")).unwrap();
        }
    }
}

#[test]
fn put_mends_a_damaged_object() {
    for mut sandbox in Sandbox::each() {
        sandbox.write("out", "content");
        let digest = sandbox.put("out");
        let object = sandbox.store.object(&digest);
        sandbox.overwrite(&object, "Content");
        remove_path(&sandbox.path("out")).unwrap();
        sandbox.write("out", "content");
        assert_eq!(sandbox.put("out"), digest);
        assert_eq!(fs_err::read_to_string(object).unwrap(), "content");
        assert_eq!(sandbox.read("out"), "content");
    }
}

#[test]
fn a_damaged_tree_is_noticed() {
    let mut sandbox = Sandbox::new();
    sandbox.write("out/file", "content");
    let digest = sandbox.put("out");
    let tree = sandbox.store.place(Kind::Tree, &digest);
    let text = fs_err::read_to_string(&tree).unwrap();
    fs_err::write(&tree, text.replace("file\"", "life\"")).unwrap();
    assert!(!sandbox.store.contains(&digest));
    let error = sandbox.restore(&digest, "out").unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
}

#[test]
fn an_edit_of_an_output_is_noticed() {
    for mut sandbox in Sandbox::each() {
        sandbox.write("out/file", "content");
        settle();
        let digest = sandbox.put("out");
        sandbox.restore(&digest, "out").unwrap();
        let path = sandbox.path("out/file");
        sandbox.overwrite(&path, "CONTENT");
        let path = sandbox.path("out");
        assert_ne!(sandbox.index.digest(&path).unwrap(), digest);
    }
}

#[test]
fn a_file_or_folder_in_the_way_is_replaced() {
    for mut sandbox in Sandbox::each() {
        sandbox.write("folder/a", "a");
        let folder = sandbox.put("folder");
        sandbox.write("file", "b");
        let file = sandbox.put("file");

        // Read-only files, and one that the folder doesn't have.
        sandbox.write("folder/stale", "old");
        sandbox.restore(&folder, "folder").unwrap();
        assert_eq!(sandbox.names("folder"), ["a"]);
        sandbox.restore(&file, "folder").unwrap();
        assert_eq!(sandbox.read("folder"), "b");
        sandbox.restore(&folder, "folder").unwrap();
        assert_eq!(sandbox.read("folder/a"), "a");

        // A link is replaced, not followed.
        sandbox.write("elsewhere/a", "kept");
        for (digest, target) in [(&folder, "elsewhere"), (&file, "elsewhere/a")] {
            remove_path(&sandbox.path("link")).unwrap();
            symlink(target, sandbox.path("link")).unwrap();
            sandbox.restore(digest, "link").unwrap();
            assert_eq!(sandbox.read("elsewhere/a"), "kept");
        }
        assert_eq!(sandbox.read("link"), "b");
        assert_eq!(sandbox.names("cache/tmp"), [""; 0]);
    }
}

#[test]
fn a_tree_that_leaves_its_folder_is_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.write("file", "content");
    let member = sandbox.put("file");
    for path in ["../escaped", "/escaped", "a/../../escaped"] {
        let text = format!("atelier tree 1\nfile {member} \"{path}\"\n");
        let digest = Tree::digest(text.as_bytes());
        sandbox
            .store
            .write(Kind::Tree, &digest, text.as_bytes())
            .unwrap();
        let error = sandbox.restore(&digest, "sub/out").unwrap_err();
        assert!(matches!(error, Error::UnsafePath { .. }), "{error}");
        assert!(!sandbox.path("sub").exists());
    }
}

#[test]
fn a_file_cannot_pass_for_a_folder() {
    let mut sandbox = Sandbox::new();
    sandbox.write("folder/a", "a");
    let folder = sandbox.put("folder");
    let text = fs_err::read_to_string(sandbox.store.place(Kind::Tree, &folder)).unwrap();
    sandbox.write("file", &text);
    let file = sandbox.put("file");
    sandbox.restore(&file, "file").unwrap();
    assert_eq!(sandbox.read("file"), text);
}

#[test]
fn records_are_kept_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let manifest = "command = \"x\"\n";
    let key = Digest::of_bytes(manifest.as_bytes());
    assert_eq!(sandbox.store.recorded(&key), None);
    let record = Record {
        outputs: BTreeMap::from([("table".to_owned(), Digest::of_bytes(b"table"))]),
        manifest: manifest.to_owned(),
        accepted: None,
        binary: None,
    };
    sandbox.store.record(&key, &record).unwrap();
    assert_eq!(sandbox.store.recorded(&key), Some(record.clone()));
    let replaced = Record {
        outputs: BTreeMap::new(),
        ..record
    };
    sandbox.store.record(&key, &replaced).unwrap();
    assert_eq!(sandbox.store.recorded(&key), Some(replaced));

    let path = sandbox.store.place(Kind::Record, &key);
    let text = fs_err::read(&path).unwrap();
    for length in 0..text.trim_ascii_end().len() {
        fs_err::write(&path, &text[..length]).unwrap();
        assert_eq!(sandbox.store.recorded(&key), None, "{length} bytes");
    }
    fs_err::write(&path, b"\xff\xfe").unwrap();
    assert_eq!(sandbox.store.recorded(&key), None);
}

#[test]
fn leftovers_of_killed_processes_are_removed() {
    let sandbox = Sandbox::new();
    sandbox.write("cache/tmp/2147483647-3/half/file", "half");
    sandbox.write("cache/tmp/2147483647-4", "half");
    Store::open(sandbox.path("cache")).unwrap();
    assert_eq!(sandbox.names("cache/tmp"), [""; 0]);
}

#[test]
fn unknown_content_is_missing() {
    let mut sandbox = Sandbox::new();
    let digest = Digest::of_bytes(b"never seen");
    assert!(!sandbox.store.contains(&digest));
    let error = sandbox.restore(&digest, "out").unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    let path = sandbox.path("absent");
    let error = sandbox.store.put(&mut sandbox.index, &path).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn a_sweep_keeps_given_contents_with_the_files_of_folders() {
    let mut sandbox = Sandbox::linking();
    for name in [
        "kept/a",
        "kept/sub/b",
        "gone/a",
        "gone/c",
        "recorded",
        "loose",
    ] {
        sandbox.write(name, name);
    }
    // The same content in two folders.
    sandbox.write("gone/a", "kept/a");
    let [kept, gone, recorded, loose] =
        ["kept", "gone", "recorded", "loose"].map(|name| sandbox.put(name));
    let key = Digest::of_bytes(b"a = b\n");
    let record = Record {
        outputs: [("x".to_owned(), recorded)].into(),
        manifest: "a = b\n".into(),
        accepted: None,
        binary: None,
    };
    sandbox.store.record(&key, &record).unwrap();
    sandbox
        .store
        .record(&Digest::of_bytes(b"old"), &record)
        .unwrap();
    let size = sandbox.store.size().unwrap();
    assert_eq!(
        (size.objects.files, size.trees.files, size.records.files),
        (5, 2, 2)
    );
    assert_eq!(sandbox.store.bytes_of(&kept), 16);

    let keep = Keep {
        keys: [key].into(),
        contents: [kept].into(),
        since: None,
        ..Keep::default()
    };
    let trial = sandbox.store.sweep(&keep, true).unwrap();
    assert!(sandbox.store.contains(&gone));
    assert_eq!(sandbox.store.sweep(&keep, false).unwrap(), trial);
    // Two files, a tree and a record.
    assert_eq!(trial.files, 4);
    assert!(sandbox.store.contains(&kept) && sandbox.store.contains(&recorded));
    assert!(!sandbox.store.contains(&gone) && !sandbox.store.contains(&loose));
    let keys = sandbox.store.records().unwrap();
    assert_eq!(
        keys.iter().map(|(key, _, _)| *key).collect::<Vec<_>>(),
        [key]
    );
    let young = Keep {
        since: Some(SystemTime::UNIX_EPOCH),
        ..Keep::default()
    };
    assert_eq!(
        sandbox.store.sweep(&young, false).unwrap(),
        Amount::default()
    );
}

#[test]
fn every_damaged_file_is_found_and_removed() {
    let mut sandbox = Sandbox::copying();
    sandbox.write("out/a", "content");
    sandbox.write("out/b", "another");
    let digest = sandbox.put("out");
    assert!(sandbox.store.verify_whole().unwrap().is_empty());
    let object = Digest::of_bytes(b"content");
    sandbox.overwrite(&sandbox.store.object(&object), "other..");
    let tree = sandbox.store.place(Kind::Tree, &digest);
    sandbox.overwrite(&tree, "atelier tree 1\n");
    assert_eq!(sandbox.store.verify_whole().unwrap(), [object, digest]);
    assert!(!tree.exists());
    assert!(sandbox.store.verify_whole().unwrap().is_empty());
}

#[test]
fn a_record_belongs_to_one_key() {
    let sandbox = Sandbox::new();
    let record = Record {
        outputs: BTreeMap::new(),
        manifest: "a = 1\n".to_owned(),
        accepted: None,
        binary: None,
    };
    let other = Digest::of_bytes(b"a = 2\n");
    sandbox.store.record(&other, &record).unwrap();
    assert_eq!(sandbox.store.recorded(&other), None);
    assert_eq!(sandbox.store.verify_whole().unwrap(), [other]);
    assert!(sandbox.store.verify_whole().unwrap().is_empty());
}

#[test]
fn links_pipes_and_folders_in_the_cache_are_damage() {
    let mut sandbox = Sandbox::copying();
    sandbox.write("out/a", "content");
    let tree = sandbox.put("out");
    let object = Digest::of_bytes(b"content");
    let record = Record {
        outputs: BTreeMap::new(),
        manifest: "a = 1\n".to_owned(),
        accepted: None,
        binary: None,
    };
    let key = Digest::of_bytes(record.manifest.as_bytes());
    sandbox.store.record(&key, &record).unwrap();
    let names = [
        (Kind::Object, object),
        (Kind::Tree, tree),
        (Kind::Record, key),
    ];
    let spoil: [fn(&Path, &Path); 3] = [
        // The target of the link may change at any time.
        |path, moved| symlink(moved, path).unwrap(),
        |path, _| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        },
        |path, _| fs_err::create_dir(path).unwrap(),
    ];
    for spoil in spoil {
        for (kind, digest) in names {
            let path = sandbox.store.place(kind, &digest);
            let moved = sandbox.path("moved");
            fs_err::rename(&path, &moved).unwrap();
            spoil(&path, &moved);
            assert_eq!(sandbox.store.recorded(&digest), None);
            if kind == Kind::Object {
                assert!(!sandbox.store.contains(&tree));
            }
            assert_eq!(sandbox.store.verify_whole().unwrap(), [digest]);
            assert!(path.symlink_metadata().is_err());
            fs_err::rename(&moved, &path).unwrap();
        }
    }
    assert!(sandbox.store.verify_whole().unwrap().is_empty());
    let object = sandbox.store.object(&object);
    fs_err::rename(&object, sandbox.path("moved")).unwrap();
    symlink(sandbox.path("moved"), &object).unwrap();
    let error = sandbox.restore(&tree, "new").unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn an_endless_text_is_not_read() {
    let sandbox = Sandbox::new();
    let digest = Digest::of_bytes(b"never seen");
    for kind in [Kind::Tree, Kind::Record] {
        let path = sandbox.store.place(kind, &digest);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        // A file of a terabyte, of which no byte is on the disk.
        let file = fs_err::File::create(&path).unwrap();
        file.file().set_len(1 << 40).unwrap();
    }
    assert_eq!(sandbox.store.recorded(&digest), None);
    assert!(!sandbox.store.contains(&digest));
}

#[test]
fn a_check_is_stamped_once_for_its_text() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.store.has_check_stamp("rows = 3"));
    sandbox.store.stamp_check("rows = 3").unwrap();
    assert!(sandbox.store.has_check_stamp("rows = 3"));
    assert!(!sandbox.store.has_check_stamp("rows = 4"));
    // No record of a run.
    assert!(sandbox.store.records().unwrap().is_empty());
    assert_eq!(sandbox.store.size().unwrap().check_stamps.files, 1);

    // The file of its name has other bytes.
    let name = Digest::of_bytes(b"rows = 4");
    sandbox
        .store
        .write(Kind::CheckStamp, &name, b"rows = 5")
        .unwrap();
    assert!(!sandbox.store.has_check_stamp("rows = 4"));
    assert_eq!(sandbox.store.verify_whole().unwrap(), [name]);

    let mut keep = Keep::default();
    keep.checks.insert("rows = 3".to_owned());
    assert_eq!(sandbox.store.sweep(&keep, false).unwrap().files, 0);
    assert!(sandbox.store.has_check_stamp("rows = 3"));
    sandbox.store.sweep(&Keep::default(), false).unwrap();
    assert!(!sandbox.store.has_check_stamp("rows = 3"));
}

/// Copies all of a kind from one storage to another, as a transfer does.
fn transfer(kind: Kind, from: &dyn ObjectStorage, to: &dyn ObjectStorage) {
    let mut names = Vec::new();
    from.list(kind, &mut |name, n_bytes| {
        names.push((name, n_bytes));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    for (name, n_bytes) in names {
        let mut bytes = Vec::new();
        assert_eq!(from.get(kind, &name, &mut bytes).unwrap(), n_bytes);
        to.put(kind, &name, &mut bytes.as_slice(), n_bytes).unwrap();
        assert_eq!(to.exists(kind, &[name]).unwrap(), [true]);
    }
}

#[test]
fn contents_of_another_storage_are_restored() {
    let mut far = Sandbox::new();
    far.write("out/a", "content");
    far.write("out/inner/b", "more");
    let tree = far.put("out");
    let mut near = Sandbox::new();
    assert_eq!(near.store.exists(Kind::Tree, &[tree]).unwrap(), [false]);
    for kind in Kind::ALL {
        transfer(kind, &far.store, &near.store);
    }
    assert!(near.store.contains(&tree));
    near.restore(&tree, "out").unwrap();
    assert_eq!(
        fs_err::read_to_string(near.path("out/inner/b")).unwrap(),
        "more"
    );
    assert!(near.store.verify_whole().unwrap().is_empty());
}

#[test]
fn an_object_is_stored_whole_or_not_at_all() {
    let sandbox = Sandbox::new();
    let storage: &dyn ObjectStorage = &sandbox.store;
    let name = Digest::of_bytes(b"content");
    for (n_bytes, found) in [(8, 7), (6, 7), (0, 1)] {
        let error = storage
            .put(Kind::Object, &name, &mut b"content".as_slice(), n_bytes)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot keep `{name}`: expected {n_bytes} bytes, found {found}")
        );
        assert_eq!(storage.exists(Kind::Object, &[name]).unwrap(), [false]);
    }
    let missing = storage.get(Kind::Object, &name, &mut Vec::new());
    assert!(matches!(missing, Err(Error::Missing { .. })));
}
