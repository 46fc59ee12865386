//! The workspace that a command was started in.

use std::env;
use std::path::PathBuf;

use anyhow::Context;
use runner::workspace::{self, Access, Workspace};
use workflow::graph::{Reach, Selection};

use crate::arguments::common::Params;

/// The current folder.
///
/// # Errors
/// It is gone.
pub fn current_folder() -> anyhow::Result<PathBuf> {
    env::current_dir().context("cannot find the current folder")
}

/// The root of the workspace.
///
/// # Errors
/// The current folder is in none.
pub fn root() -> anyhow::Result<PathBuf> {
    Ok(workspace::find_root(&current_folder()?)?)
}

/// Reads the workspace.
///
/// # Errors
/// The current folder is in none, or a file has a mistake.
pub fn open(params: &Params, access: Access) -> anyhow::Result<Workspace> {
    Ok(Workspace::open(root()?, &params.overrides(), access)?)
}

/// The stages that `targets` mean, with those that they reach.
///
/// # Errors
/// A target is unknown.
pub(crate) fn select(
    workspace: &Workspace,
    targets: &[String],
    reach: Reach,
) -> anyhow::Result<Selection> {
    Ok(workspace
        .workflow
        .graph
        .select(&workspace.workflow.root, targets, reach)?)
}
