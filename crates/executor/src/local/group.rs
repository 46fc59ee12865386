//! The process group of a task, and its end.

use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// Time that a task has to end after a signal.
const GRACE: Duration = Duration::from_secs(5);

/// Time that killed processes have to be gone.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The process group of the task that is running, if one is.
#[derive(Clone, Default)]
pub(super) struct Group(Arc<Mutex<Option<Pid>>>);

impl Group {
    fn current(&self) -> MutexGuard<'_, Option<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the leader of a group. Signals wait until it has started.
    pub(super) fn start(
        &self,
        start: impl FnOnce() -> io::Result<Option<Child>>,
    ) -> io::Result<Option<Child>> {
        let mut group = self.current();
        let child = start()?;
        *group = child.as_ref().map(Pid::from_child);
        Ok(child)
    }

    /// Signals the group, if there is one.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(group) = *self.current() {
            send(group, signal);
        }
    }

    /// Kills the remaining processes of a task's group once the task has ended, and waits for their end.
    pub(super) fn end_rest(&self) {
        let start = Instant::now();
        if let Some(group) = self.current().take() {
            send(group, Signal::KILL);
            while test_kill_process_group(group).is_ok() && start.elapsed() < LAST_MOMENT {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Signals the group to end, and kills it after a while.
    pub(super) fn end(&self) {
        let Some(group) = *self.current() else { return };
        send(group, Signal::TERM);
        std::thread::sleep(GRACE);
        // By now the number may be another's.
        if *self.current() == Some(group) {
            send(group, Signal::KILL);
        }
    }
}

/// Signals the group; one that is gone needs no signal.
fn send(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

/// Ends a task after its time.
pub(super) struct Clock {
    is_late: Arc<AtomicBool>,
    /// Dropped with the clock, which stops it.
    _running: Sender<()>,
}

impl Clock {
    pub(super) fn start(timeout: Duration, group: &Group) -> Self {
        let (running, stopped) = channel();
        let is_late = Arc::new(AtomicBool::new(false));
        let (late, group) = (Arc::clone(&is_late), group.clone());
        std::thread::spawn(move || {
            if stopped.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                late.store(true, Ordering::Relaxed);
                group.end();
            }
        });
        Clock {
            is_late,
            _running: running,
        }
    }

    /// Returns whether the time is over.
    pub(super) fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }
}
