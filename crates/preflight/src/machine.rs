//! Memory and disk of this machine.

use std::path::{Path, PathBuf};

/// Bytes of memory available to a process: of the machine, and of each control group that it is in; none on a system
/// without `/proc`.
pub fn available_memory() -> Option<u64> {
    let machine = fs_err::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| of_meminfo(&text));
    let groups = fs_err::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounted = Path::new("/sys/fs/cgroup");
    let groups = { group_folders(&groups, mounted).into_iter() }
        .filter_map(|folder| remaining_memory(&folder));
    groups.chain(machine).min()
}

/// Free bytes of the file system of `path` for a user without privileges.
pub fn free_disk(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// `1.5 GB`, `200 MB`.
#[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
pub fn in_units(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e9 {
        format!("{:.1} GB", bytes / 1e9)
    } else {
        format!("{:.0} MB", (bytes / 1e6).max(1.0))
    }
}

fn of_meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The folders of the control groups, each with its parents, by `/proc/self/cgroup`.
fn group_folders(text: &str, mounted: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let root = match controllers {
            "" => mounted.to_owned(),
            _ if controllers.split(',').any(|name| name == "memory") => mounted.join("memory"),
            _ => continue,
        };
        // In a container the path may be that of the host: only existing parents count.
        let group = Path::new(path.trim_start_matches('/'));
        folders.extend(group.ancestors().map(|ancestor| root.join(ancestor)));
    }
    folders
}

/// Remaining bytes of a control group, of version 2 or 1; its pages of files that are read once are reclaimable.
fn remaining_memory(folder: &Path) -> Option<u64> {
    let number = |names: [&str; 2]| {
        let texts = names.into_iter();
        let mut texts = texts.filter_map(|name| fs_err::read_to_string(folder.join(name)).ok());
        texts.next()?.trim().parse::<u64>().ok()
    };
    let limit = number(["memory.max", "memory.limit_in_bytes"])?;
    let used = number(["memory.current", "memory.usage_in_bytes"])?;
    let stat = fs_err::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        ["inactive_file", "total_inactive_file"]
            .contains(&name)
            .then(|| value.parse().ok())?
    });
    Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_kilobytes() {
        let text = "MemTotal:       100 kB\nMemAvailable:    40 kB\n";
        assert_eq!(of_meminfo(text), Some(40 * 1024));
        assert_eq!(of_meminfo("MemTotal: 100 kB\n"), None);
    }

    #[test]
    fn groups_of_both_versions_are_found_with_their_parents() {
        let text = "12:cpu:/a\n4:blkio,memory:/a/b\n0::/user/c\n";
        let folders = group_folders(text, Path::new("/m"));
        let expected = [
            "/m/memory/a/b",
            "/m/memory/a",
            "/m/memory/",
            "/m/user/c",
            "/m/user",
            "/m/",
        ];
        assert_eq!(folders, expected.map(PathBuf::from));
    }

    #[test]
    fn the_remaining_memory_of_a_group_counts_cached_files_as_free() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(remaining_memory(folder.path()), None);
        write("memory.max", "1000\n");
        assert_eq!(remaining_memory(folder.path()), Some(300));
        write("memory.stat", "anon 1\ninactive_file 200\n");
        assert_eq!(remaining_memory(folder.path()), Some(500));
    }

    #[test]
    fn a_folder_s_disk_has_free_bytes() {
        assert!(free_disk(&std::env::temp_dir()).is_some());
        assert_eq!(
            (in_units(1_540_000_000), in_units(12)),
            ("1.5 GB".to_owned(), "1 MB".to_owned())
        );
    }
}
