//! Progress of trainings: epoch, loss, score, best so far, time left.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::Progress;
use serde_json::{Value, json};

use crate::print;

/// The task that counts epochs.
pub(crate) const EPOCHS: &str = "epochs";

/// The task that counts the steps of an epoch.
const STEPS: &str = "steps";

/// Minimum share of an epoch for an estimate of the time left.
const LEAST: f64 = 0.05;

/// The trainings of running stages, by instance.
#[derive(Default)]
pub(crate) struct Trainings(BTreeMap<String, Training>);

impl Trainings {
    /// Takes note of a stage's progress. Returns its training if an epoch has come to its end.
    pub(crate) fn note(
        &mut self,
        stage: &str,
        progress: &Progress,
        now: Instant,
    ) -> Option<&Training> {
        let training = self.0.entry(stage.to_owned()).or_default();
        training.note(progress, now);
        let is_end = progress.task == EPOCHS && progress.score.is_some();
        is_end.then_some(training)
    }

    /// The training of a stage, if it has one.
    pub(crate) fn get(&self, stage: &str) -> Option<&Training> {
        self.0
            .get(stage)
            .filter(|training| training.total.is_some())
    }

    /// Forgets a stage that has ended.
    pub(crate) fn end(&mut self, stage: &str) {
        self.0.remove(stage);
    }
}

/// Progress of a training.
#[derive(Debug, Default)]
pub(crate) struct Training {
    /// Completed epochs, and their total.
    done: u64,
    total: Option<u64>,
    /// Share of the epoch under way that is done.
    share: f64,
    /// Start of the first epoch of this run, and the number of epochs before it, those of a killed run.
    begun: Option<(Instant, u64)>,
    /// Result of the last epoch.
    last: Option<Progress>,
}

impl Training {
    fn note(&mut self, progress: &Progress, now: Instant) {
        match (progress.task.as_str(), progress.total) {
            (EPOCHS, total) => {
                self.done = progress.done;
                self.total = total;
                self.share = 0.0;
                if progress.score.is_some() {
                    self.last = Some(progress.clone());
                }
            }
            (STEPS, Some(total)) if total > 0 => {
                self.begun.get_or_insert((now, self.done));
                #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 steps")]
                let share = progress.done as f64 / total as f64;
                self.share = share.min(1.0);
            }
            _ => {}
        }
    }

    /// The time that is left, by the pace until now.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let (begun, first) = self.begun?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 epochs")]
        let [done, total] = [
            self.done - first.min(self.done),
            self.total? - first.min(self.total?),
        ]
        .map(|epochs| epochs as f64);
        let done = done + self.share;
        if done < LEAST {
            return None;
        }
        let left = (total - done).max(0.0) / done;
        Duration::try_from_secs_f64(now.duration_since(begun).as_secs_f64() * left).ok()
    }

    /// `loss 0.412  score 0.713  best 0.730 (epoch 2)  1 min 20 s left`.
    pub(crate) fn text(&self, now: Instant) -> String {
        let mut parts = Vec::new();
        if let Some(last) = &self.last {
            let number = |name: &str, value: Option<f64>| value.map(|v| format!("{name} {v:.3}"));
            parts.extend(number("loss", last.loss));
            parts.extend(number("score", last.score));
            let best = number("best", last.best_score).map(|best| match last.best_epoch {
                Some(epoch) => format!("{best} (epoch {epoch})"),
                None => best,
            });
            parts.extend(best);
        }
        if let Some(left) = self.left(now).filter(|_| Some(self.done) != self.total) {
            parts.push(format!("{} left", print::seconds(left.as_secs_f64())));
        }
        parts.join("  ")
    }

    /// `epoch 3/12  loss 0.412  score 0.713  best 0.730 (epoch 2)  1 min 20 s left`.
    pub(crate) fn line(&self, now: Instant) -> String {
        let total = self.total.map(|total| format!("/{total}"));
        let total = total.unwrap_or_default();
        format!("epoch {}{total}  {}", self.done, self.text(now))
    }

    /// The same for programs.
    pub(crate) fn json(&self, stage: &str, now: Instant) -> Value {
        let last = self.last.as_ref();
        json!({
            "stage": stage,
            "epoch": self.done,
            "epochs": self.total,
            "loss": last.and_then(|last| last.loss),
            "score": last.and_then(|last| last.score),
            "best_score": last.and_then(|last| last.best_score),
            "best_epoch": last.and_then(|last| last.best_epoch),
            "left_s": self.left(now).map(|left| left.as_secs_f64()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(task: &str, done: u64, total: u64) -> Progress {
        Progress {
            task: task.to_owned(),
            done,
            total: Some(total),
            ..Progress::default()
        }
    }

    fn epoch(done: u64, score: f64, best: (f64, u64)) -> Progress {
        Progress {
            loss: Some(0.4),
            score: Some(score),
            best_score: Some(best.0),
            best_epoch: Some(best.1),
            ..progress(EPOCHS, done, 6)
        }
    }

    #[test]
    fn the_time_left_goes_by_the_epochs_of_this_run() {
        let mut trainings = Trainings::default();
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        // Two epochs of a killed run, then the third.
        assert!(
            trainings
                .note("t", &progress(EPOCHS, 2, 6), start)
                .is_none()
        );
        trainings.note("t", &progress(STEPS, 0, 8), start);
        assert_eq!(trainings.get("t").unwrap().left(after(1)), None);
        trainings.note("t", &progress(STEPS, 4, 8), after(10));
        let half = trainings.get("t").unwrap();
        assert_eq!(half.left(after(10)), Some(Duration::from_secs(70)));
        assert_eq!(half.text(after(10)), "1 min 10 s left");
        let training = trainings
            .note("t", &epoch(3, 0.5, (0.7, 1)), after(20))
            .unwrap();
        assert_eq!(
            training.line(after(20)),
            "epoch 3/6  loss 0.400  score 0.500  best 0.700 (epoch 1)  1 min 00 s left"
        );
        assert_eq!(training.json("t", after(20))["left_s"], 60.0);
        let training = trainings
            .note("t", &epoch(6, 0.9, (0.9, 6)), after(80))
            .unwrap();
        assert_eq!(
            training.line(after(80)),
            "epoch 6/6  loss 0.400  score 0.900  best 0.900 (epoch 6)"
        );
        trainings.end("t");
        assert!(trainings.get("t").is_none());
    }
}
