//! Variables of the environment that code is compiled with, by the dependency information of rustc.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use store::Index;

use super::built::Built;
use super::dep_info;
use crate::error::{Error, Result};

/// Variables of cargo that a key covers: names of crates and binaries, which are in its lines, and folders, whose files
/// have lines of their own if a crate includes them.
const COVERED: [&str; 5] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_PKG_NAME",
    "OUT_DIR",
];

/// A variable of the environment that a crate was compiled with.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The crate.
    pub package: String,
    /// A source that names it, from the workspace root.
    pub file: PathBuf,
}

impl Built {
    /// The first variable that the binary of `run`, a text `crate/binary`, or a crate of `reaches` was compiled with,
    /// and that neither a key covers nor a build script of that crate sets.
    ///
    /// # Errors
    /// A file cannot be read, or there is no dependency information on the binary.
    pub(crate) fn uncovered_variable(
        &self,
        root: &Path,
        run: &str,
        reaches: &BTreeSet<String>,
        index: &mut Index,
    ) -> Result<Option<Variable>> {
        let (package, _) = run.split_once('/').unwrap_or((run, run));
        for file in self.of_binary(run, index)? {
            if let Some(variable) = self.uncovered_in(root, package, &file)? {
                return Ok(Some(variable));
            }
        }
        for package in reaches {
            for file in self.dep_infos.get(package).into_iter().flatten() {
                if let Some(variable) = self.uncovered_in(root, package, file)? {
                    return Ok(Some(variable));
                }
            }
        }
        Ok(None)
    }

    /// The first variable in the dependency information `info` on a part of `package`.
    fn uncovered_in(&self, root: &Path, package: &str, info: &Path) -> Result<Option<Variable>> {
        let text = fs_err::read_to_string(info)?;
        let of_build_script = self.variables.get(package);
        let is_set = |name: &str| of_build_script.is_some_and(|names| names.contains(name));
        let mut names = names(&text).filter(|name| !COVERED.contains(name) && !is_set(name));
        let Some(name) = names.next() else {
            return Ok(None);
        };
        let sources = dep_info::files(&text);
        let quoted = format!("\"{name}\"");
        let mentions = |source: &&PathBuf| {
            let text = fs_err::read_to_string(root.join(source));
            text.is_ok_and(|text| text.contains(&quoted))
        };
        let file = sources.iter().find(mentions).or(sources.first());
        Ok(Some(Variable {
            name: name.to_owned(),
            package: package.to_owned(),
            file: file.cloned().unwrap_or_default(),
        }))
    }

    /// Dependency information on the binary of `run`. Cargo names its executable without the hash that is part of the
    /// name of rustc's: rustc's have the same bytes, or where none has, all that may be it count.
    fn of_binary(&self, run: &str, index: &mut Index) -> Result<Vec<PathBuf>> {
        let Some(executable) = self.executables.get(run) else {
            return Ok(Vec::new());
        };
        let name = run.rsplit('/').next().unwrap_or(run).replace('-', "_");
        let digest = index.digest(executable)?;
        let (mut same, mut others) = (Vec::new(), Vec::new());
        for file in self.compiled(executable, &name)? {
            let of_file = file.with_extension("d");
            if of_file.is_file() {
                match index.digest(&file)? == digest {
                    true => same.push(of_file),
                    false => others.push(of_file),
                }
            }
        }
        match (same.is_empty(), others.is_empty()) {
            (false, _) => Ok(same),
            (true, false) => Ok(others),
            (true, true) => Err(Error::Cargo {
                what: format!("find the variables that `{run}` was compiled with"),
                why: "there is no dependency information of rustc".into(),
            }),
        }
    }

    /// Executables of rustc for a binary `name`, in the folders where libraries are.
    fn compiled(&self, executable: &Path, name: &str) -> Result<Vec<PathBuf>> {
        let beside = executable.parent().map(|folder| folder.join("deps"));
        let libraries = self.dep_infos.values().flatten();
        let libraries = libraries.filter_map(|file| file.parent().map(Path::to_owned));
        let folders: BTreeSet<PathBuf> = beside.into_iter().chain(libraries).collect();
        let mut compiled = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            for entry in fs_err::read_dir(folder)? {
                let path = entry?.path();
                let stem = path.file_name().and_then(|stem| stem.to_str());
                let rest = stem.and_then(|stem| stem.strip_prefix(name));
                if rest.is_some_and(is_hash) && path.is_file() {
                    compiled.push(path);
                }
            }
        }
        compiled.sort();
        Ok(compiled)
    }
}

/// Returns whether `rest`, after the name of a binary, ends the name of rustc's executable: `-HASH`, or nothing.
fn is_hash(rest: &str) -> bool {
    let hash = rest.strip_prefix('-');
    rest.is_empty() || hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Names in the lines `# env-dep:NAME=VALUE`, or `# env-dep:NAME` for a variable that wasn't set.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines();
    let variables = lines.filter_map(|line| line.strip_prefix("# env-dep:"));
    variables.map(|variable| variable.split('=').next().unwrap_or(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with the binary `app/first` and the crate `library`, compiled with these variables.
    struct Workspace {
        folder: tempfile::TempDir,
        built: Built,
    }

    impl Workspace {
        fn new(of_binary: &[&str], of_library: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let deps = folder.path().join("target/release/deps");
            fs_err::create_dir_all(&deps).unwrap();
            let executable = folder.path().join("target/release/first");
            let library = deps.join("library-2c.d");
            let dep_infos = [("library".to_owned(), [library.clone()].into())];
            let workspace = Workspace {
                built: Built {
                    executables: [("app/first".to_owned(), executable)].into(),
                    dep_infos: dep_infos.into(),
                    variables: [("library".to_owned(), ["BUILT".to_owned()].into())].into(),
                },
                folder,
            };
            workspace.write("app/src/first.rs", "fn main() {}");
            workspace.write("app/src/words.rs", "option_env!(\"WORD\")");
            workspace.write("library/src/lib.rs", "");
            workspace.write("target/release/first", "new");
            workspace.write("target/release/deps/first-0a", "old");
            workspace.compile("deps/first-0a", "app/src/first.rs", &["OLD=1"]);
            workspace.write("target/release/deps/first-1b", "new");
            let sources = "app/src/first.rs app/src/words.rs";
            workspace.compile("deps/first-1b", sources, of_binary);
            workspace.compile("deps/library-2c", "library/src/lib.rs", of_library);
            workspace
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }

        fn compile(&self, name: &str, sources: &str, variables: &[&str]) {
            let mut text = format!("/t/{name}.d: {sources}\n\n/t/{name}: {sources}\n\n");
            for source in sources.split(' ') {
                text.push_str(&format!("{source}:\n"));
            }
            for variable in variables {
                text.push_str(&format!("\n# env-dep:{variable}"));
            }
            self.write(&format!("target/release/{name}.d"), &format!("{text}\n"));
        }

        fn uncovered(&self) -> Result<Option<Variable>> {
            let root = self.folder.path();
            let mut index = Index::open(root.join("index")).unwrap();
            let reaches = ["app", "library"].map(str::to_owned).into();
            self.built
                .uncovered_variable(root, "app/first", &reaches, &mut index)
        }
    }

    fn variable(name: &str, package: &str, file: &str) -> Option<Variable> {
        Some(Variable {
            name: name.to_owned(),
            package: package.to_owned(),
            file: file.into(),
        })
    }

    #[test]
    fn a_variable_is_found_with_its_crate_and_the_source_that_names_it() {
        let found = |of_binary: &[&str], of_library: &[&str]| {
            let workspace = Workspace::new(of_binary, of_library);
            workspace.uncovered().unwrap()
        };
        assert_eq!(found(&[], &[]), None);
        assert_eq!(
            found(&["WORD"], &[]),
            variable("WORD", "app", "app/src/words.rs")
        );
        assert_eq!(
            found(&[], &["HOST=a: b=c"]),
            variable("HOST", "library", "library/src/lib.rs")
        );
    }

    #[test]
    fn names_of_crates_folders_and_variables_of_build_scripts_are_covered() {
        let names = COVERED.map(|name| format!("{name}=x"));
        let names = names.each_ref().map(String::as_str);
        let of_library = ["BUILT=1", "OUT_DIR=/t/out"];
        let covered = Workspace::new(&names, &of_library);
        assert_eq!(covered.uncovered().unwrap(), None);
        // Of another crate, and of a manifest that no key covers.
        for name in ["BUILT", "CARGO_PKG_VERSION", "CARGO_PKG_VERSION_MAJOR"] {
            let workspace = Workspace::new(&[&format!("{name}=1")], &[]);
            assert_eq!(
                workspace.uncovered().unwrap(),
                variable(name, "app", "app/src/first.rs")
            );
        }
    }

    #[test]
    fn without_the_executable_of_rustc_all_that_may_be_it_count() {
        let workspace = Workspace::new(&[], &[]);
        workspace.write("target/release/first", "stripped");
        assert_eq!(
            workspace.uncovered().unwrap(),
            variable("OLD", "app", "app/src/first.rs")
        );
        for name in ["first-0a", "first-1b"] {
            let path = workspace
                .folder
                .path()
                .join("target/release/deps")
                .join(name);
            fs_err::remove_file(path).unwrap();
        }
        assert_eq!(
            workspace.uncovered().unwrap_err().to_string(),
            "cannot find the variables that `app/first` was compiled with: there is no dependency information of rustc"
        );
    }
}
