//! Messages and exit codes of failures.

use std::process::ExitCode;

use ledger::runs::State;
use runner::events::Outcome;

use crate::program::Program;

/// Message of an error, with the command that cures it.
pub(crate) fn message(program: &Program, error: &anyhow::Error) -> String {
    let mut text = format!("{error:#}");
    if let Some(cure) = of_runner(error).and_then(program.cure) {
        text.push_str(&format!("\n{cure}"));
    }
    text
}

/// The exit code of a run: failed if one of its stages has.
pub(crate) fn of_outcomes(outcomes: &[Outcome]) -> ExitCode {
    let has_failed = { outcomes.iter() }.any(|outcome| outcome.state == State::Failed);
    ExitCode::from(u8::from(has_failed))
}

/// The exit code of a failure.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(of_runner(error).map_or(1, runner::Error::exit_code))
}

/// The runner's own error. A mistake in a declaration (`workflow::Error`) is none, wherever it comes from: its message
/// is the cure, its exit code that of any failure.
fn of_runner(error: &anyhow::Error) -> Option<&runner::Error> {
    match error.downcast_ref() {
        Some(::experiments::Error::Runner(error)) => Some(error),
        Some(_) => None,
        None => error.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cure_follows_the_runners_error_wherever_it_comes_from() {
        let program = Program {
            cure: |error| {
                let is_missing = matches!(error, runner::Error::MissingInputs(_));
                is_missing.then(|| "add it".to_owned())
            },
            ..Program::atelier()
        };
        let missing = || runner::Error::MissingInputs(vec!["`a` is not there".to_owned()]);
        for error in [
            anyhow::Error::from(missing()),
            anyhow::Error::from(::experiments::Error::from(missing())),
        ] {
            assert_eq!(message(&program, &error), "`a` is not there\nadd it");
        }
        let other = anyhow::Error::from(::experiments::Error::NoScore);
        assert_eq!(
            message(&program, &other),
            "no trial of the search has a score"
        );
    }

    #[test]
    fn a_signal_has_its_exit_code_wherever_it_comes_from() {
        let interrupted = || runner::Error::from(executor::Interrupted(2));
        for error in [
            anyhow::Error::from(interrupted()),
            anyhow::Error::from(::experiments::Error::from(interrupted())),
        ] {
            let expected = "stopped by SIGINT; what was done is kept, and the next repro continues";
            assert_eq!(message(&Program::atelier(), &error), expected);
            assert_eq!(exit_code(&error), ExitCode::from(130));
        }
    }

    #[test]
    fn mistakes_in_declarations_have_one_exit_code() {
        let cycle = || workflow::Error::Cycle("a, b".to_owned());
        for error in [
            anyhow::Error::from(cycle()),
            anyhow::Error::from(runner::Error::from(cycle())),
            anyhow::Error::from(::experiments::Error::from(cycle())),
            anyhow::Error::from(::experiments::Error::from(runner::Error::from(cycle()))),
        ] {
            let program = Program::atelier();
            assert_eq!(message(&program, &error), "stages form a cycle: a, b");
            assert_eq!(exit_code(&error), ExitCode::from(1));
        }
    }
}
