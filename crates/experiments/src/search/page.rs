//! The page and the table of a search, made by a program of the workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::{Input, Job};
use runner::{Sandbox, Workspace, program};
use serde::Serialize;

use super::declaration::SearchFile;
use super::record;
use crate::error::{Error, Result};

/// The crate and binary that make them.
pub const PROGRAM: &str = "report/search-page";

/// Parameters of the program.
#[derive(Serialize)]
struct Params<'a> {
    /// The search's name.
    name: &'a str,
    /// Name of the score of its trials.
    score: String,
    /// Parameters that are chosen from a list of values.
    choices: Vec<&'a str>,
}

/// Returns whether the workspace has the program.
///
/// # Errors
/// Cargo fails.
pub fn has_program(workspace: &mut Workspace) -> Result<bool> {
    Ok(workspace.has_binary(PROGRAM)?)
}

/// Makes the page and the table, by a binary that reads a job file as a stage does. Returns the page's path, from the
/// workspace root.
///
/// # Errors
/// The workspace has no such program, or it fails.
pub fn publish(
    search: &SearchFile,
    workspace: &mut Workspace,
    sandbox: Sandbox,
) -> Result<PathBuf> {
    if !has_program(workspace)? {
        return Err(Error::NoPageProgram(PROGRAM));
    }
    let folder = search.root.join("artifacts/searches").join(&search.name);
    fs_err::create_dir_all(&folder)?;
    let page = folder.join("index.html");
    let params = Params {
        name: &search.name,
        score: format!("median {}", search.declaration.score),
        choices: search.choices(),
    };
    let outputs = [
        ("trials", folder.join("trials.parquet")),
        ("page", page.clone()),
        ("figures", folder.join("figures")),
    ];
    let job = Job {
        inputs: BTreeMap::from([("trials".to_owned(), Input::One(record::path(search)))]),
        outputs: outputs.map(|(name, path)| (name.to_owned(), path)).into(),
        params: serde_json::to_value(params)?,
        scratch: search.folder().join("scratch"),
        stage: format!("search {}", search.name),
    };
    let status = program::run(workspace, PROGRAM, None, &job, sandbox)?;
    if !status.success() {
        return Err(Error::Page {
            program: PROGRAM,
            status,
        });
    }
    let shown = page.strip_prefix(&search.root).map(PathBuf::from);
    Ok(shown.unwrap_or(page))
}

#[cfg(test)]
mod tests {
    use runner::workspace::Access;

    use super::*;

    #[test]
    fn a_workspace_without_the_program_has_no_page() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let search = "score = \"a.b\"\ntrials = 1\nmethod = \"random\"\n[space]\n\"a.b\" = { int = [1, 2] }\n";
        fs_err::create_dir(root.join("searches")).unwrap();
        fs_err::write(root.join("searches/a.toml"), search).unwrap();
        fs_err::write(root.join("pipeline.toml"), "").unwrap();
        let search = SearchFile::load(root, "a").unwrap();
        let mut workspace =
            Workspace::open(root.to_owned(), &Default::default(), Access::Write).unwrap();
        assert!(!has_program(&mut workspace).unwrap());
        let error = publish(&search, &mut workspace, Sandbox::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the workspace has no `report/search-page` to make a page with"
        );
        assert!(!root.join("artifacts").exists());
    }
}
