//! Finished results as text or JSON.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use ::experiments::drawing;
use executor::Usage;
use keys::manifest::Difference;
use keys::reason::listed;
use ledger::cache::Large;
use ledger::runs::State;
use ledger::sources::SourceState;
use runner::events::{Forecast, Outcome};
use runner::plan::Explanation;
use runner::program_name::PROGRAM;
use workflow::quantity::show_bytes;

/// The color of a state or a message, as an ANSI code.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    Good,
    Active,
    Warn,
    Bad,
    Dim,
}

/// `text` in a style, if `stream` shows styles.
pub(crate) fn styled(text: &str, style: Style, is_colored: bool) -> String {
    if !is_colored {
        return text.to_owned();
    }
    let code = match style {
        Style::Good => 32,
        Style::Active => 36,
        Style::Warn => 33,
        Style::Bad => 31,
        Style::Dim => 2,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Returns whether to use colors on a stream: on a terminal, and <https://no-color.org> allows.
pub(crate) fn is_colored(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The style of a state.
pub(crate) fn style(state: State) -> Style {
    match state {
        State::UpToDate | State::Frozen => Style::Dim,
        State::Restored
        | State::WouldRestore
        | State::Committed
        | State::Adopted
        | State::SameBinary => Style::Good,
        State::Ran | State::WouldRun => Style::Active,
        State::MayRun | State::Skipped => Style::Warn,
        State::Blocked | State::Failed => Style::Bad,
    }
}

/// Prints to standard output; a reader that has seen enough is no failure.
///
/// # Errors
/// Standard output cannot be written.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a JSON document.
///
/// # Errors
/// Standard output cannot be written.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    text(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints a file.
pub(crate) fn file(path: &Path) -> anyhow::Result<()> {
    let mut file = fs_err::File::open(path)?;
    match io::copy(&mut file, &mut io::stdout().lock()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Prints an error to standard error.
pub fn error(message: &str) {
    let stderr = io::stderr();
    let label = styled("error", Style::Bad, is_colored(&stderr));
    // There is no other place to report it.
    let _ = writeln!(stderr.lock(), "{label}: {message}");
}

/// Prints a warning to standard error.
pub fn warning(message: &str) {
    let stderr = io::stderr();
    let label = styled("warning", Style::Warn, is_colored(&stderr));
    // There is no other place to report it.
    let _ = writeln!(stderr.lock(), "{label}: {message}");
}

/// One line an instance, and a count of the actions.
pub(crate) fn outlook(outcomes: &[Outcome]) -> anyhow::Result<()> {
    let is_colored = is_colored(&io::stdout());
    let width = outcomes
        .iter()
        .map(|outcome| outcome.stage.chars().count())
        .max()
        .unwrap_or(0);
    let mut lines = String::new();
    for outcome in outcomes {
        lines.push_str(&line(outcome, width, is_colored));
        lines.push('\n');
    }
    let count = |states: &[State]| {
        outcomes
            .iter()
            .filter(|outcome| states.contains(&outcome.state))
            .count()
    };
    let counts = [
        (count(&[State::WouldRun]), "to run"),
        (count(&[State::MayRun]), "may run"),
        (count(&[State::WouldRestore]), "to restore"),
        (count(&[State::Blocked]), "blocked"),
        (count(&[State::Committed]), "committed"),
        (count(&[State::Adopted]), "adopted"),
        (count(&[State::SameBinary]), "same binary"),
        (count(&[State::Restored]), "restored"),
        (count(&[State::Failed]), "failed"),
        (count(&[State::Frozen]), "frozen"),
        (count(&[State::UpToDate]), "up to date"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    lines.push_str(&format!("{}\n", counts.join(", ")));
    text(&lines)
}

/// Sources that differ from sources.lock, with the commands that resolve it.
pub(crate) fn sources(states: &[(String, SourceState)]) -> anyhow::Result<()> {
    let lines = states.iter().filter_map(|(path, state)| match state {
        SourceState::Unchanged => None,
        SourceState::Changed => Some(format!(
            "source {path} was changed since it was added; `{PROGRAM} add {path}` takes it as it is\n"
        )),
        SourceState::Missing => Some(format!(
            "source {path} is missing; `{PROGRAM} checkout {path}` brings it back\n"
        )),
    });
    text(&lines.collect::<String>())
}

/// Advice on a large cache.
pub(crate) fn large_cache(large: Large) -> anyhow::Result<()> {
    let [bytes, used] = [large.bytes, large.used_bytes].map(show_bytes);
    text(&format!(
        "cache: {bytes}, of which the current state uses {used}; `{PROGRAM} cache gc` removes what is in no use\n"
    ))
}

/// `train@0   ran         12.3 s, 24.0 s CPU, 310 MB   param lr 0.1 → 0.2`.
pub(crate) fn line(outcome: &Outcome, width: usize, is_colored: bool) -> String {
    let state = format!("{:13}", outcome.state.name());
    let state = styled(&state, style(outcome.state), is_colored);
    let usage = outcome.usage.map(usage);
    let reasons = (!outcome.reasons.is_empty()).then(|| listed(&outcome.reasons));
    let parts: Vec<String> = usage.into_iter().chain(reasons).collect();
    let line = format!("{:width$}  {state}  {}", outcome.stage, parts.join("  "));
    line.trim_end().to_owned()
}

/// `3 stages to run, about 12 min 30 s: split, train ×2`, and the stages that may follow.
pub(crate) fn forecast(forecast: &Forecast) -> Vec<String> {
    let Forecast {
        to_run,
        may_run,
        known_s,
        may_s,
        least_s,
        unknown,
    } = forecast;
    let n_known = to_run.len() - unknown.len();
    let time = match (n_known, unknown.len()) {
        (0, _) => "for how long is not known, as none of them ran here before".to_owned(),
        (_, 0) if least_s < known_s => {
            format!("about {} to {}", seconds(*least_s), seconds(*known_s))
        }
        (_, 0) => format!("about {}", seconds(*known_s)),
        (_, n) => format!(
            "at least {} (the time of {n} of them is not known)",
            seconds(*least_s)
        ),
    };
    let mut lines = vec![format!(
        "{} to run, {time}: {}",
        stages(to_run.len()),
        grouped(to_run)
    )];
    if !may_run.is_empty() {
        let time = match *may_s {
            0.0 => String::new(),
            may_s => format!(", about {}", seconds(may_s)),
        };
        lines.push(format!(
            "{} may follow{time}: {}",
            stages(may_run.len()),
            grouped(may_run)
        ));
    }
    lines
}

fn stages(count: usize) -> String {
    match count {
        1 => "1 stage".to_owned(),
        count => format!("{count} stages"),
    }
}

/// `split, train ×4`: instances by stage.
fn grouped(instances: &[String]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for instance in instances {
        let stage = instance.split('@').next().unwrap_or(instance);
        match groups.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, of_stage)) => of_stage.push(instance),
            None => groups.push((stage, vec![instance])),
        }
    }
    let groups = groups
        .iter()
        .map(|(stage, of_stage)| match of_stage.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("{stage} ×{}", several.len()),
        });
    groups.collect::<Vec<_>>().join(", ")
}

/// Duration of a run, in readable units.
pub(crate) fn usage(usage: Usage) -> String {
    let memory = format!("{} MB", usage.peak_bytes / 1_000_000);
    format!(
        "{}, {} CPU, {memory}",
        seconds(usage.wall_s),
        seconds(usage.cpu_s)
    )
}

/// `0.12 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = std::time::Duration::from_secs_f64(seconds.max(0.0)).as_secs();
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// Action for a stage, and all changes since its last run.
pub(crate) fn explanation(explanation: &Explanation) -> anyhow::Result<()> {
    let outcome = &explanation.outcome;
    let mut lines = format!("{} {}", outcome.stage, outcome.state.name());
    if !outcome.reasons.is_empty() {
        lines.push_str(&format!(": {}", listed(&outcome.reasons)));
    }
    lines.push('\n');
    if let Some(accepted) = &explanation.accepted {
        lines.push_str(&format!("  the last result was {accepted}\n"));
    }
    for difference in &explanation.differences {
        lines.push_str(&format!("  {difference}\n"));
        let new = match difference {
            Difference::Pending { .. } => Some("to be made"),
            difference => difference.new_value(),
        };
        for (sign, value) in [('-', difference.old()), ('+', new)] {
            if let Some(value) = value {
                lines.push_str(&format!("    {sign} {value}\n"));
            }
        }
    }
    text(&lines)
}

/// The graph, a line a stage.
pub(crate) fn drawing(lines: &[drawing::Line<'_>]) -> anyhow::Result<()> {
    let is_colored = is_colored(&io::stdout());
    let texts = lines
        .iter()
        .map(|line| [&line.rails, &line.label, &line.text].map(|text| text.chars().count()));
    let widest =
        |widths: [usize; 3], more: [usize; 3]| [0, 1, 2].map(|at| widths[at].max(more[at]));
    let [a, b, c] = texts.fold([0; 3], widest);
    let mut shown = String::new();
    for line in lines {
        let state = format!("{:c$}", line.text);
        let state = match line.state {
            Some(of) => styled(&state, style(of), is_colored),
            None => state,
        };
        let line = format!(
            "{:a$}  {:b$}  {state}  {}",
            line.rails, line.label, line.desc
        );
        shown.push_str(line.trim_end());
        shown.push('\n');
    }
    text(&shown)
}

#[cfg(test)]
mod tests {
    use keys::reason::Reason;

    use super::*;

    #[test]
    fn seconds_are_told_in_fitting_units() {
        let shown: Vec<String> = [0.123, 12.34, 125.0, 3720.0].map(seconds).into();
        assert_eq!(shown, ["0.12 s", "12.3 s", "2 min 05 s", "1 h 02 min"]);
    }

    #[test]
    fn a_forecast_names_unknown_durations() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let known = Forecast {
            to_run: names(&["split", "train@0", "train@1"]),
            known_s: 130.0,
            least_s: 130.0,
            ..Forecast::default()
        };
        let lines = forecast(&known);
        assert_eq!(
            lines,
            ["3 stages to run, about 2 min 10 s: split, train ×2"]
        );
        let side_by_side = Forecast {
            least_s: 70.0,
            may_run: names(&["report"]),
            may_s: 4.0,
            ..known.clone()
        };
        let lines = forecast(&side_by_side);
        assert!(
            lines[0].contains("about 1 min 10 s to 2 min 10 s"),
            "{lines:?}"
        );
        assert_eq!(lines[1], "1 stage may follow, about 4.00 s: report");
        let partly = Forecast {
            unknown: names(&["split"]),
            ..known.clone()
        };
        let lines = forecast(&partly);
        assert!(lines[0].contains("at least 2 min 10 s (the time of 1 of them is not known)"));
        let unknown = Forecast {
            unknown: known.to_run.clone(),
            ..known
        };
        assert!(forecast(&unknown)[0].contains("for how long is not known"));
    }

    #[test]
    fn a_line_has_action_reason_and_duration() {
        let outcome = Outcome {
            stage: "train@0".into(),
            state: State::Ran,
            reasons: vec![Reason::Changed(Difference::Changed {
                entry: "param lr".to_owned().into(),
                old: "0.1".into(),
                new: "0.2".into(),
            })],
            key: None,
            usage: Some(Usage {
                wall_s: 12.34,
                cpu_s: 24.0,
                peak_bytes: 310_000_000,
            }),
        };
        assert_eq!(
            line(&outcome, 8, false),
            "train@0   ran            12.3 s, 24.0 s CPU, 310 MB  param lr 0.1 → 0.2"
        );
    }
}
