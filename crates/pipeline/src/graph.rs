//! Which instance follows which, and which of them a command means.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::instance::{Instance, Target, normal};
use crate::{glob, nearest};

/// All instances and their order.
#[derive(Debug)]
pub struct Graph {
    /// In the order of `pipeline.toml`.
    pub instances: Vec<Instance>,
    /// Position of each instance's upstream instances.
    pub upstream: Vec<BTreeSet<usize>>,
    /// Positions in an order in which each instance follows its upstream.
    pub order: Vec<usize>,
    producers: BTreeMap<PathBuf, usize>,
}

/// How far a selection reaches from its targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// The targets and what they need.
    #[default]
    Upstream,
    /// The targets alone.
    Single,
    /// The targets and what follows from them.
    Downstream,
}

impl Graph {
    /// Links the instances through their paths.
    ///
    /// # Errors
    /// Outputs overlap, or instances wait for each other.
    pub fn new(instances: Vec<Instance>) -> Result<Self> {
        let producers = producers(&instances)?;
        let upstream = instances.iter().map(|instance| {
            let inputs = instance.inputs.values();
            inputs
                .flat_map(|input| makers(&producers, &input.target))
                .collect()
        });
        let upstream: Vec<BTreeSet<usize>> = upstream.collect();
        let order = topological(&instances, &upstream)?;
        Ok(Graph {
            instances,
            upstream,
            order,
            producers,
        })
    }

    /// The same graph with all that it makes in `folder`: what nobody makes is read from where it is.
    ///
    /// # Errors
    /// As [`Graph::new`].
    pub(crate) fn in_folder(self, folder: &Path) -> Result<Self> {
        let mut instances = self.instances;
        for instance in &mut instances {
            for input in instance.inputs.values_mut() {
                if !makers(&self.producers, &input.target).is_empty() {
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
    pub fn producer(&self, path: &Path) -> Option<(usize, &str)> {
        let position = *self.producers.get(path)?;
        let mut outputs = self.instances[position].outputs.iter();
        let (name, _) = outputs.find(|(_, output)| output.path == path)?;
        Some((position, name))
    }

    /// Whether `path` is an output, lies in one, or holds one.
    pub fn is_made(&self, path: &Path) -> bool {
        self.makes(&Target::Path(path.to_owned()))
    }

    /// Whether what `target` refers to, or a part of it, is an output.
    pub fn makes(&self, target: &Target) -> bool {
        !makers(&self.producers, target).is_empty()
    }

    /// The declared outputs that match `pattern`, sorted.
    pub fn outputs_matching(&self, pattern: &str) -> Vec<&Path> {
        matching(&self.producers, pattern)
            .map(|(path, _)| path.as_path())
            .collect()
    }

    /// The positions of what `targets` name, or of all but the sources for no
    /// target: as named, and with `reach`.
    ///
    /// # Errors
    /// A target names nothing.
    pub fn select(&self, root: &Path, targets: &[String], reach: Reach) -> Result<Selection> {
        let mut named = BTreeSet::new();
        for target in targets {
            named.extend(self.named(root, target)?);
        }
        if targets.is_empty() {
            let all = self.instances.iter().enumerate();
            named.extend(
                all.filter(|(_, instance)| !instance.is_source)
                    .map(|(at, _)| at),
            );
        }
        let mut reached = named.clone();
        match reach {
            Reach::Single => {}
            Reach::Upstream => {
                for &at in self.order.iter().rev() {
                    // What a frozen stage was made from is of no concern.
                    if reached.contains(&at) && !self.instances[at].rules.is_frozen {
                        reached.extend(&self.upstream[at]);
                    }
                }
            }
            Reach::Downstream => {
                for &at in &self.order {
                    if self.upstream[at]
                        .iter()
                        .any(|above| reached.contains(above))
                    {
                        reached.insert(at);
                    }
                }
            }
        }
        Ok(Selection { named, reached })
    }

    /// What one target names: a stage or instance, an output, or a pattern of these.
    fn named(&self, root: &Path, target: &str) -> Result<Vec<usize>> {
        let path = normal(root, target);
        let path_text = path.to_string_lossy().into_owned();
        let is_meant = |instance: &Instance| {
            let mut names = [&instance.stage, &instance.name].into_iter();
            let mut outputs = instance.outputs.values();
            names.any(|name| glob::matches(target, name))
                || outputs.any(|output| glob::matches(&path_text, &output.path.to_string_lossy()))
        };
        let all = self.instances.iter().enumerate();
        let found: Vec<usize> = all.filter(|(_, i)| is_meant(i)).map(|(at, _)| at).collect();
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
        let outputs = self.producers.keys().filter_map(|path| path.to_str());
        let names: Vec<&str> = if target.contains('/') {
            outputs.collect()
        } else if target.contains('@') {
            instances.collect()
        } else {
            stages.into_iter().collect()
        };
        nearest::hint(target, names)
    }

    /// The instance called `name`, or the only one of the stage `name`.
    ///
    /// # Errors
    /// There's none, or the stage has several.
    pub fn one(&self, name: &str) -> Result<usize> {
        let exact = self
            .instances
            .iter()
            .position(|instance| instance.name == name);
        if let Some(at) = exact {
            return Ok(at);
        }
        let of_stage: Vec<&str> = self
            .instances
            .iter()
            .filter(|i| i.stage == name)
            .map(|i| i.name.as_str())
            .collect();
        if of_stage.is_empty() {
            let hint = self.target_hint(name);
            return Err(Error::UnknownTarget {
                name: name.to_owned(),
                hint,
            });
        }
        Err(Error::Invalid(format!(
            "`{name}` has several instances; name one of `{}`",
            of_stage.join("`, `")
        )))
    }
}

/// Positions of instances.
#[derive(Debug, Clone)]
pub struct Selection {
    /// What the targets name.
    pub named: BTreeSet<usize>,
    /// That and what it takes along.
    pub reached: BTreeSet<usize>,
}

/// Which instance makes each output path.
fn producers(instances: &[Instance]) -> Result<BTreeMap<PathBuf, usize>> {
    let mut producers: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (at, instance) in instances.iter().enumerate() {
        for output in instance.outputs.values() {
            if let Some(other) = producers.insert(output.path.clone(), at) {
                return Err(overlap(
                    instances,
                    (&output.path, other),
                    (&output.path, at),
                ));
            }
        }
    }
    // In the order of paths, what lies inside a folder follows it at once.
    let pairs = producers.iter().zip(producers.iter().skip(1));
    for ((outer, &outer_at), (inner, &inner_at)) in pairs {
        if inner.starts_with(outer) {
            return Err(overlap(instances, (outer, outer_at), (inner, inner_at)));
        }
    }
    Ok(producers)
}

fn overlap(instances: &[Instance], first: (&Path, usize), second: (&Path, usize)) -> Error {
    Error::Overlap {
        first: first.0.display().to_string(),
        first_stage: instances[first.1].name.clone(),
        second: second.0.display().to_string(),
        second_stage: instances[second.1].name.clone(),
    }
}

fn matching<'a>(
    producers: &'a BTreeMap<PathBuf, usize>,
    pattern: &str,
) -> impl Iterator<Item = (&'a PathBuf, usize)> {
    let found = producers.iter();
    found
        .filter(move |(path, _)| {
            path.to_str()
                .is_some_and(|path| glob::matches(pattern, path))
        })
        .map(|(path, at)| (path, *at))
}

/// The instances whose outputs an input may read.
fn makers(producers: &BTreeMap<PathBuf, usize>, target: &Target) -> BTreeSet<usize> {
    match target {
        Target::Absent => BTreeSet::new(),
        Target::Path(path) => touching(producers, path),
        Target::Glob(pattern) => {
            let declared: BTreeSet<usize> =
                matching(producers, pattern).map(|(_, at)| at).collect();
            if !declared.is_empty() {
                return declared;
            }
            let outputs = producers.iter();
            let holding = outputs.filter(|(path, _)| {
                let path = path.to_str();
                path.is_some_and(|path| glob::may_match_below(pattern, path))
            });
            holding.map(|(_, at)| *at).collect()
        }
    }
}

/// Makers of `path`, of a folder around it, or of something inside it.
fn touching(producers: &BTreeMap<PathBuf, usize>, path: &Path) -> BTreeSet<usize> {
    let around = path
        .ancestors()
        .filter_map(|folder| producers.get(folder).copied());
    let inside = producers.range(path.to_owned()..);
    let inside = inside
        .take_while(|(other, _)| other.starts_with(path))
        .map(|(_, at)| *at);
    around.chain(inside).collect()
}

/// An order in which instances follow their upstream, else that of the file.
fn topological(instances: &[Instance], upstream: &[BTreeSet<usize>]) -> Result<Vec<usize>> {
    let mut waits_for: Vec<usize> = upstream.iter().map(BTreeSet::len).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); instances.len()];
    for (at, above) in upstream.iter().enumerate() {
        for &above in above {
            followers[above].push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..instances.len())
        .filter(|&at| waits_for[at] == 0)
        .collect();
    let mut order = Vec::with_capacity(instances.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for &follower in &followers[at] {
            waits_for[follower] -= 1;
            if waits_for[follower] == 0 {
                ready.insert(follower);
            }
        }
    }
    if order.len() == instances.len() {
        return Ok(order);
    }
    let left = (0..instances.len())
        .filter(|&at| waits_for[at] > 0)
        .collect();
    Err(Error::Cycle(chain(instances, upstream, &left)))
}

/// A cycle among `left`, each of which waits for another of them, as `a → b → a`.
fn chain(instances: &[Instance], upstream: &[BTreeSet<usize>], left: &BTreeSet<usize>) -> String {
    let mut path: Vec<usize> = left.first().copied().into_iter().collect();
    while let Some(&last) = path.last() {
        let Some(&next) = upstream[last].iter().find(|above| left.contains(above)) else {
            break;
        };
        let seen = path.iter().position(|&at| at == next);
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
        .map(|&at| instances[at].name.as_str())
        .collect();
    names.join(" → ")
}

#[cfg(test)]
mod tests;
