//! A disk without room.

use std::path::Path;
use std::process::Command;

use crate::space::Space;

/// An executable file, which is copied and not linked, of `chain.number` megabytes.
const LARGE: &str = "[stage.s]\ncmd = \"head -c ${chain.number}000000 /dev/zero > ${out.x}; chmod +x ${out.x}\"\nout = { x = \"x\" }\n";

/// A file system in memory of some megabytes.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None where this user may not mount one.
    fn new(megabytes: u32) -> Option<Self> {
        let disk = Disk {
            folder: tempfile::tempdir().unwrap(),
        };
        let is_mounted = disk.mount(&format!("size={megabytes}m"));
        (!skip::unless(is_mounted, "mount")).then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]);
        let output = mount.arg(self.folder.path()).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn grow(&self, megabytes: u32) {
        assert!(self.mount(&format!("remount,size={megabytes}m")));
    }

    /// Fills the free space.
    fn fill(&self) -> Filler<'_> {
        let path = self.folder.path().join("filler");
        let zeros = vec![0; 1 << 20];
        let mut file = fs_err::File::create(&path).unwrap();
        while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
        Filler { disk: self }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

struct Filler<'d> {
    disk: &'d Disk,
}

impl Drop for Filler<'_> {
    fn drop(&mut self) {
        fs_err::remove_file(self.disk.folder.path().join("filler")).unwrap();
    }
}

fn size(path: &Path) -> u64 {
    fs_err::metadata(path).unwrap().len()
}

/// Nothing is half-done: the output and the lock are as they were, and the cache is clean.
fn check_kept(space: &Space, lock: &str) {
    assert_eq!(size(&space.path("x")), 2_000_000);
    assert_eq!(space.read("pipeline.lock"), lock);
    let left = fs_err::read_dir(space.path(".atelier/cache/tmp")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_full_disk_is_reported_and_leaves_nothing_incomplete() {
    const FULL: &str = "No space left on device";
    let Some(disk) = Disk::new(20) else { return };
    let space = Space::new_in(disk.folder.path(), LARGE);
    let set = |megabytes: u32| {
        space.write("params.toml", &format!("[chain]\nnumber = {megabytes}\n"));
    };
    set(2);
    space.ok(&["repro"]);
    let lock = space.read("pipeline.lock");
    // The stage fills it.
    set(30);
    space.fails(&["repro"], FULL);
    check_kept(&space, &lock);
    // There is room for its output, and none for the copy in the cache.
    space.ok(&["cache", "gc", "--workspace"]);
    set(10);
    space.fails(&["repro"], FULL);
    check_kept(&space, &lock);
    set(2);
    assert_eq!(space.repro(), ["s up-to-date"]);
    disk.grow(60);
    set(10);
    assert_eq!(space.repro(), ["s ran"]);
    set(2);
    assert_eq!(space.repro(), ["s restored"]);
    // There's no room to restore an output.
    set(10);
    let full = disk.fill();
    space.fails(&["repro"], FULL);
    drop(full);
    check_kept(&space, &lock);
    assert_eq!(space.repro(), ["s restored"]);
    assert_eq!(size(&space.path("x")), 10_000_000);
    space.ok(&["cache", "verify"]);
}
