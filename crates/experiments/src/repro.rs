//! The run of a selection, as the caller carries it out.

use pipeline::Workspace;
use pipeline::events::Outcome;
use pipeline::execute::Options;
use workflow::graph::Selection;

/// Brings a selection of stages up to date: [`pipeline::execute::repro`] with the events that the caller listens to.
pub type Repro<'a> =
    dyn FnMut(&mut Workspace, &Selection, Options) -> pipeline::Result<Vec<Outcome>> + 'a;
