//! Bringing stages up to date whenever something changes.

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use anyhow::Context;
use executor::Interrupts;
use pipeline::events::Outcome;
use pipeline::execute::{self, Options};
use pipeline::ledger::runs::State;
use pipeline::reason::Reason;
use pipeline::status;
use pipeline::workspace::Access;
use workflow::graph::Reach;

use crate::live::Live;
use crate::{cli, message, open, print, select};

/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// A look may take one part in so many of the time.
const SHARE: u32 = 20;

/// Goes on until a signal comes.
///
/// # Errors
/// The signal, or the workspace was removed.
pub(crate) fn watch(arguments: &cli::Watch) -> anyhow::Result<()> {
    let interrupts = Interrupts::catch()?;
    let mut told = String::new();
    loop {
        let tried = repro(arguments, &interrupts)?;
        print::text("watching for changes; Ctrl-C ends it\n")?;
        while !has_settled_work(arguments, &tried, &mut told, &interrupts) {
            check(&interrupts)?;
            env::current_dir().context("the folder that was watched is gone")?;
        }
        check(&interrupts)?;
    }
}

/// The error of the runner if a signal came.
fn check(interrupts: &Interrupts) -> pipeline::Result<()> {
    Ok(interrupts.check()?)
}

/// What a repro came to.
#[derive(Default)]
struct Tried {
    outcomes: Vec<Outcome>,
    /// What it could not even begin, as long as this stays as it is.
    hopeless: BTreeSet<String>,
}

/// Brings all up to date that can be; a mistake in a file is told, and waits for its correction.
fn repro(arguments: &cli::Watch, interrupts: &Interrupts) -> anyhow::Result<Tried> {
    let options = Options {
        keep_going: true,
        jobs: arguments.jobs,
        sandbox: arguments.confine.sandbox(),
        ..Options::default()
    };
    let run = || -> anyhow::Result<Vec<Outcome>> {
        let mut workspace = open(&arguments.params, Access::Write)?;
        let selection = select(&workspace, &arguments.targets, Reach::Upstream)?;
        let mut live = Live::new(false, false);
        let outcomes = execute::repro(&mut workspace, &selection, options, &mut live);
        live.finish();
        Ok(outcomes?)
    };
    let outcomes = run();
    check(interrupts)?;
    match outcomes {
        Ok(outcomes) => Ok(Tried {
            outcomes,
            ..Tried::default()
        }),
        Err(error) => {
            print::error(&message(&error));
            // What cannot be looked at either will say so.
            let hopeless = work(arguments, &Tried::default()).unwrap_or_default();
            Ok(Tried {
                hopeless,
                ..Tried::default()
            })
        }
    }
}

/// Looks twice, with a pause: whether there is work, and the same both times, so that nobody is in the middle of a change.
fn has_settled_work(
    arguments: &cli::Watch,
    tried: &Tried,
    told: &mut String,
    interrupts: &Interrupts,
) -> bool {
    let looks = [(); 2].map(|()| {
        let start = Instant::now();
        let found = work(arguments, tried);
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
                print::error(&message);
                *told = message;
            }
            BTreeSet::new()
        }
    });
    !second.is_empty() && first == second && second != tried.hopeless
}

/// What a repro could do that it hasn't just tried: instances with their keys.
fn work(arguments: &cli::Watch, tried: &Tried) -> anyhow::Result<BTreeSet<String>> {
    let mut workspace = open(&arguments.params, Access::Write)?;
    let selection = select(&workspace, &arguments.targets, Reach::Upstream)?;
    let outcomes = status::outcomes(&mut workspace, &selection, false)?;
    let was_tried = |outcome: &Outcome| {
        let mut tried = tried.outcomes.iter();
        let before = tried.find(|before| before.stage == outcome.stage);
        let is_same = before.is_some_and(|before| before.key == outcome.key);
        let has_failed = before.is_some_and(|before| before.state == State::Failed);
        is_same && (has_failed || outcome.reasons == [Reason::AlwaysRuns])
    };
    let work = { outcomes.iter() }
        .filter(|outcome| matches!(outcome.state, State::WouldRun | State::WouldRestore))
        .filter(|outcome| outcome.key.is_some() && !was_tried(outcome))
        .map(|outcome| format!("{} {:?}", outcome.stage, outcome.key));
    Ok(work.collect())
}
