//! Signals that ask this process to stop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::signal_name;

/// Notes signals that ask to stop, so that a run can end in good order. The default notes none by itself.
#[derive(Debug, Clone, Default)]
pub struct Interrupts(Arc<AtomicUsize>);

impl Interrupts {
    /// Notes SIGINT and SIGTERM: from here on they no longer end this process by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch() -> io::Result<Self> {
        let caught = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM] {
            let value = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), value)?;
        }
        Ok(Interrupts(caught))
    }

    /// Notes a signal, as if this process had been sent it.
    pub fn interrupt(&self, signal: i32) {
        self.0
            .store(usize::try_from(signal).unwrap_or(0), Ordering::Relaxed);
    }

    /// Returns an error after a signal to stop.
    ///
    /// # Errors
    /// A signal came.
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Interrupted(i32::try_from(signal).unwrap_or(SIGTERM))),
        }
    }
}

/// A signal to this process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped by {}", name(*.0))]
pub struct Interrupted(
    /// Number of the signal.
    pub i32,
);

fn name(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => name.to_owned(),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_stays_noted_everywhere() {
        let interrupts = Interrupts::default();
        let other = interrupts.clone();
        assert_eq!(interrupts.check(), Ok(()));
        other.interrupt(SIGTERM);
        assert_eq!(interrupts.check(), Err(Interrupted(SIGTERM)));
        assert_eq!(Interrupted(SIGTERM).to_string(), "stopped by SIGTERM");
        assert_eq!(Interrupted(99).to_string(), "stopped by signal 99");
    }
}
