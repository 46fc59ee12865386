//! Progress of the instances of a plan, and the ready ones among them.

use std::collections::{BTreeMap, BTreeSet};

use store::Digest;
use workflow::graph::{InstanceId, PerInstance};

/// Progress of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// For others that it follows, or for its turn.
    Waiting,
    /// It has to run under this key, and there was no room.
    NeedsRoom(Digest),
    Running,
    /// Done, failed or skipped.
    Ended,
}

/// A plan: instances in their order.
///
/// The end of an instance takes time in proportion to its followers, for any number of instances.
pub(super) struct Schedule {
    order: Vec<InstanceId>,
    stages: BTreeMap<InstanceId, Stage>,
    /// Places in the order of those that are waiting or need room, and follow none that isn't ended.
    ready: BTreeSet<usize>,
}

struct Stage {
    /// Its place in the order.
    place: usize,
    progress: Progress,
    /// Of those that it follows in this plan, how many are not ended.
    n_before: usize,
    followers: Vec<InstanceId>,
}

impl Schedule {
    /// For instances in the order `order`, each behind those of the plan that `before` has for it.
    pub(super) fn new(order: Vec<InstanceId>, before: &PerInstance<BTreeSet<InstanceId>>) -> Self {
        let stages = order.iter().zip(0..).map(|(&id, place)| {
            let stage = Stage {
                place,
                progress: Progress::Waiting,
                n_before: 0,
                followers: Vec::new(),
            };
            (id, stage)
        });
        let mut stages: BTreeMap<InstanceId, Stage> = stages.collect();
        for &id in &order {
            let mut n_before = 0;
            for above in &before[id] {
                if let Some(above) = stages.get_mut(above) {
                    above.followers.push(id);
                    n_before += 1;
                }
            }
            stages
                .entry(id)
                .and_modify(|stage| stage.n_before = n_before);
        }
        let ready = { stages.values() }.filter(|stage| stage.n_before == 0);
        Schedule {
            ready: ready.map(|stage| stage.place).collect(),
            order,
            stages,
        }
    }

    pub(super) fn order(&self) -> &[InstanceId] {
        &self.order
    }

    /// The instances of the plan from `first` on.
    pub(super) fn from(&self, first: InstanceId) -> &[InstanceId] {
        &self.order[self.stages[&first].place..]
    }

    pub(super) fn is_ended(&self, id: InstanceId) -> bool {
        self.stages[&id].progress == Progress::Ended
    }

    /// Those that wait for no other, in the order of the plan.
    pub(super) fn ready(&self) -> impl Iterator<Item = (InstanceId, Progress)> {
        { self.ready.iter() }.map(|&place| {
            let id = self.order[place];
            (id, self.stages[&id].progress)
        })
    }

    /// All that follows from an instance, in the order of the plan.
    pub(super) fn followers(&self, id: InstanceId) -> Vec<InstanceId> {
        let mut places = BTreeSet::new();
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            let followers = self.stages[&id].followers.iter();
            left.extend(followers.filter(|follower| places.insert(self.stages[follower].place)));
        }
        places.into_iter().map(|place| self.order[place]).collect()
    }

    pub(super) fn set(&mut self, id: InstanceId, progress: Progress) {
        let stage = self.stages.get_mut(&id).expect("it is one of the plan");
        let was_ended = std::mem::replace(&mut stage.progress, progress) == Progress::Ended;
        if matches!(progress, Progress::Running | Progress::Ended) {
            self.ready.remove(&stage.place);
        }
        if progress == Progress::Ended && !was_ended {
            for follower in std::mem::take(&mut stage.followers) {
                self.end_one_before(follower);
            }
        }
    }

    fn end_one_before(&mut self, id: InstanceId) {
        let stage = self.stages.get_mut(&id).expect("it is one of the plan");
        stage.n_before -= 1;
        if stage.n_before == 0 && stage.progress == Progress::Waiting {
            self.ready.insert(stage.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `0 → 1 → 3`, `2 → 3`, in the order 2, 0, 1, 3; 4 is not of the plan.
    fn schedule() -> Schedule {
        let upstream: [&[u32]; 5] = [&[4], &[0], &[], &[1, 2, 4], &[]];
        let upstream = upstream.map(|above| ids(above).into_iter().collect());
        Schedule::new(ids(&[2, 0, 1, 3]), &upstream.into_iter().collect())
    }

    const fn id(position: u32) -> InstanceId {
        InstanceId::new(position)
    }

    fn ids(positions: &[u32]) -> Vec<InstanceId> {
        positions.iter().copied().map(id).collect()
    }

    fn ready(schedule: &Schedule) -> Vec<InstanceId> {
        schedule.ready().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_follower_is_ready_when_all_before_it_have_ended() {
        let mut schedule = schedule();
        assert_eq!(ready(&schedule), ids(&[2, 0]));
        schedule.set(id(0), Progress::Running);
        assert_eq!(ready(&schedule), ids(&[2]));
        schedule.set(id(0), Progress::Ended);
        assert_eq!(ready(&schedule), ids(&[2, 1]));
        schedule.set(id(2), Progress::Ended);
        schedule.set(id(1), Progress::NeedsRoom(Digest::of_bytes(b"key")));
        assert_eq!(ready(&schedule), ids(&[1]));
        schedule.set(id(1), Progress::Ended);
        assert_eq!(ready(&schedule), ids(&[3]));
        schedule.set(id(3), Progress::Ended);
        assert!(ready(&schedule).is_empty());
    }

    #[test]
    fn followers_of_a_failed_instance_can_be_ended_first() {
        let mut schedule = schedule();
        assert_eq!(schedule.followers(id(0)), ids(&[1, 3]));
        for follower in schedule.followers(id(0)) {
            schedule.set(follower, Progress::Ended);
        }
        schedule.set(id(0), Progress::Ended);
        schedule.set(id(2), Progress::Ended);
        assert!(ready(&schedule).is_empty());
        assert!([0, 1, 2, 3].into_iter().all(|at| schedule.is_ended(id(at))));
    }

    #[test]
    fn a_plan_goes_on_from_a_place() {
        assert_eq!(schedule().from(id(0)), ids(&[0, 1, 3]));
    }
}
