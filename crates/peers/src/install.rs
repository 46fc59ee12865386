//! The Python that has the peers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// Packages that pip installs, by name and version. Those that they need besides are pip's choice; an index of builds of
/// PyTorch without CUDA, a tenth of the size, can be named by pip's own variable `PIP_EXTRA_INDEX_URL`.
const PACKAGES: [&str; 9] = [
    "captum==0.9.0",
    "onnxruntime==1.32.0",
    "openvino==2026.4.1",
    "optuna==5.0.0",
    "pillow==13.0.0",
    "scikit-learn==1.9.1",
    "torch==2.15.0",
    "torchvision==0.29.2",
    "umap-learn==0.5.12",
];

/// The interpreter of the virtual environment, which is made and filled first if `install`.
///
/// # Errors
/// There is none, or it cannot be made.
pub(crate) fn interpreter(install: bool) -> anyhow::Result<PathBuf> {
    // The program is target/PROFILE/peers.
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("no target folder")?;
    let environment = target.join("bench-peers");
    if install {
        set_up(&environment)?;
    }
    let python = environment.join("bin/python");
    ensure!(
        python.is_file(),
        "no Python with the peers in `{}`: `--install` makes it, or `--python PATH` names another",
        environment.display()
    );
    Ok(python)
}

fn set_up(environment: &Path) -> anyhow::Result<()> {
    if !environment.join("bin/pip").is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(environment))?;
    }
    run(Command::new(environment.join("bin/pip"))
        .args(["install", "--quiet"])
        .args(PACKAGES))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = { command.stdin(Stdio::null()).output() }
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {errors}");
    }
    Ok(())
}
