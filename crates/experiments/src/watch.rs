//! Bringing stages up to date whenever something changes.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use executor::Interrupts;
use keys::reason::Reason;
use ledger::runs::State;
use runner::events::Outcome;
use runner::execute::Options;
use runner::status;
use runner::{Sandbox, Workspace};
use workflow::graph::Selection;

/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// A look may take one part in so many of the time.
const SHARE: u32 = 20;

/// The person's side of a watch.
pub trait Watcher {
    /// A failure of the watcher.
    type Error: From<runner::Error> + std::fmt::Display;

    /// Reads the workspace anew, with the stages to bring up to date.
    ///
    /// # Errors
    /// A file has a mistake, or a target is unknown.
    fn open(&mut self) -> Result<(Workspace, Selection), Self::Error>;

    /// Brings the stages up to date and shows the progress.
    ///
    /// # Errors
    /// The run fails.
    fn repro(
        &mut self,
        workspace: &mut Workspace,
        selection: &Selection,
        options: Options,
    ) -> Result<Vec<Outcome>, Self::Error>;

    /// Reports a failure that changes may mend.
    fn failed(&mut self, error: &Self::Error);

    /// Reports that there is no work until something changes.
    ///
    /// # Errors
    /// The message cannot be printed.
    fn waits(&mut self) -> Result<(), Self::Error>;

    /// Fails if there is nothing left to watch.
    ///
    /// # Errors
    /// The folder is gone.
    fn check(&mut self) -> Result<(), Self::Error>;
}

/// Runs until a signal comes.
///
/// # Errors
/// The signal, or the workspace was removed.
pub fn watch<W: Watcher>(
    watcher: &mut W,
    jobs: NonZeroUsize,
    sandbox: Sandbox,
) -> Result<(), W::Error> {
    let interrupts = Interrupts::catch().map_err(runner::Error::from)?;
    let options = Options {
        keep_going: true,
        jobs,
        sandbox,
        ..Options::default()
    };
    let mut reported = String::new();
    loop {
        let tried = repro(watcher, options, &interrupts)?;
        watcher.waits()?;
        while !has_settled_work(watcher, &tried, &mut reported, &interrupts) {
            check(&interrupts)?;
            watcher.check()?;
        }
        check(&interrupts)?;
    }
}

/// The error of the runner if a signal came.
fn check(interrupts: &Interrupts) -> runner::Result<()> {
    Ok(interrupts.check()?)
}

/// The outcome of a repro.
#[derive(Default)]
struct Attempt {
    outcomes: Vec<Outcome>,
    /// Work that it couldn't begin, as long as this stays as it is.
    hopeless: BTreeSet<String>,
}

/// Brings all stages up to date as far as possible; a mistake in a file is reported, and waits for its correction.
fn repro<W: Watcher>(
    watcher: &mut W,
    options: Options,
    interrupts: &Interrupts,
) -> Result<Attempt, W::Error> {
    let mut run = || {
        let (mut workspace, selection) = watcher.open()?;
        watcher.repro(&mut workspace, &selection, options)
    };
    let outcomes = run();
    check(interrupts)?;
    match outcomes {
        Ok(outcomes) => Ok(Attempt {
            outcomes,
            ..Attempt::default()
        }),
        Err(error) => {
            watcher.failed(&error);
            // Without the work, the next look reports the mistake.
            let hopeless = look(watcher, &Attempt::default()).unwrap_or_default();
            Ok(Attempt {
                hopeless,
                ..Attempt::default()
            })
        }
    }
}

/// Looks twice, with a pause, for work that is the same both times, so that no change is in progress.
fn has_settled_work<W: Watcher>(
    watcher: &mut W,
    tried: &Attempt,
    reported: &mut String,
    interrupts: &Interrupts,
) -> bool {
    let looks = [(); 2].map(|()| {
        let start = Instant::now();
        let found = look(watcher, tried);
        let pause = PAUSE.max(start.elapsed() * SHARE);
        while start.elapsed() < pause && interrupts.check().is_ok() {
            std::thread::sleep(PAUSE / 5);
        }
        found
    });
    let [first, second] = looks.map(|found| match found {
        Ok(work) => {
            reported.clear();
            work
        }
        Err(error) => {
            let message = format!("{error:#}");
            if *reported != message {
                watcher.failed(&error);
                *reported = message;
            }
            BTreeSet::new()
        }
    });
    !second.is_empty() && first == second && second != tried.hopeless
}

fn look<W: Watcher>(watcher: &mut W, tried: &Attempt) -> Result<BTreeSet<String>, W::Error> {
    let (mut workspace, selection) = watcher.open()?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    Ok(work(&outcomes, tried))
}

/// Work beyond the last attempt: instances with their keys.
fn work(outcomes: &[Outcome], tried: &Attempt) -> BTreeSet<String> {
    let was_tried = |outcome: &Outcome| {
        let mut tried = tried.outcomes.iter();
        let before = tried.find(|before| before.stage == outcome.stage);
        let is_same = before.is_some_and(|before| before.key == outcome.key);
        let has_failed = before.is_some_and(|before| before.state == State::Failed);
        is_same && (has_failed || outcome.reasons == [Reason::AlwaysRuns])
    };
    let work = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.state, State::WouldRun | State::WouldRestore))
        .filter(|outcome| outcome.key.is_some() && !was_tried(outcome))
        .map(|outcome| format!("{} {:?}", outcome.stage, outcome.key));
    work.collect()
}

#[cfg(test)]
mod tests {
    use store::Digest;

    use super::*;

    fn outcome(stage: &str, state: State, key: &str, reason: Reason) -> Outcome {
        Outcome {
            stage: stage.to_owned(),
            state,
            reasons: vec![reason],
            key: (!key.is_empty()).then(|| Digest::of_bytes(key.as_bytes())),
            usage: None,
        }
    }

    fn stages(outcomes: &[Outcome], tried: Vec<Outcome>) -> Vec<String> {
        let tried = Attempt {
            outcomes: tried,
            ..Attempt::default()
        };
        let work = work(outcomes, &tried).into_iter();
        work.filter_map(|text| text.split(' ').next().map(str::to_owned))
            .collect()
    }

    #[test]
    fn a_failed_stage_waits_for_a_change() {
        let failed = || vec![outcome("a", State::Failed, "1", Reason::NoResult)];
        let same = [outcome("a", State::WouldRun, "1", Reason::NoResult)];
        assert!(stages(&same, failed()).is_empty());
        let changed = [outcome("a", State::WouldRun, "2", Reason::NoResult)];
        assert_eq!(stages(&changed, failed()), ["a"]);
        assert_eq!(stages(&same, Vec::new()), ["a"]);
    }

    #[test]
    fn a_stage_that_always_runs_runs_once_a_change() {
        let ran = || vec![outcome("a", State::Ran, "1", Reason::AlwaysRuns)];
        let again = [outcome("a", State::WouldRun, "1", Reason::AlwaysRuns)];
        assert!(stages(&again, ran()).is_empty());
        let edit = Reason::OutputEdited {
            output: "x".to_owned(),
        };
        let edited = [outcome("a", State::WouldRun, "1", edit)];
        assert_eq!(stages(&edited, ran()), ["a"]);
    }

    #[test]
    fn only_what_can_begin_is_work() {
        let outcomes = [
            outcome("a", State::UpToDate, "1", Reason::NoResult),
            outcome("b", State::WouldRestore, "2", Reason::NoResult),
            outcome("c", State::WouldRun, "", Reason::NoResult),
            outcome("d", State::Blocked, "3", Reason::NoResult),
        ];
        assert_eq!(stages(&outcomes, Vec::new()), ["b"]);
    }
}
