//! A build of `steps.rs` with a copy of candle-core in which Metal is the stand-in of `backend.rs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

const BACKEND: &str = include_str!("backend.rs");
const STEPS: &str = include_str!("steps.rs");

/// The profile of this test, so that its compiled dependencies are used again.
const AS_THIS_TEST: &[&str] = if cfg!(debug_assertions) {
    &[]
} else {
    &["--release"]
};

/// The workspace's root.
fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs_err::canonicalize(root).unwrap()
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder);
    cargo
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The metadata of the workspace.
fn metadata() -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
        let arguments = ["metadata", "--format-version=1", "--locked", "--offline"];
        let output = cargo(&root()).args(arguments).output().unwrap();
        serde_json::from_str(&stdout(&output)).unwrap()
    });
    &METADATA
}

/// The folder of a package's sources.
pub(crate) fn package(name: &str) -> PathBuf {
    let packages = metadata()["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == name);
    let manifest = package.unwrap()["manifest_path"].as_str().unwrap();
    Path::new(manifest).parent().unwrap().to_owned()
}

/// The operations of a few steps of every program, or of `backbones` alone, as `backend.rs` records them.
pub(crate) fn operations(of_backbones: bool) -> Vec<String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let target = metadata()["target_directory"].as_str().unwrap();
    let shadow = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metal-stand-in");
    copy(&package("candle-core"), &shadow.join("candle-core"));
    write(&shadow.join("Cargo.toml"), &manifest());
    write(&shadow.join("steps.rs"), STEPS);
    let lock = fs_err::read_to_string(root().join("Cargo.lock")).unwrap();
    write_once(&shadow.join("Cargo.lock"), &lock);
    let work = tempfile::tempdir().unwrap();
    let output = cargo(&shadow)
        .args(["run", "--offline", "--quiet"])
        .args(AS_THIS_TEST)
        .args(of_backbones.then_some("--features=backbones"))
        .arg("--")
        .arg(work.path())
        .arg(root().join("crates/backbones/tests/golden"))
        .env("CARGO_TARGET_DIR", target)
        .output();
    let operations = stdout(&output.unwrap());
    operations.lines().map(str::to_owned).collect()
}

/// Dependencies by path, candle by its copy, and the profiles of the workspace, so that compiled dependencies are used
/// again.
fn manifest() -> String {
    let root = root();
    let text = fs_err::read_to_string(root.join("Cargo.toml")).unwrap();
    let profiles = text.split_once("[profile.dev]").unwrap().1;
    let profiles = profiles.split_once("[profile.xtask]").unwrap().0;
    // Compiled for few and small images alone: a quick build matters more than quick code.
    let slower = |text: String, (profile, name, from, to): (&str, &str, u8, u8)| {
        let package = format!("[profile.{profile}.package.{name}]\nopt-level = ");
        text.replace(&format!("{package}{from}"), &format!("{package}{to}"))
    };
    let packages = [
        ("dev", "candle-core", 3, 1),
        ("dev", "candle-nn", 3, 1),
        ("dev", "images", 2, 0),
        ("release", "attribution", 3, 1),
        ("release", "images", 3, 1),
        ("release", "kernels", 3, 1),
        ("release", "metric-learning", 3, 1),
        ("release", "numeric", 3, 1),
        ("release", "random", 3, 1),
    ];
    let profiles = packages.into_iter().fold(profiles.to_owned(), slower);
    let dependency = |(name, folder): (&str, &str)| {
        let path = root.join("crates").join(folder);
        format!("{name} = {{ path = {path:?} }}\n")
    };
    let ours = [
        ("attribution", "attribution"),
        ("metric-learning", "metric-learning"),
        ("random", "random"),
        ("table-history", "tables/history"),
        ("table-timings", "tables/timings"),
        ("tables", "tables/core"),
    ]
    .map(dependency)
    .concat();
    let backbones = root.join("crates/backbones");
    let backbones = format!("backbones = {{ path = {backbones:?}, optional = true }}\n");
    let with_metal = ["model", "trainer"].map(|name| {
        let path = root.join("crates").join(name);
        format!("{name} = {{ path = {path:?}, features = [\"metal\"] }}\n")
    });
    let with_metal = with_metal.concat();
    // The features of the workspace, so that dependents are compiled already.
    let base64 = { text.lines() }.find(|line| line.starts_with("base64 = "));
    let base64 = base64.unwrap();
    format!(
        r#"[package]
name = "metal-stand-in"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[[bin]]
name = "steps"
path = "steps.rs"

[dependencies]
{ours}{with_metal}{backbones}candle-core = "*"
{base64}
tracing = "*"
serde = {{ version = "1", features = ["derive"] }}
serde_json = "1"

[patch.crates-io]
candle-core = {{ path = "candle-core" }}

[profile.dev]{profiles}"#
    )
}

/// Copies candle-core with the stand-in in it.
fn copy(from: &Path, to: &Path) {
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&from, &to);
            continue;
        }
        let Ok(text) = fs_err::read_to_string(&from) else {
            continue; // Inputs of candle's own tests.
        };
        write(&to, &changed(&from, text));
    }
}

fn changed(path: &Path, text: String) -> String {
    // Code for Metal alone is left out, with the feature on or off.
    let text = text.replace("feature = \"metal\"", "feature = \"no-metal\"");
    let replaced = |text: String, old: &str, new: &str| {
        assert!(text.contains(old), "{} has no `{old}`", path.display());
        text.replace(old, new)
    };
    match path.file_name().and_then(|name| name.to_str()) {
        Some("dummy_metal_backend.rs") => BACKEND.to_owned(),
        Some("lib.rs") => replaced(
            text,
            "\nmod dummy_metal_backend;",
            "\npub mod dummy_metal_backend;",
        ),
        Some("storage.rs") if path.ends_with("src/storage.rs") => [
            ("c.metal_fwd(storage, l)?", "storage.custom1(l, c)?"),
            ("c.metal_fwd(s1, l1, s2, l2)?", "s1.custom2(l1, s2, l2, c)?"),
            (
                "c.metal_fwd(s1, l1, s2, l2, s3, l3)?",
                "s1.custom3(l1, s2, l2, s3, l3, c)?",
            ),
        ]
        .into_iter()
        .fold(text, |text, (old, new)| replaced(text, old, new)),
        Some("Cargo.toml") => {
            let (before, after) = text.split_once("\nmetal = [").expect("feature `metal`");
            let (_, after) = after.split_once(']').expect("the end of a list");
            format!("{before}\nmetal = []\nno-metal = []{after}")
        }
        _ => text,
    }
}

/// Writes a file unless it has the same text: cargo compares times of the last change.
fn write(path: &Path, text: &str) {
    if fs_err::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

/// Writes `text` once: cargo removes unused packages from the copy of the lock.
fn write_once(path: &Path, text: &str) {
    let of = path.with_extension("of");
    if fs_err::read_to_string(&of).is_ok_and(|there| there == text) {
        return;
    }
    fs_err::write(path, text).unwrap();
    fs_err::write(of, text).unwrap();
}
