//! Order of instances, and selection of instances by targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::glob;
use crate::instance::{Instance, Target};
use crate::path::normal;

mod per_instance;
mod producers;

pub use per_instance::{InstanceId, PerInstance};
use producers::Producers;

/// All instances and their order.
#[derive(Debug)]
pub struct Graph {
    /// In the order of `pipeline.toml`.
    pub instances: PerInstance<Arc<Instance>>,
    /// The instances whose outputs each one reads.
    pub upstream: PerInstance<BTreeSet<InstanceId>>,
    /// The instances that each one waits for: its upstream, and those of its `after`.
    pub before: PerInstance<BTreeSet<InstanceId>>,
    /// An order in which each instance follows those that it waits for.
    pub order: Vec<InstanceId>,
    producers: Producers,
}

/// Extent of a selection around its targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// The targets and their upstream.
    #[default]
    Upstream,
    /// The targets alone.
    Single,
    /// The targets and their downstream.
    Downstream,
}

impl Graph {
    /// Links the instances through their paths.
    ///
    /// # Errors
    /// Outputs overlap, or instances wait for each other.
    pub fn new(instances: Vec<Instance>) -> Result<Self> {
        let instances: PerInstance<Instance> = instances.into_iter().collect();
        let producers = Producers::of(&instances)?;
        let upstream = instances.map(|instance| {
            let inputs = instance.inputs.values();
            let makers = inputs.flat_map(|input| producers.makers(&input.target));
            makers.collect()
        });
        let before = before(&instances, &upstream);
        let order = topological(&instances, &before)?;
        Ok(Graph {
            instances: instances.into_iter().map(Arc::new).collect(),
            upstream,
            before,
            order,
            producers,
        })
    }

    /// The same graph with all outputs in `folder`; sources stay where they are.
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub fn in_folder(self, folder: &Path) -> Result<Self> {
        let instances = self.instances.into_iter();
        let mut instances: Vec<Instance> = instances.map(Arc::unwrap_or_clone).collect();
        for instance in &mut instances {
            for input in instance.inputs.values_mut() {
                if !self.producers.makers(&input.target).is_empty() {
                    input.target = input.target.in_folder(folder);
                }
            }
            for output in instance.outputs.values_mut() {
                output.path = folder.join(&output.path);
            }
        }
        Graph::new(instances)
    }

    /// The instance and the name of its output at exactly `path`.
    pub fn producer(&self, path: &Path) -> Option<(InstanceId, &str)> {
        let id = self.producers.get(path)?;
        let mut outputs = self.instances[id].outputs.iter();
        let (name, _) = outputs.find(|(_, output)| output.path == path)?;
        Some((id, name))
    }

    /// Returns whether `path` is an output, lies in one, or holds one.
    pub fn is_made(&self, path: &Path) -> bool {
        self.producers.touches(path)
    }

    /// Returns whether `target`, or a part of it, is an output.
    pub fn makes(&self, target: &Target) -> bool {
        !self.producers.makers(target).is_empty()
    }

    /// The declared outputs that match `pattern`, sorted.
    pub fn outputs_matching(&self, pattern: &str) -> Vec<&Path> {
        let found = self.producers.matching(pattern);
        found.map(|(path, _)| Path::new(path)).collect()
    }

    /// The instances that `targets` name, or all but the sources for no
    /// target: as named, and with `reach`.
    ///
    /// # Errors
    /// A target has no match.
    pub fn select(&self, root: &Path, targets: &[String], reach: Reach) -> Result<Selection> {
        let mut named = BTreeSet::new();
        for target in targets {
            named.extend(self.named(root, target)?);
        }
        if targets.is_empty() {
            let all = self.instances.with_ids();
            named.extend(
                all.filter(|(_, instance)| !instance.is_source)
                    .map(|(id, _)| id),
            );
        }
        let mut reached = named.clone();
        match reach {
            Reach::Single => {}
            Reach::Upstream => {
                for &id in self.order.iter().rev() {
                    // The inputs of a frozen stage don't matter.
                    if reached.contains(&id) && !self.instances[id].rules.is_frozen {
                        reached.extend(&self.before[id]);
                    }
                }
            }
            Reach::Downstream => {
                for &id in &self.order {
                    if self.upstream[id]
                        .iter()
                        .any(|above| reached.contains(above))
                    {
                        reached.insert(id);
                    }
                }
            }
        }
        Ok(Selection { named, reached })
    }

    /// Instances of a selection, in the order of the graph.
    #[must_use]
    pub fn in_order(&self, selection: &Selection) -> Vec<InstanceId> {
        let order = self.order.iter().copied();
        order.filter(|id| selection.reached.contains(id)).collect()
    }

    /// The stages that `targets` name with all their instances.
    ///
    /// # Errors
    /// A target has no match, or selects some instances of a stage and not all.
    pub fn whole_stages(&self, root: &Path, targets: &[String]) -> Result<BTreeSet<String>> {
        let Selection { named, .. } = self.select(root, targets, Reach::Single)?;
        let stages = named.iter().map(|&id| self.instances[id].stage.clone());
        let stages: BTreeSet<String> = stages.collect();
        let all = self.instances.with_ids();
        let mut left =
            all.filter(|(id, instance)| stages.contains(&instance.stage) && !named.contains(id));
        match left.next() {
            None => Ok(stages),
            Some((_, instance)) => Err(Error::PartOfStage(instance.stage.clone())),
        }
    }

    /// Instances of one target: a stage or instance, an output, or a pattern of these.
    fn named(&self, root: &Path, target: &str) -> Result<Vec<InstanceId>> {
        let path = normal(root, target);
        let path_text = path.to_string_lossy().into_owned();
        let is_meant = |instance: &Instance| {
            let mut names = [&instance.stage, &instance.name].into_iter();
            let mut outputs = instance.outputs.values();
            names.any(|name| glob::matches(target, name))
                || outputs.any(|output| glob::matches(&path_text, &output.path.to_string_lossy()))
        };
        let all = self.instances.with_ids();
        let found: Vec<InstanceId> = all.filter(|(_, i)| is_meant(i)).map(|(id, _)| id).collect();
        if found.is_empty() {
            let hint = self.target_hint(target);
            return Err(Error::UnknownTarget {
                name: target.to_owned(),
                hint,
            });
        }
        Ok(found)
    }

    fn target_hint(&self, target: &str) -> String {
        let stages: BTreeSet<&str> = self.instances.iter().map(|i| i.stage.as_str()).collect();
        let instances = self.instances.iter().map(|i| i.name.as_str());
        let outputs = self.producers.paths();
        let names: Vec<&str> = if target.contains('/') {
            outputs.collect()
        } else if target.contains('@') {
            instances.collect()
        } else {
            stages.into_iter().collect()
        };
        nearest_name::hint(target, names)
    }

    /// The instances of a stage, in their order; there is at least one.
    ///
    /// # Errors
    /// There's no such stage.
    pub fn of_stage(&self, stage: &str) -> Result<Vec<InstanceId>> {
        let all = self.instances.with_ids();
        let found = all.filter(|(_, instance)| instance.stage == stage);
        let found: Vec<InstanceId> = found.map(|(id, _)| id).collect();
        if found.is_empty() {
            let hint = self.target_hint(stage);
            return Err(Error::UnknownTarget {
                name: stage.to_owned(),
                hint,
            });
        }
        Ok(found)
    }

    /// The instance called `name`, or the only one of the stage `name`.
    ///
    /// # Errors
    /// There's none, or the stage has several.
    pub fn one(&self, name: &str) -> Result<InstanceId> {
        let mut all = self.instances.with_ids();
        if let Some((id, _)) = all.find(|(_, instance)| instance.name == name) {
            return Ok(id);
        }
        let names = self.of_stage(name)?.into_iter();
        Err(Error::SeveralInstances {
            stage: name.to_owned(),
            instances: names.map(|id| self.instances[id].name.clone()).collect(),
        })
    }
}

/// Selected instances.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Instances of the targets.
    pub named: BTreeSet<InstanceId>,
    /// These and the instances that they take along.
    pub reached: BTreeSet<InstanceId>,
}

/// The instances that each one waits for.
fn before(
    instances: &PerInstance<Instance>,
    upstream: &PerInstance<BTreeSet<InstanceId>>,
) -> PerInstance<BTreeSet<InstanceId>> {
    let mut by_stage: BTreeMap<&str, Vec<InstanceId>> = BTreeMap::new();
    let is_used = instances.iter().any(|instance| !instance.after.is_empty());
    for (id, instance) in instances.with_ids().filter(|_| is_used) {
        by_stage.entry(&instance.stage).or_default().push(id);
    }
    let of_stage = |name: &String| by_stage.get(name.as_str()).into_iter().flatten();
    let before = instances.iter().zip(upstream).map(|(instance, upstream)| {
        let after = instance.after.iter().flat_map(of_stage);
        after.chain(upstream).copied().collect()
    });
    before.collect()
}

/// An order in which instances follow those `before` them, else that of the file.
fn topological(
    instances: &PerInstance<Instance>,
    before: &PerInstance<BTreeSet<InstanceId>>,
) -> Result<Vec<InstanceId>> {
    let mut waits_for = before.map(BTreeSet::len);
    let mut followers = before.map(|_| Vec::new());
    for (id, above) in before.with_ids() {
        for &above in above {
            followers[above].push(id);
        }
    }
    let mut ready: BTreeSet<InstanceId> =
        { before.ids() }.filter(|id| waits_for[*id] == 0).collect();
    let mut order = Vec::new();
    while let Some(id) = ready.pop_first() {
        order.push(id);
        for &follower in &followers[id] {
            waits_for[follower] -= 1;
            if waits_for[follower] == 0 {
                ready.insert(follower);
            }
        }
    }
    let left: BTreeSet<InstanceId> = before.ids().filter(|id| waits_for[*id] > 0).collect();
    if left.is_empty() {
        return Ok(order);
    }
    Err(Error::Cycle(chain(instances, before, &left)))
}

/// A cycle among `left`, each of which waits for another of them, as `a → b → a`.
fn chain(
    instances: &PerInstance<Instance>,
    before: &PerInstance<BTreeSet<InstanceId>>,
    left: &BTreeSet<InstanceId>,
) -> String {
    let mut path: Vec<InstanceId> = left.first().copied().into_iter().collect();
    while let Some(&last) = path.last() {
        let Some(&next) = before[last].iter().find(|above| left.contains(above)) else {
            break;
        };
        let seen = path.iter().position(|&id| id == next);
        path.push(next);
        if let Some(start) = seen {
            path.drain(..start);
            break;
        }
    }
    // The walk went against the flow of data.
    let names: Vec<&str> = path
        .iter()
        .rev()
        .map(|&id| instances[id].name.as_str())
        .collect();
    names.join(" → ")
}

#[cfg(test)]
mod tests;
