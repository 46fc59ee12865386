//! A shell within limits.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sandbox::{Confinement, Limits, denied, is_supported, spawn};

/// A workspace with `in/a` to read, `secret` and a folder `out` to write.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["in", "in/below", "new", "out"] {
        fs_err::create_dir(folder.path().join(name)).unwrap();
    }
    fs_err::write(folder.path().join("in/a"), "declared").unwrap();
    fs_err::write(folder.path().join("secret"), "not declared").unwrap();
    fs_err::write(folder.path().join("new/made"), "not to be read").unwrap();
    folder
}

fn limits(root: &Path) -> Limits {
    let mut limits = Limits::system(root);
    limits.list(root.join("in"));
    limits.make(root.join("new"));
    limits.read(root.join("in/a"));
    limits.read(root.join("in/absent"));
    limits.write(root.join("out"));
    limits
}

fn run(root: &Path, script: &str) -> Output {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).current_dir(root);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, confinement) = spawn(&mut command, &limits(root)).unwrap();
    assert_ne!(confinement, Confinement::None);
    child.wait_with_output().unwrap()
}

fn skipped() -> bool {
    skip::unless(is_supported(), "landlock")
}

#[test]
fn allowed_access_works() {
    if skipped() {
        return;
    }
    let folder = workspace();
    let script = "cat in/a > out/b && mkdir out/c && mv out/b out/c/b && ls out/c in in/below > /dev/null && cat out/c/b";
    let output = run(folder.path(), script);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout, b"declared");
}

#[test]
fn other_access_is_refused_and_named() {
    if skipped() {
        return;
    }
    let folder = workspace();
    for (script, path) in [
        ("cat secret", "secret"),
        ("ls .", "."),
        ("cat new/made", "new/made"),
        ("sh -c 'cat ./secret; true'; false", "secret"),
        ("echo x > in/a", "in/a"),
        ("echo x > in/new", "in/new"),
        ("rm secret", "secret"),
    ] {
        let output = run(folder.path(), script);
        assert!(!output.status.success(), "{script}");
        let said = String::from_utf8_lossy(&output.stderr);
        let found = denied(said.lines(), folder.path(), &limits(folder.path()));
        let is_named = path == "." || found.paths == [folder.path().join(path)];
        assert!(is_named, "{script}: {said} names {found:?}");
    }
    assert_eq!(
        fs_err::read(folder.path().join("secret")).unwrap(),
        b"not declared"
    );
    assert_eq!(
        fs_err::read(folder.path().join("in/a")).unwrap(),
        b"declared"
    );
}

#[test]
fn files_that_may_be_made_are_not_readable() {
    if skipped() {
        return;
    }
    let folder = workspace();
    let script = "echo > new/x && mkdir new/y && mv new/x new/y/x && echo > new/made && rm new/y/x && ! cat new/made";
    let output = run(folder.path(), script);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_link_leads_no_further() {
    if skipped() {
        return;
    }
    let folder = workspace();
    let link = folder.path().join("out/link");
    std::os::unix::fs::symlink(folder.path().join("secret"), link).unwrap();
    assert!(!run(folder.path(), "cat out/link").status.success());
}

#[test]
fn this_process_stays_free() {
    if skipped() {
        return;
    }
    let folder = workspace();
    run(folder.path(), "true");
    assert!(fs_err::read(folder.path().join("secret")).is_ok());
}
