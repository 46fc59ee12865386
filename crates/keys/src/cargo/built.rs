//! Results of a build, by cargo's messages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Executables of a build, and the dependency information that rustc wrote.
#[derive(Debug, Default)]
pub struct Built {
    /// By `crate/binary`.
    pub executables: BTreeMap<String, PathBuf>,
    /// Files with rustc's dependency information on libraries and build scripts of crates at local paths, by crate.
    pub(super) dep_infos: BTreeMap<String, BTreeSet<PathBuf>>,
    /// Variables that build scripts of these crates set for the compiler, by crate.
    pub(super) variables: BTreeMap<String, BTreeSet<String>>,
}

impl Built {
    /// Adds the artifacts or variables in a line of cargo's messages.
    pub fn add(&mut self, line: &[u8]) {
        let message: Option<Value> = serde_json::from_slice(line).ok();
        message.and_then(|message| self.add_message(&message));
    }

    fn add_message(&mut self, message: &Value) -> Option<()> {
        let package = package_name(message.get("package_id")?.as_str()?)?;
        match message.get("reason")?.as_str()? {
            "compiler-artifact" => {
                let target = message.pointer("/target/name")?.as_str()?;
                match message.get("executable")?.as_str() {
                    Some(path) => {
                        let run = format!("{package}/{target}");
                        self.executables.insert(run, PathBuf::from(path));
                    }
                    None => {
                        let files = message.get("filenames")?.as_array()?.iter();
                        let files = files.filter_map(|file| dep_info(Path::new(file.as_str()?)));
                        self.dep_infos.entry(package).or_default().extend(files);
                    }
                }
            }
            "build-script-executed" => {
                let pairs = message.get("env")?.as_array()?.iter();
                let names = pairs.filter_map(|pair| Some(pair.get(0)?.as_str()?.to_owned()));
                self.variables.entry(package).or_default().extend(names);
            }
            _ => {}
        }
        Some(())
    }
}

/// The file with rustc's dependency information on `artifact`: a library, which has the hash in its name, or a build
/// script, in a folder with the hash in its name.
fn dep_info(artifact: &Path) -> Option<PathBuf> {
    let stem = artifact.file_stem()?.to_str()?;
    if artifact.extension().is_some() {
        let name = stem.strip_prefix("lib").unwrap_or(stem);
        return Some(artifact.with_file_name(format!("{name}.d")));
    }
    let (_, hash) = artifact.parent()?.file_name()?.to_str()?.rsplit_once('-')?;
    let name = stem.replace('-', "_");
    Some(artifact.with_file_name(format!("{name}-{hash}.d")))
}

/// The name in the id of a package at a local path: `path+file:///a/b#name@1.0`, or `…/name#1.0` where the folder has
/// the package's name.
fn package_name(id: &str) -> Option<String> {
    let (folder, fragment) = id.strip_prefix("path+")?.rsplit_once('#')?;
    let name = match fragment.split_once('@') {
        Some((name, _)) => name,
        None => folder.rsplit('/').next()?,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(lines: &[&str]) -> Built {
        let mut built = Built::default();
        for line in lines {
            built.add(line.as_bytes());
        }
        built
    }

    #[test]
    fn executables_are_found_in_the_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/metrics#0.1.0","manifest_path":"/w/crates/metrics/Cargo.toml","target":{"name":"score"},"filenames":["/t/score"],"executable":"/t/score"}"#;
        let renamed = line.replace("#0.1.0", "#scores@0.1.0");
        let built = built(&[line, &renamed, r#"{"reason":"build-finished"}"#, "not json"]);
        let path = PathBuf::from("/t/score");
        let expected = [
            ("metrics/score".to_owned(), path.clone()),
            ("scores/score".to_owned(), path),
        ];
        assert_eq!(built.executables, BTreeMap::from(expected));
    }

    #[test]
    fn dependency_information_lies_beside_libraries_and_build_scripts() {
        let artifact = |package: &str, files: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{package}","target":{{"name":"x"}},"filenames":[{files}],"executable":null}}"#
            )
        };
        let local = "path+file:///w/crates/near-duplicates#0.1.0";
        let registry = "registry+https://github.com/rust-lang/crates.io-index#either@1.12.0";
        let library =
            r#""/t/deps/libnear_duplicates-0a.rlib","/t/deps/libnear_duplicates-0a.rmeta""#;
        let built = built(&[
            &artifact(local, library),
            &artifact(local, r#""/t/build/near-duplicates-1b/build-script-build""#),
            &artifact(registry, r#""/t/deps/libeither-2c.rlib""#),
        ]);
        let files = [
            "/t/build/near-duplicates-1b/build_script_build-1b.d",
            "/t/deps/near_duplicates-0a.d",
        ];
        let expected = (
            "near-duplicates".to_owned(),
            files.map(PathBuf::from).into(),
        );
        assert_eq!(built.dep_infos, BTreeMap::from([expected]));
    }

    #[test]
    fn variables_of_build_scripts_are_found_in_the_messages() {
        let built = built(&[
            r#"{"reason":"build-script-executed","package_id":"path+file:///w/crates/model#0.1.0","env":[["TABLE","1"],["SIDE","2"]],"out_dir":"/t"}"#,
        ]);
        let names = ["SIDE", "TABLE"].map(str::to_owned);
        let expected = ("model".to_owned(), names.into());
        assert_eq!(built.variables, BTreeMap::from([expected]));
    }
}
