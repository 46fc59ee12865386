//! Limits common to all programs.

use std::collections::BTreeSet;
use std::env;
use std::path::{Component, Path, PathBuf};

use crate::Limits;
use crate::path::normal;

/// Folders of programs, libraries, settings and information on the system.
const SYSTEM: [&str; 23] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/proc",
    "/sys",
    "/var/cache/fontconfig",
    "/var/lib/texmf",
    "/run/current-system",
    "/run/opengl-driver",
    "/run/opengl-driver-32",
    "/run/udev",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/run/nvidia-persistenced",
];

/// Terminals, random numbers, shared memory, accelerators. Some come and go, hence the whole folder; the system's own
/// permissions guard the others.
const DEVICES: &str = "/dev";

/// In the home folder: packages that Python finds by itself.
const USER_LIBRARIES: &str = ".local/lib";

/// In the home folder: kernels that CUDA's driver compiled. Without it, every process compiles them anew.
const CUDA_CACHE: &str = ".nv/ComputeCache";

/// Folders of programs whose libraries lie beside them; shims are programs that start others.
const PROGRAMS: [&str; 3] = ["bin", "condabin", "shims"];

/// Folders in the home folder that hold programs, and private things beside them.
const MIXED: [&str; 2] = [".local", ".cargo"];

/// Entries that mark a folder as an environment of Python or conda.
const ENVIRONMENT: [&str; 2] = ["pyvenv.cfg", "conda-meta"];

/// So many links in a row the system follows.
const MOST_LINKS: usize = 40;

impl Limits {
    /// Limits that every program needs: the system's folders, folders in which programs on `PATH` are installed, also
    /// by symbolic links, and libraries that the environment names, to read; devices and the cache of CUDA's driver, to
    /// write too.
    ///
    /// Of `workspace` it opens nothing but environments whose programs are on `PATH`: neither a folder that holds it,
    /// nor one in it that the environment names.
    #[must_use]
    pub fn system(workspace: &Path) -> Self {
        let mut system = System::new(workspace, Limits::default());
        SYSTEM.into_iter().for_each(|path| system.open(path));
        system.limits.write(DEVICES);
        system.open_home();
        let folders = folders_of("PATH").into_iter();
        // Of some of them, systems have several names.
        let folders: BTreeSet<PathBuf> = folders.flat_map(fs_err::canonicalize).collect();
        for folder in &folders {
            system.open_programs(folder);
        }
        for folder in ["LD_LIBRARY_PATH", "PYTHONPATH"].map(folders_of).concat() {
            if !folder.starts_with(workspace) {
                system.open_unless_large(folder);
            }
        }
        system.limits
    }

    /// If `program` lies in an environment of Python or conda, which need not be on `PATH`: allows to read that, and
    /// files elsewhere that its programs need.
    pub fn read_environment(&mut self, workspace: &Path, program: &Path) {
        let folder = program.parent();
        let whole = folder.and_then(Path::parent);
        if let (Some(folder), Some(whole)) = (folder, whole)
            && is_environment(whole)
            && let Ok(folder) = fs_err::canonicalize(folder)
        {
            let mut system = System::new(workspace, std::mem::take(self));
            system.open_programs(&folder);
            *self = system.limits;
        }
    }
}

fn is_environment(folder: &Path) -> bool {
    ENVIRONMENT.iter().any(|file| folder.join(file).exists())
}

struct System<'a> {
    workspace: &'a Path,
    home: Option<PathBuf>,
    limits: Limits,
}

impl<'a> System<'a> {
    fn new(workspace: &'a Path, limits: Limits) -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        System {
            workspace,
            home: home.filter(|home| home.is_absolute()),
            limits,
        }
    }

    /// Opens `path`, without the workspace.
    fn open(&mut self, path: &str) {
        if let Ok(path) = fs_err::canonicalize(path) {
            self.open_around(&path);
        }
    }

    fn open_around(&mut self, path: &Path) {
        if self.limits.allow_read(path) {
            // By another of its names.
        } else if !self.workspace.starts_with(path) {
            self.limits.read(path);
        } else if path != self.workspace {
            // A folder that cannot be listed has nothing to open.
            for entry in fs_err::read_dir(path).into_iter().flatten().flatten() {
                self.open_around(&entry.path());
            }
        }
    }

    fn open_home(&mut self) {
        let Some(home) = self.home.clone() else {
            return;
        };
        if let Ok(libraries) = fs_err::canonicalize(home.join(USER_LIBRARIES)) {
            self.open_unless_large(libraries);
        }
        let cache = env::var_os("CUDA_CACHE_PATH").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|| home.join(CUDA_CACHE));
        if cache.is_absolute() && !self.is_large(&cache) {
            self.limits.write(cache);
        }
    }

    /// Opens a folder of programs, by its own path, with files of its programs, and targets of links in it.
    fn open_programs(&mut self, folder: &Path) {
        if !self.limits.allow_read(folder) {
            self.open_installation(folder);
        }
        for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
            // A system has hundreds of links, of which few lead out of open folders.
            if entry.file_type().is_ok_and(|kind| kind.is_symlink())
                && let end = end_of(entry.path())
                && !self.limits.allow_read(&end)
                && let Ok(program) = fs_err::canonicalize(&end)
                && !self.limits.allow_read(&program)
            {
                self.open_program(&program);
            }
        }
    }

    /// Opens a program that a link leads to: of the workspace, itself alone.
    fn open_program(&mut self, program: &Path) {
        if let Some(folder) = program.parent()
            && !program.starts_with(self.workspace)
        {
            self.open_installation(folder);
        }
        if !self.limits.allow_read(program) {
            self.limits.read(program);
        }
    }

    /// Opens `X` for `X/bin`, else the folder of programs alone.
    fn open_installation(&mut self, folder: &Path) {
        let is_programs = { folder.file_name() }
            .is_some_and(|name| PROGRAMS.iter().any(|program| name == *program));
        let whole = folder.parent().filter(|_| is_programs);
        match whole.filter(|whole| self.is_installation(whole)) {
            Some(whole) => self.limits.read(whole),
            None => self.open_unless_large(folder.to_owned()),
        }
    }

    /// Returns whether the parent of a folder of programs belongs to them alone.
    fn is_installation(&self, folder: &Path) -> bool {
        let is_mixed = |home: &PathBuf| MIXED.iter().any(|name| folder == home.join(name));
        let is_ours = folder.starts_with(self.workspace);
        !self.is_large(folder)
            && holds_little(folder)
            && !self.home.as_ref().is_some_and(is_mixed)
            && (!is_ours || is_environment(folder))
    }

    fn open_unless_large(&mut self, folder: PathBuf) {
        if !self.is_large(&folder) {
            self.limits.read(folder);
        }
    }

    /// Returns whether a folder contains the workspace or the home folder.
    fn is_large(&self, folder: &Path) -> bool {
        let holds_home = |home: &PathBuf| home.starts_with(folder);
        self.workspace.starts_with(folder) || self.home.as_ref().is_some_and(holds_home)
    }
}

/// Final target of a link.
fn end_of(link: PathBuf) -> PathBuf {
    let mut at = link;
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs_err::read_link(&at) else {
            break;
        };
        at = normal(&at.with_file_name(to));
    }
    at
}

/// The absolute folders that a variable of the environment lists.
fn folders_of(variable: &str) -> Vec<PathBuf> {
    let value = env::var_os(variable).unwrap_or_default();
    let folders = env::split_paths(&value);
    folders.filter(|folder| folder.is_absolute()).collect()
}

/// Returns whether `path` is deeper than the root's own folders.
fn holds_little(path: &Path) -> bool {
    let names = path.components();
    names
        .filter(|part| matches!(part, Component::Normal(_)))
        .count()
        > 1
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The paths that are opened for a folder of `PATH`, below a home folder with a workspace `study`.
    fn opened(make: impl Fn(&Path), programs: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let home = fs_err::canonicalize(folder.path()).unwrap();
        fs_err::create_dir(home.join("study")).unwrap();
        fs_err::create_dir_all(home.join(programs)).unwrap();
        make(&home);
        let mut system = System {
            workspace: &home.join("study"),
            home: Some(home.clone()),
            limits: Limits::default(),
        };
        system.open_programs(&home.join(programs));
        let opened = system.limits.reads().iter();
        let opened = opened.map(|path| path.strip_prefix(&home).unwrap().display().to_string());
        opened.collect()
    }

    fn file(path: &Path) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "").unwrap();
    }

    #[test]
    fn programs_are_opened_with_the_files_beside_them() {
        let as_it_is = |programs| opened(|_| {}, programs);
        assert_eq!(as_it_is("conda/bin"), ["conda"]);
        assert_eq!(as_it_is(".pyenv/shims"), [".pyenv"]);
        assert_eq!(as_it_is("tools"), ["tools"]);
        // A folder with more than programs isn't opened for its `bin`.
        assert_eq!(as_it_is("bin"), ["bin"]);
        assert_eq!(as_it_is(".local/bin"), [".local/bin"]);
        assert_eq!(as_it_is(".cargo/bin"), [".cargo/bin"]);
    }

    #[test]
    fn of_the_workspace_environments_alone_are_opened_whole() {
        assert_eq!(opened(|_| {}, "study/bin"), ["study/bin"]);
        assert_eq!(opened(|_| {}, "study"), [""; 0]);
        let environment = |home: &Path| file(&home.join("study/.venv/pyvenv.cfg"));
        assert_eq!(opened(environment, "study/.venv/bin"), ["study/.venv"]);
    }

    #[test]
    fn links_to_programs_are_followed() {
        let python = |home: &Path| {
            file(&home.join("python/3.12/bin/python3"));
            file(&home.join("study/run.sh"));
            file(&home.join("go.sh"));
            let folder = home.join(".local/bin");
            symlink(
                home.join("python/3.12/bin/python3"),
                folder.join("a-python"),
            )
            .unwrap();
            symlink(home.join("go.sh"), folder.join("b-go")).unwrap();
            symlink(home.join("study/run.sh"), folder.join("c-run")).unwrap();
        };
        assert_eq!(
            opened(python, ".local/bin"),
            [".local/bin", "go.sh", "python/3.12", "study/run.sh"]
        );
    }

    #[test]
    fn a_folder_of_the_system_is_opened_around_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs_err::canonicalize(folder.path()).unwrap();
        for name in ["usr/lib/a", "usr/src/app/b", "usr/src/other/c"] {
            file(&root.join(name));
        }
        let mut system = System {
            workspace: &root.join("usr/src/app"),
            home: None,
            limits: Limits::default(),
        };
        system.open_around(&root.join("usr"));
        let opened: Vec<&PathBuf> = system.limits.reads().iter().collect();
        assert_eq!(opened, [&root.join("usr/lib"), &root.join("usr/src/other")]);
    }
}
