//! Progress of a stage.
//!
//! Progress travels as `tracing` events of a target of their own; the stage's subscriber prints them to standard output
//! as JSON lines, which the runner turns into bars.

use std::{
    io::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use protocol::Message;
use tracing::{
    Event,
    field::{Field, Visit},
};

/// The target of progress events.
pub(crate) const TARGET: &str = "atelier::progress";

/// Minimum interval between two updates of a bar.
const INTERVAL: Duration = Duration::from_millis(100);

/// Results of an epoch of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Mean loss of the training images.
    pub loss: f64,
    /// Score that selects the best epoch; higher is better.
    pub score: f64,
    /// The highest score so far.
    pub best_score: f64,
    /// The epoch that has it, from 1.
    pub best_epoch: u64,
}

/// A count of items, which the runner shows as a bar with an estimate of the time left.
#[derive(Debug)]
pub struct Progress {
    task: &'static str,
    total: u64,
    done: AtomicU64,
    sent: Mutex<Option<Instant>>,
}

impl Progress {
    /// Begins a count of `total` items; `task` names them in the plural, such as "images".
    pub fn start(task: &'static str, total: usize) -> Self {
        let progress = Self {
            task,
            total: total as u64,
            done: AtomicU64::new(0),
            sent: Mutex::new(None),
        };
        progress.emit("");
        progress
    }

    /// Counts `n` more items. May be called from many threads.
    pub fn advance(&self, n: usize) {
        let done = self.done.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
        if done >= self.total || self.due() {
            self.emit("");
        }
    }

    /// Shows a short text beside the bar, such as the last loss.
    pub fn message(&self, text: &str) {
        self.emit(text);
    }

    /// Counts an epoch, with its results: shown at once.
    pub fn epoch(&self, epoch: &Epoch) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (task, total) = (self.task, self.total);
        let Epoch {
            loss,
            score,
            best_score,
            best_epoch,
        } = *epoch;
        tracing::trace!(target: TARGET, task, done, total, loss, score, best_score, best_epoch);
    }

    /// Counts a training step, with its loss.
    pub fn step(&self, loss: f64) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done >= self.total || self.due() {
            let (task, total) = (self.task, self.total);
            tracing::trace!(target: TARGET, task, done, total, loss);
        }
    }

    fn due(&self) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(|error| error.into_inner());
        let due = sent.is_none_or(|sent| sent.elapsed() >= INTERVAL);
        if due {
            *sent = Some(Instant::now());
        }
        due
    }

    fn emit(&self, message: &str) {
        let (task, done, total) = (self.task, self.done.load(Ordering::Relaxed), self.total);
        tracing::trace!(target: TARGET, task, done, total, message);
    }
}

/// The message of a progress event.
pub(crate) fn of_event(event: &Event<'_>) -> Message {
    let mut fields = Fields::default();
    event.record(&mut fields);
    Message::Progress(fields.0)
}

/// Prints a message for the runner. A closed pipe is no reason to stop the work.
pub(crate) fn send(message: &Message) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

/// Fields of a progress event, by their names in [`protocol::Progress`].
#[derive(Default)]
struct Fields(protocol::Progress);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "done" => self.0.done = value,
            "total" => self.0.total = Some(value),
            "best_epoch" => self.0.best_epoch = Some(value),
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // Numbers that JSON cannot represent are left out.
        let value = Some(value).filter(|value| value.is_finite());
        match field.name() {
            "loss" => self.0.loss = value,
            "score" => self.0.score = value,
            "best_score" => self.0.best_score = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "task" => value.clone_into(&mut self.0.task),
            "message" => self.0.message = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
