//! How a training goes, in words and bars.

use stage::Progress;
use tables::history::History;
use tables::timing::Timing;
use tracing::info;

use crate::Watch;

/// Tells the log and the progress bars how a training goes.
pub struct Teller<C> {
    clock: C,
    n_epochs: usize,
    epochs: Progress,
    steps: Option<Progress>,
}

impl<C: Fn() -> f64> Teller<C> {
    /// Tells of a training of `n_epochs` epochs; `clock` gives seconds since some moment.
    pub fn new(n_epochs: usize, clock: C) -> Self {
        Self {
            clock,
            n_epochs,
            epochs: Progress::start("epochs", n_epochs),
            steps: None,
        }
    }
}

impl<C: Fn() -> f64> Watch for Teller<C> {
    fn seconds(&self) -> f64 {
        (self.clock)()
    }

    fn resumed(&mut self, epochs: usize) {
        if epochs > 0 {
            info!("continuing after {epochs} of {} epochs", self.n_epochs);
            self.epochs.advance(epochs);
        }
    }

    fn epoch_begins(&mut self, steps: usize) {
        self.steps = Some(Progress::start("steps", steps));
    }

    fn step_done(&mut self, loss: f64) {
        if let Some(steps) = &self.steps {
            steps.advance(1);
            steps.message(&format!("loss {loss:.3}"));
        }
    }

    fn epoch_done(&mut self, row: &History, timing: &Timing) {
        self.epochs.advance(1);
        self.epochs.message(&format!(
            "loss {:.3}, score {:.3}",
            row.train_loss, row.score
        ));
        let validation = row
            .val_loss
            .map_or_else(String::new, |loss| format!(", validation {loss:.4}"));
        info!(
            "epoch {}: learning rate {:.3e}; loss train {:.4}, test {:.4}{validation}; score {:.4}{}; {:.1} s training, {:.1} s evaluation",
            row.epoch,
            row.learning_rate,
            row.train_loss,
            row.test_loss,
            row.score,
            if row.best { " (best)" } else { "" },
            timing.train_s,
            timing.evaluate_s,
        );
    }
}
