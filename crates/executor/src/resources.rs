//! Resources of tasks: needs, allocations, and the pool of a machine.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use protocol::environment;
use serde::{Deserialize, Serialize};

/// Resources that a task occupies while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor cores.
    pub cores: Option<u32>,
    /// Memory in bytes.
    pub memory: u64,
    /// GPUs.
    pub gpus: u32,
}

impl Resources {
    fn cores(&self) -> u64 {
        u64::from(self.cores.unwrap_or(0))
    }
}

/// Free resources beside the tasks that run.
#[derive(Debug)]
pub struct Pool {
    jobs: usize,
    cores: u64,
    /// In bytes; none where it is unknown.
    memory: Option<u64>,
    gpus: BTreeSet<String>,
    n_running: usize,
}

/// Resources of a running task.
#[derive(Debug, Default)]
pub struct Allocation {
    cores: u64,
    memory: u64,
    gpus: BTreeSet<String>,
}

impl Allocation {
    /// Variables that give the task its GPUs; none for a task without GPUs.
    #[must_use]
    pub fn environment(&self) -> Option<(String, String)> {
        let gpus: Vec<&str> = self.gpus.iter().map(String::as_str).collect();
        (!gpus.is_empty()).then(|| (environment::CUDA_DEVICES.to_owned(), gpus.join(",")))
    }
}

impl Pool {
    /// Of which at most `jobs` tasks at once have these resources together; memory in bytes, or none where it is
    /// unknown.
    #[must_use]
    pub fn new(
        jobs: NonZeroUsize,
        cores: u64,
        memory: Option<u64>,
        gpus: BTreeSet<String>,
    ) -> Self {
        Pool {
            jobs: jobs.get(),
            cores,
            memory,
            gpus,
            n_running: 0,
        }
    }

    /// Number of free GPUs.
    #[must_use]
    pub fn n_gpus(&self) -> usize {
        self.gpus.len()
    }

    /// Returns whether a task that needs `needed` can start. Alone it always can: a task that needs more than there is
    /// runs by itself.
    #[must_use]
    pub fn fits(&self, needed: &Resources) -> bool {
        let gpus = usize::try_from(needed.gpus).unwrap_or(usize::MAX);
        let fits = needed.cores() <= self.cores
            && self.memory.is_none_or(|left| needed.memory <= left)
            && gpus <= self.gpus.len();
        self.n_running < self.jobs && (fits || self.n_running == 0)
    }

    /// Takes the resources that a task needs, or all that are left.
    #[must_use]
    pub fn take(&mut self, needed: &Resources) -> Allocation {
        let allocation = Allocation {
            cores: needed.cores().min(self.cores),
            memory: needed.memory.min(self.memory.unwrap_or(needed.memory)),
            gpus: { self.gpus.iter().cloned() }
                .take(needed.gpus.try_into().unwrap_or(usize::MAX))
                .collect(),
        };
        self.n_running += 1;
        self.cores -= allocation.cores;
        self.memory = self.memory.map(|left| left - allocation.memory);
        self.gpus.retain(|gpu| !allocation.gpus.contains(gpu));
        allocation
    }

    /// Takes the resources of a task back.
    pub fn give_back(&mut self, allocation: Allocation) {
        self.n_running -= 1;
        self.cores += allocation.cores;
        self.memory = self.memory.map(|left| left + allocation.memory);
        self.gpus.extend(allocation.gpus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(jobs: usize) -> Pool {
        let jobs = NonZeroUsize::new(jobs).unwrap();
        Pool::new(jobs, 4, Some(100), named([0, 1]))
    }

    fn named<const N: usize>(gpus: [u32; N]) -> BTreeSet<String> {
        gpus.map(|gpu| gpu.to_string()).into()
    }

    fn needs(cores: u32, memory: u64, gpus: u32) -> Resources {
        Resources {
            cores: Some(cores),
            memory,
            gpus,
        }
    }

    #[test]
    fn tasks_run_together_as_long_as_there_is_room() {
        let mut pool = pool(3);
        let first = pool.take(&needs(3, 60, 1));
        assert_eq!(first.gpus, named([0]));
        assert!(pool.fits(&needs(1, 40, 1)));
        for too_much in [needs(2, 0, 0), needs(1, 41, 0), needs(1, 0, 2)] {
            assert!(!pool.fits(&too_much), "{too_much:?}");
        }
        let second = pool.take(&needs(1, 40, 1));
        assert_eq!(second.gpus, named([1]));
        pool.give_back(first);
        assert!(pool.fits(&needs(3, 60, 1)));
        pool.give_back(second);
        assert!(pool.fits(&needs(4, 100, 2)));
    }

    #[test]
    fn a_task_that_needs_too_much_runs_alone() {
        let mut pool = pool(3);
        let huge = needs(1000, 1000, 9);
        assert!(pool.fits(&huge));
        let allocation = pool.take(&huge);
        assert_eq!(allocation.gpus, named([0, 1]));
        assert!(!pool.fits(&needs(1, 0, 0)));
        pool.give_back(allocation);
        let small = pool.take(&Resources::default());
        assert!(!pool.fits(&huge));
        pool.give_back(small);
        assert!(pool.fits(&needs(4, 100, 2)));
    }

    #[test]
    fn there_are_no_more_tasks_than_jobs() {
        let mut pool = pool(1);
        let _one = pool.take(&Resources::default());
        assert!(!pool.fits(&needs(0, 0, 0)));
    }
}
