//! The control groups of Linux, versions 1 and 2: how much memory they allow to this process, and how often the kernel
//! killed for lack of it.

use std::path::{Path, PathBuf};

/// Folders of this process's memory groups, each with those around it up to the root of its hierarchy.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    folders: Vec<PathBuf>,
    /// Those of the process itself.
    own: Vec<PathBuf>,
}

impl Groups {
    /// The groups of this process; none where there is no `/proc`.
    pub(crate) fn own() -> Self {
        let read = |name: &str| fs_err::read_to_string(name).unwrap_or_default();
        Self::read(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
    }

    /// From the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
    fn read(groups: &str, mounts: &str) -> Self {
        let mut found = Groups::default();
        for mount in mounts.lines().filter_map(Mount::read) {
            if let Some(own) = groups.lines().find_map(|line| mount.group(line)) {
                let folders = mount.folders(own);
                found.own.extend(folders.first().cloned());
                found.folders.extend(folders);
            }
        }
        found
    }

    /// The least of the limits, in bytes; none where there is no limit.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        let files = ["memory.max", "memory.limit_in_bytes"];
        let limits = self.folders.iter().flat_map(|folder| {
            files.map(|file| {
                let text = fs_err::read_to_string(folder.join(file)).ok()?;
                // Without a limit it is `max`, or a number beyond all memory.
                text.trim().parse::<u64>().ok()
            })
        });
        limits
            .flatten()
            .filter(|limit| *limit < u64::MAX >> 4)
            .min()
    }

    /// Number of processes of these groups that the kernel has killed for lack of memory; none where the groups have no
    /// count.
    pub(crate) fn n_kills(&self) -> Option<u64> {
        let files = ["memory.events", "memory.oom_control"];
        // Groups around these count the kills of others, too.
        let files = self
            .own
            .iter()
            .flat_map(|own| files.map(|file| own.join(file)));
        let counts: Vec<u64> = files.filter_map(|file| kills_in(&file)).collect();
        (!counts.is_empty()).then(|| counts.iter().sum())
    }
}

/// Number of processes of this machine that the kernel has killed for lack of memory.
pub(crate) fn n_kills_of_machine() -> Option<u64> {
    kills_in(Path::new("/proc/vmstat"))
}

fn kills_in(file: &Path) -> Option<u64> {
    let text = fs_err::read_to_string(file).ok()?;
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    count.trim().parse().ok()
}

/// A hierarchy of groups that is mounted.
struct Mount<'t> {
    /// The group that stands at `point`.
    root: &'t Path,
    point: &'t Path,
    is_second_version: bool,
}

impl<'t> Mount<'t> {
    /// A line of `mountinfo`, if it is of a hierarchy with memory.
    fn read(line: &'t str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let (system, options) = (kind.next()?, kind.nth(1)?);
        let has_memory = || options.split(',').any(|option| option == "memory");
        let is_second_version = system == "cgroup2";
        (is_second_version || (system == "cgroup" && has_memory())).then_some(Mount {
            root: Path::new(root),
            point: Path::new(point),
            is_second_version,
        })
    }

    /// The group that a line of `/proc/self/cgroup` names, if it is of this hierarchy.
    fn group(&self, line: &'t str) -> Option<&'t Path> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let is_own = match self.is_second_version {
            true => controllers.is_empty(),
            false => controllers.split(',').any(|name| name == "memory"),
        };
        is_own.then_some(Path::new(path))
    }

    /// The folders of `group` and of those around it, as far as they are mounted here.
    fn folders(&self, group: &Path) -> Vec<PathBuf> {
        // In a container the group may be named from a root that isn't seen here.
        let inside = group.strip_prefix(self.root).unwrap_or(Path::new(""));
        let folders = inside.ancestors();
        folders.map(|folder| self.point.join(folder)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join(name);
                fs_err::create_dir_all(path.parent().unwrap()).unwrap();
                fs_err::write(path, text).unwrap();
            }
            Tree(folder)
        }

        fn mount(&self, root: &str, inside: &str, kind: &str) -> String {
            let point = self.0.path().join(inside);
            format!("30 23 0:26 {root} {} rw,nosuid - {kind}\n", point.display())
        }
    }

    #[test]
    fn the_least_limit_of_a_group_and_those_around_it_holds() {
        let tree = Tree::new(&[
            ("job/step/memory.max", "max\n"),
            ("job/memory.max", "1000000000\n"),
            ("memory.max", "3000000000\n"),
            ("job/step/memory.events", "low 0\noom 1\noom_kill 2\n"),
            ("job/memory.events", "low 0\noom 7\noom_kill 9\n"),
        ]);
        let mounts = tree.mount("/", "", "cgroup2 cgroup2 rw");
        let groups = Groups::read("0::/job/step\n", &mounts);
        assert_eq!(groups.memory_limit(), Some(1_000_000_000));
        // A kill in a group beside this one is none of its own.
        assert_eq!(groups.n_kills(), Some(2));
        // A container sees its own group as the root.
        let mounts = tree.mount("/docker/abc", "job", "cgroup2 cgroup rw");
        let groups = Groups::read("0::/docker/abc/step\n", &mounts);
        assert_eq!(groups.memory_limit(), Some(1_000_000_000));
        let groups = Groups::read("0::/../other\n", &mounts);
        assert_eq!(groups.memory_limit(), Some(1_000_000_000));
    }

    #[test]
    fn the_first_version_has_a_hierarchy_of_its_own() {
        let tree = Tree::new(&[
            ("memory/a/memory.limit_in_bytes", "700000000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cpu/a/memory.limit_in_bytes", "1\n"),
        ]);
        let mounts = tree.mount("/", "cpu", "cgroup cgroup rw,cpu")
            + &tree.mount("/", "memory", "cgroup cgroup rw,memory");
        let text = "5:cpu:/a\n4:memory:/a\n0::/\n";
        assert_eq!(
            Groups::read(text, &mounts).memory_limit(),
            Some(700_000_000)
        );
        let text = "5:cpu:/a\n4:memory:/\n0::/\n";
        assert_eq!(Groups::read(text, &mounts).memory_limit(), None);
        assert_eq!(Groups::read("", "").memory_limit(), None);
    }
}
