//! Failures as a person and a shell see them.

use std::process::ExitCode;

use pipeline::events::{Outcome, State};

use crate::program::Program;

/// An error as a person reads it, with the command that cures it.
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
    ExitCode::from(of_runner(error).map_or(1, pipeline::Error::exit_code))
}

/// The runner's own error.
fn of_runner(error: &anyhow::Error) -> Option<&pipeline::Error> {
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
            cure: |error| matches!(error, pipeline::Error::Cycle(_)).then(|| "cut it".to_owned()),
            ..Program::atelier()
        };
        let cycle = || pipeline::Error::Cycle("a, b".to_owned());
        for error in [
            anyhow::Error::from(cycle()),
            anyhow::Error::from(::experiments::Error::from(cycle())),
        ] {
            assert_eq!(
                message(&program, &error),
                "stages form a cycle: a, b\ncut it"
            );
        }
        let other = anyhow::Error::from(::experiments::Error::NoScore);
        assert_eq!(
            message(&program, &other),
            "no trial of the study has a score"
        );
    }
}
