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

    /// Brings the stages up to date and shows what goes on.
    ///
    /// # Errors
    /// The run fails.
    fn repro(
        &mut self,
        workspace: &mut Workspace,
        selection: &Selection,
        options: Options,
    ) -> Result<Vec<Outcome>, Self::Error>;

    /// A failure that changes may mend.
    fn failed(&mut self, error: &Self::Error);

    /// All was done that can be done until something changes.
    ///
    /// # Errors
    /// Nobody can be told.
    fn waits(&mut self) -> Result<(), Self::Error>;

    /// Fails if there is nothing left to watch.
    ///
    /// # Errors
    /// The folder is gone.
    fn check(&mut self) -> Result<(), Self::Error>;
}

/// Goes on until a signal comes.
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
    let mut told = String::new();
    loop {
        let tried = repro(watcher, options, &interrupts)?;
        watcher.waits()?;
        while !has_settled_work(watcher, &tried, &mut told, &interrupts) {
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
struct Tried {
    outcomes: Vec<Outcome>,
    /// What it could not even begin, as long as this stays as it is.
    hopeless: BTreeSet<String>,
}

/// Brings all up to date that can be; a mistake in a file is told, and waits for its correction.
fn repro<W: Watcher>(
    watcher: &mut W,
    options: Options,
    interrupts: &Interrupts,
) -> Result<Tried, W::Error> {
    let mut run = || {
        let (mut workspace, selection) = watcher.open()?;
        watcher.repro(&mut workspace, &selection, options)
    };
    let outcomes = run();
    check(interrupts)?;
    match outcomes {
        Ok(outcomes) => Ok(Tried {
            outcomes,
            ..Tried::default()
        }),
        Err(error) => {
            watcher.failed(&error);
            // What cannot be looked at either will say so.
            let hopeless = look(watcher, &Tried::default()).unwrap_or_default();
            Ok(Tried {
                hopeless,
                ..Tried::default()
            })
        }
    }
}

/// Looks twice, with a pause: whether there is work, and the same both times, so that nobody is in the middle of a change.
fn has_settled_work<W: Watcher>(
    watcher: &mut W,
    tried: &Tried,
    told: &mut String,
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
            told.clear();
            work
        }
        Err(error) => {
            let message = format!("{error:#}");
            if *told != message {
                watcher.failed(&error);
                *told = message;
            }
            BTreeSet::new()
        }
    });
    !second.is_empty() && first == second && second != tried.hopeless
}

fn look<W: Watcher>(watcher: &mut W, tried: &Tried) -> Result<BTreeSet<String>, W::Error> {
    let (mut workspace, selection) = watcher.open()?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    Ok(work(&outcomes, tried))
}

/// What a repro could do that it hasn't just tried: instances with their keys.
fn work(outcomes: &[Outcome], tried: &Tried) -> BTreeSet<String> {
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
        let tried = Tried {
            outcomes: tried,
            ..Tried::default()
        };
        let work = work(outcomes, &tried).into_iter();
        work.filter_map(|text| text.split(' ').next().map(str::to_owned))
            .collect()
    }

    #[test]
    fn what_just_failed_waits_for_a_change() {
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
