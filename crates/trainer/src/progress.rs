//! Progress of a training in the log and in progress bars.

use stage::{Epoch, Progress};
use table_history::History;
use table_timings::Timing;
use tracing::info;

use crate::TrainingObserver;

/// Reports the progress of a training to the log and the progress bars.
pub struct ProgressReporter<C> {
    clock: C,
    n_epochs: usize,
    epochs: Progress,
    steps: Option<Progress>,
    /// Of the best epoch so far: score, negative validation loss, which breaks ties, and number, from 1.
    best: Option<(f64, f64, u64)>,
}

impl<C: Fn() -> f64> ProgressReporter<C> {
    /// A reporter for a training of `n_epochs` epochs; `clock` returns seconds since a fixed moment.
    pub fn new(n_epochs: usize, clock: C) -> Self {
        Self {
            clock,
            n_epochs,
            epochs: Progress::start("epochs", n_epochs),
            steps: None,
            best: None,
        }
    }

    /// Remembers the epoch if it is the best so far.
    fn note(&mut self, row: &History) {
        let rank = (row.score, -row.validation_loss);
        let is_best = |(score, loss, _)| rank > (score, loss);
        if self.best.is_none_or(is_best) {
            self.best = Some((rank.0, rank.1, u64::from(row.epoch) + 1));
        }
    }
}

impl<C: Fn() -> f64> TrainingObserver for ProgressReporter<C> {
    fn seconds(&self) -> f64 {
        (self.clock)()
    }

    fn resumed(&mut self, history: &[History]) {
        let epochs = history.len();
        if epochs > 0 {
            info!("continuing after {epochs} of {} epochs", self.n_epochs);
            self.epochs.advance(epochs);
        }
        history.iter().for_each(|row| self.note(row));
    }

    fn epoch_started(&mut self, steps: usize) {
        self.steps = Some(Progress::start("steps", steps));
    }

    fn step_finished(&mut self, loss: f64) {
        if let Some(steps) = &self.steps {
            steps.step(loss);
        }
    }

    fn epoch_finished(&mut self, row: &History, timing: &Timing) {
        let epoch = u64::from(row.epoch) + 1;
        self.note(row);
        let best = self.best.map(|(score, _, epoch)| (score, epoch));
        let (best_score, best_epoch) = best.unwrap_or((row.score, epoch));
        self.epochs.epoch(&Epoch {
            loss: row.train_loss,
            score: row.score,
            best_score,
            best_epoch,
        });
        let test = row
            .test_loss
            .map_or_else(String::new, |loss| format!(", test {loss:.4}"));
        info!(
            "epoch {}: learning rate {:.3e}; loss train {:.4}, validation {:.4}{test}; score {:.4}{}; {:.1} s training, {:.1} s evaluation",
            row.epoch,
            row.learning_rate,
            row.train_loss,
            row.validation_loss,
            row.score,
            if best_epoch == epoch { " (best)" } else { "" },
            timing.train_s,
            timing.evaluate_s,
        );
    }
}
