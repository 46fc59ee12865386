//! Instances by their positions in the graph.

use std::ops::{Index, IndexMut};
use std::slice;

/// Position of an instance in the graph, in the order of `pipeline.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceId(u32);

impl InstanceId {
    /// The instance at `position`, counted from 0.
    #[must_use]
    pub const fn new(position: u32) -> Self {
        InstanceId(position)
    }

    fn position(self) -> usize {
        usize::try_from(self.0).expect("a position in memory fits")
    }
}

/// A value for each instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerInstance<T>(Vec<T>);

impl<T> PerInstance<T> {
    /// The values, in the order of the instances.
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.0.iter()
    }

    /// All instances.
    pub fn ids(&self) -> impl Iterator<Item = InstanceId> {
        self.with_ids().map(|(id, _)| id)
    }

    /// The values, each with its instance.
    pub fn with_ids(&self) -> impl Iterator<Item = (InstanceId, &T)> {
        let positions = (0..).map(InstanceId);
        positions.zip(&self.0)
    }

    /// A value for each instance, computed from that of `self`.
    pub(super) fn map<U>(&self, value: impl FnMut(&T) -> U) -> PerInstance<U> {
        PerInstance(self.0.iter().map(value).collect())
    }
}

impl<T> Index<InstanceId> for PerInstance<T> {
    type Output = T;

    fn index(&self, id: InstanceId) -> &T {
        &self.0[id.position()]
    }
}

impl<T> IndexMut<InstanceId> for PerInstance<T> {
    fn index_mut(&mut self, id: InstanceId) -> &mut T {
        &mut self.0[id.position()]
    }
}

impl<T> FromIterator<T> for PerInstance<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        PerInstance(values.into_iter().collect())
    }
}

impl<T> IntoIterator for PerInstance<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a PerInstance<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
