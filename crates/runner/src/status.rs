//! State of instances: predicted outcomes of a repro, with reasons.

use workflow::graph::{InstanceId, Reach, Selection};

use crate::error::Result;
use crate::events::Outcome;
use crate::plan::{Explanation, Plan, explanation, outcome};
use crate::workspace::Workspace;

/// Predicted outcomes of the selected instances, in order.
///
/// # Errors
/// A file cannot be read, or cargo fails.
pub fn outcomes(
    workspace: &mut Workspace,
    selection: &Selection,
    force: bool,
) -> Result<Vec<Outcome>> {
    let (graph, mut observer) = workspace.observer();
    let plan = Plan::of(graph, selection, force, &mut observer);
    let outcomes = plan.map(|decided| {
        let (id, decision) = decided?;
        Ok(outcome(&graph.instances[id], decision))
    });
    let outcomes = outcomes.collect::<Result<_>>()?;
    workspace.save_caches()?;
    Ok(outcomes)
}

/// Differences between the manifest of the last run of an instance and that of now, and the predicted outcome.
///
/// # Errors
/// As for [`outcomes`].
pub fn explain(workspace: &mut Workspace, id: InstanceId) -> Result<Explanation> {
    let name = workspace.workflow.graph.instances[id].name.clone();
    let upstream = [name];
    let before =
        workspace
            .workflow
            .graph
            .select(&workspace.workflow.root, &upstream, Reach::Upstream)?;
    let (graph, mut observer) = workspace.observer();
    let explanation = explanation(graph, id, &before, &mut observer)?;
    workspace.save_caches()?;
    Ok(explanation)
}
