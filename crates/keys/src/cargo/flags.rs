//! Flags of compilation outside of the workspace's `Cargo.toml`: variables of the environment, and cargo's
//! configuration files.

use std::path::{Path, PathBuf};

use toml_edit::{Item, Value};
use workflow::source::Source;

use super::program::home;
use crate::error::Result;

/// Keys of `[build]` that don't change the compiled code, but where and how fast it is compiled.
const OF_NO_EFFECT: [&str; 7] = [
    "build-dir",
    "dep-info-basedir",
    "incremental",
    "jobs",
    "rustdoc",
    "rustdocflags",
    "target-dir",
];

/// Variables and settings that decide how the code is compiled, on one line; empty where there are none. No path of a
/// configuration file is part of it.
///
/// # Errors
/// A configuration file cannot be read.
pub(super) fn read(root: &Path) -> Result<String> {
    let mut lines = variables();
    for file in files(root) {
        let source = Source::read(&file, &file.display().to_string())?;
        let document = source.parse()?;
        let settings = document.as_table();
        let mut of_file = Vec::new();
        if let Some(build) = settings.get("build").and_then(Item::as_table_like) {
            let build = build.iter();
            for (key, item) in build.filter(|(key, _)| !OF_NO_EFFECT.contains(key)) {
                flatten(&format!("build.{key}"), item, &mut of_file);
            }
        }
        if let Some(target) = settings.get("target") {
            flatten("target", target, &mut of_file);
        }
        let profile = settings.get("profile");
        if let Some(release) = profile.and_then(|profile| profile.get("release")) {
            flatten("profile.release", release, &mut of_file);
        }
        of_file.sort();
        lines.extend(of_file);
    }
    Ok(lines.join(", "))
}

/// The lines of `[profile.release]` and its sub-tables, without comments.
pub(super) fn release_profile(root: &Path) -> Result<String> {
    let source = Source::read(&root.join("Cargo.toml"), "Cargo.toml")?;
    let document = source.parse()?;
    let profile = document
        .as_table()
        .get("profile")
        .and_then(|profile| profile.get("release"));
    let mut lines = Vec::new();
    if let Some(profile) = profile {
        flatten("", profile, &mut lines);
    }
    lines.sort();
    Ok(lines.join(", "))
}

fn flatten(prefix: &str, item: &Item, lines: &mut Vec<String>) {
    match item.as_table_like() {
        Some(table) => {
            for (key, item) in table.iter() {
                let dotted = if prefix.is_empty() {
                    key.to_owned()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&dotted, item, lines);
            }
        }
        None => {
            let value =
                workflow::json::to_json(item).map_or_else(String::new, |value| value.to_string());
            lines.push(format!("{prefix} = {value}"));
        }
    }
}

/// Variables that cargo takes flags from, as `NAME = "value"`, sorted.
pub(super) fn variables() -> Vec<String> {
    of_flags(std::env::vars_os().map(|(name, value)| {
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        (text(&name), text(&value))
    }))
}

fn of_flags(variables: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let is_of_flags = |name: &str| {
        let of_target = name.strip_prefix("CARGO_TARGET_");
        let of_target = of_target.is_some_and(|rest| {
            let settings = ["_RUSTFLAGS", "_LINKER"];
            settings.iter().any(|setting| rest.ends_with(setting))
        });
        let fixed = [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
        ];
        fixed.contains(&name) || of_target || name.starts_with("CARGO_PROFILE_RELEASE_")
    };
    let set = variables.filter(|(name, value)| is_of_flags(name) && !value.is_empty());
    let mut lines: Vec<String> = set
        .map(|(name, value)| format!("{name} = {}", serde_json::Value::from(value)))
        .collect();
    lines.sort();
    lines
}

/// The configuration files that cargo reads for the workspace at `root` and that are there, nearest first.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| home().map(|home| home.join(".cargo")));
    let folders = root.ancestors().map(|folder| folder.join(".cargo"));
    let mut found = Vec::new();
    for folder in folders.chain(cargo_home) {
        // Without an ending, as old versions of cargo have it, a file comes first.
        let mut names = ["config", "config.toml"].iter();
        let file = names.find_map(|name| Some(folder.join(name)).filter(|file| file.is_file()));
        if let Some(file) = file {
            add(file, &mut found);
        }
    }
    found
}

/// Adds a file and those that it includes.
fn add(file: PathBuf, found: &mut Vec<PathBuf>) {
    if !file.is_file() || found.contains(&file) {
        return;
    }
    found.push(file.clone());
    // A file that cannot be parsed is an error once its settings are read.
    let text = fs_err::read_to_string(&file).unwrap_or_default();
    let Ok(document) = text.parse::<toml_edit::DocumentMut>() else {
        return;
    };
    let folder = file.parent().unwrap_or(&file);
    for included in document.get("include").map(included).unwrap_or_default() {
        add(folder.join(included), found);
    }
}

/// Paths of `include`: a text, a list of texts, or tables with a `path`.
fn included(item: &Item) -> Vec<String> {
    let of_value = |value: &Value| {
        let table = value.as_inline_table();
        let path = table.and_then(|table| table.get("path")).unwrap_or(value);
        path.as_str().map(str::to_owned)
    };
    if let Some(tables) = item.as_array_of_tables() {
        let paths = tables.iter().filter_map(|table| table.get("path"));
        return paths
            .filter_map(|path| path.as_str().map(str::to_owned))
            .collect();
    }
    match item.as_value() {
        Some(Value::Array(items)) => items.iter().filter_map(of_value).collect(),
        Some(value) => of_value(value).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_flags_count_where_they_are_set() {
        let set = [
            ("RUSTFLAGS", "-C target-cpu=\"native\""),
            ("CARGO_BUILD_RUSTFLAGS", ""),
            ("CARGO_TARGET_DIR", "/t"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-g"),
            ("CARGO_PROFILE_RELEASE_LTO", "true"),
            ("PATH", "/bin"),
        ];
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            of_flags(set.into_iter()),
            [
                r#"CARGO_PROFILE_RELEASE_LTO = "true""#,
                r#"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS = "-g""#,
                r#"RUSTFLAGS = "-C target-cpu=\"native\"""#,
            ]
        );
    }

    #[test]
    fn settings_of_the_workspace_and_its_parents_count() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        let root = folder.path().join("w");
        write("w/.cargo/config.toml", "[alias]\nx = \"run\"\n");
        let before = read(&root).unwrap();
        write(
            "w/.cargo/config.toml",
            "include = [\"more.toml\"]\n[build]\njobs = 2\nrustflags = [\"-g\"]\n",
        );
        write("w/.cargo/more.toml", "[profile.release]\nlto = true\n");
        write(".cargo/config", "[target.a]\nlinker = \"b\"\n");
        let flags = read(&root).unwrap();
        let expected =
            "build.rustflags = [\"-g\"], profile.release.lto = true, target.a.linker = \"b\"";
        assert!(flags.contains(expected), "{flags}");
        assert!(!before.contains("rustflags = [\"-g\"]"), "{before}");
    }
}
