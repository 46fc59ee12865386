//! Resources of this machine.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use protocol::environment;

use super::cgroup::Groups;
use crate::resources::Pool;

/// All of this machine that this process may use, for at most `jobs` tasks at once.
pub(super) fn pool(jobs: NonZeroUsize) -> Pool {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let cores = cores.try_into().unwrap_or(u64::MAX);
    Pool::new(jobs, cores, memory(), visible_gpus())
}

/// The memory that this process and its children may have, in bytes, if the system provides it.
fn memory() -> Option<u64> {
    let limit = Groups::own().memory_limit();
    limit.into_iter().chain(total_memory()).min()
}

/// All memory in bytes, from `/proc`.
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

/// NVIDIA's GPUs; one where there is none of them, so that tasks that want one take turns.
fn count_gpus() -> u32 {
    let there = (0..).take_while(|number| Path::new(&format!("/dev/nvidia{number}")).exists());
    u32::try_from(there.count()).unwrap_or(1).max(1)
}
