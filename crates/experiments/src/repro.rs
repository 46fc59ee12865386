//! The run of a selection, as the caller carries it out.

use runner::Workspace;
use runner::events::Outcome;
use runner::execute::Options;
use workflow::graph::Selection;

/// Brings a selection of stages up to date: [`runner::execute::repro`] with the events that the caller listens to.
pub type Repro<'a> =
    dyn FnMut(&mut Workspace, &Selection, Options) -> runner::Result<Vec<Outcome>> + 'a;
