//! The notebook runs from its first cell to its last on the tables in `artifacts/`.
//!
//! It needs Jupyter with pandas and pyarrow, and a study that has run; without them the test says so and passes.

use std::path::Path;
use std::process::Command;

#[test]
fn the_notebook_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let python = std::env::var("ATELIER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let libraries = Command::new(&python)
        .args(["-c", "import nbconvert, ipykernel, pandas, pyarrow"])
        .output();
    if !libraries.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: `{python}` has no nbconvert, ipykernel, pandas and pyarrow");
        return;
    }
    if !root.join("artifacts/cluster/clusters.parquet").exists() {
        eprintln!("skipped: no tables in `artifacts/`; `cargo xtask repro` makes them");
        return;
    }
    let output = Command::new(&python)
        .args([
            "-m",
            "nbconvert",
            "--to",
            "markdown",
            "--execute",
            "--stdout",
        ])
        .arg(root.join("notebooks/study.ipynb"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("artdeco"), "{page}");
}
