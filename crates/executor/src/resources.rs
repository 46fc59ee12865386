//! What stages occupy while they run, and how much of it the machine has.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use protocol::environment;

use crate::local::cgroup::Groups;

/// What a stage occupies while it runs. None of it is part of its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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

/// What is left of the machine beside the stages that run.
#[derive(Debug)]
pub struct Room {
    jobs: usize,
    cores: u64,
    /// In bytes; none where the machine doesn't tell.
    memory: Option<u64>,
    gpus: BTreeSet<String>,
    n_running: usize,
}

/// What a running stage has of the machine.
#[derive(Debug, Default)]
pub struct Share {
    cores: u64,
    memory: u64,
    /// The GPUs, as `CUDA_VISIBLE_DEVICES` names them.
    pub gpus: BTreeSet<String>,
}

impl Room {
    /// All of this machine that this process may use, for at most `jobs` stages at once.
    pub fn of_machine(jobs: NonZeroUsize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Room {
            jobs: jobs.get(),
            cores: cores.try_into().unwrap_or(u64::MAX),
            memory: memory(),
            gpus: visible_gpus(),
            n_running: 0,
        }
    }

    /// Number of GPUs that are free.
    pub fn n_gpus(&self) -> usize {
        self.gpus.len()
    }

    /// Whether one more stage may run, whatever it needs.
    pub fn has_place(&self) -> bool {
        self.n_running < self.jobs
    }

    /// Whether a stage that needs `needed` may start. Alone it always may: a stage that asks for more than there is
    /// runs by itself.
    pub fn fits(&self, needed: &Resources) -> bool {
        let gpus = usize::try_from(needed.gpus).unwrap_or(usize::MAX);
        let fits = needed.cores() <= self.cores
            && self.memory.is_none_or(|left| needed.memory <= left)
            && gpus <= self.gpus.len();
        self.has_place() && (fits || self.n_running == 0)
    }

    /// Takes what a stage needs, or all that is left.
    pub fn take(&mut self, needed: &Resources) -> Share {
        let share = Share {
            cores: needed.cores().min(self.cores),
            memory: needed.memory.min(self.memory.unwrap_or(needed.memory)),
            gpus: { self.gpus.iter().cloned() }
                .take(needed.gpus.try_into().unwrap_or(usize::MAX))
                .collect(),
        };
        self.n_running += 1;
        self.cores -= share.cores;
        self.memory = self.memory.map(|left| left - share.memory);
        self.gpus.retain(|gpu| !share.gpus.contains(gpu));
        share
    }

    /// Takes back what a stage had.
    pub fn give_back(&mut self, share: Share) {
        self.n_running -= 1;
        self.cores += share.cores;
        self.memory = self.memory.map(|left| left + share.memory);
        self.gpus.extend(share.gpus);
    }
}

/// The memory that this process and its children may have, in bytes, where the system tells.
fn memory() -> Option<u64> {
    let limit = Groups::own().memory_limit();
    limit.into_iter().chain(total_memory()).min()
}

/// All memory in bytes, where `/proc` tells.
fn total_memory() -> Option<u64> {
    let text = fs_err::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes: u64 = line?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The GPUs that the user lets programs see, or all.
fn visible_gpus() -> BTreeSet<String> {
    match std::env::var(environment::CUDA_DEVICES) {
        Ok(names) => names
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect(),
        Err(_) => (0..count_gpus()).map(|number| number.to_string()).collect(),
    }
}

/// NVIDIA's GPUs; one where there is none of them, so that stages that want one take turns.
fn count_gpus() -> u32 {
    let there = (0..).take_while(|number| Path::new(&format!("/dev/nvidia{number}")).exists());
    u32::try_from(there.count()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(jobs: usize) -> Room {
        Room {
            jobs,
            cores: 4,
            memory: Some(100),
            gpus: named([0, 1]),
            n_running: 0,
        }
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
    fn stages_run_together_as_long_as_there_is_room() {
        let mut room = room(3);
        let first = room.take(&needs(3, 60, 1));
        assert_eq!(first.gpus, named([0]));
        assert!(room.fits(&needs(1, 40, 1)));
        for too_much in [needs(2, 0, 0), needs(1, 41, 0), needs(1, 0, 2)] {
            assert!(!room.fits(&too_much), "{too_much:?}");
        }
        let second = room.take(&needs(1, 40, 1));
        assert_eq!(second.gpus, named([1]));
        room.give_back(first);
        assert!(room.fits(&needs(3, 60, 1)));
        room.give_back(second);
        assert!(room.fits(&needs(4, 100, 2)));
    }

    #[test]
    fn what_asks_for_too_much_runs_alone() {
        let mut room = room(3);
        let huge = needs(1000, 1000, 9);
        assert!(room.fits(&huge));
        let share = room.take(&huge);
        assert_eq!(share.gpus, named([0, 1]));
        assert!(!room.fits(&needs(1, 0, 0)));
        room.give_back(share);
        let small = room.take(&Resources::default());
        assert!(!room.fits(&huge));
        room.give_back(small);
        assert!(room.fits(&needs(4, 100, 2)));
    }

    #[test]
    fn no_more_stages_than_jobs() {
        let mut room = room(1);
        room.take(&Resources::default());
        assert!(!room.fits(&needs(0, 0, 0)));
    }
}
