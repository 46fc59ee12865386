//! A repro under way: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use keys::reason::{Reason, listed};
use ledger::runs::State;
use protocol::Progress;
use runner::Workspace;
use runner::events::{Event, Events, Forecast, Outcome};
use runner::execute::{self, Options};
use workflow::graph::Selection;
use workflow::quantity::show_bytes;

use crate::print::{self, Style, styled};

mod training;

use training::{EPOCHS, Trainings};

/// Interval at which a bar's clock advances.
const TICK: Duration = Duration::from_millis(200);

/// Without a terminal, a line of progress is printed no more often than this.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows events as they come. Outcomes of stages go to standard output, in the order of the plan; progress goes
/// to standard error.
pub(crate) struct Live {
    start: Instant,
    is_quiet: bool,
    is_json: bool,
    is_colored: bool,
    width: usize,
    bars: Option<Bars>,
    texts: Vec<String>,
    outcomes: Vec<State>,
    is_planned: bool,
    /// Progress of each running stage by task, the coarsest first.
    tasks: BTreeMap<String, Vec<Progress>>,
    trainings: Trainings,
    /// When the last line of progress was printed.
    last_line: Instant,
    /// The user's answer for all further stages.
    answer: Option<bool>,
}

struct Bars {
    all: MultiProgress,
    stages: ProgressBar,
    running: Vec<String>,
    /// A bar for each task of the stages at work, with the stage and the task: epochs, then the steps of one.
    tasks: Vec<(String, String, ProgressBar)>,
}

impl Live {
    /// Lines go to standard output, or to standard error where that is for JSON.
    pub(crate) fn new(is_quiet: bool, is_json: bool) -> Self {
        let is_terminal = io::stderr().is_terminal() && io::stdout().is_terminal();
        Live {
            start: Instant::now(),
            is_quiet,
            is_json,
            is_colored: print::is_colored(&io::stdout()) && !is_json,
            width: 0,
            bars: (is_terminal && !is_quiet && !is_json).then(Bars::new),
            texts: Vec::new(),
            outcomes: Vec::new(),
            is_planned: false,
            tasks: BTreeMap::new(),
            trainings: Trainings::default(),
            last_line: Instant::now(),
            answer: None,
        }
    }

    /// Removes the bars, prints the closing line and the texts to show.
    pub(crate) fn finish(mut self) {
        if let Some(mut bars) = self.bars.take() {
            bars.remove();
        }
        if !self.is_planned || self.is_quiet || self.is_json {
            return;
        }
        let count = |state| {
            self.outcomes
                .iter()
                .filter(|outcome| **outcome == state)
                .count()
        };
        let always = [State::Ran, State::Restored, State::UpToDate];
        let seldom = [
            State::SameBinary,
            State::Frozen,
            State::Failed,
            State::Skipped,
        ];
        let seldom = seldom.into_iter().filter(|state| count(*state) > 0);
        let counts = always.into_iter().chain(seldom);
        let counts: Vec<String> = counts
            .map(|state| format!("{} {}", count(state), state.name()))
            .collect();
        let time = print::seconds(self.start.elapsed().as_secs_f64());
        self.line(&format!("{} in {time}", counts.join(", ")));
        for text in &self.texts {
            self.line(&format!("\n{}", text.trim_end()));
        }
    }

    /// Removes the bars.
    pub(crate) fn end(mut self) {
        if let Some(mut bars) = self.bars.take() {
            bars.remove();
        }
    }

    /// A line above the bars.
    fn line(&self, line: &str) {
        match &self.bars {
            // The run continues without a terminal.
            Some(bars) => drop(bars.all.println(line)),
            None if self.is_json => drop(writeln!(io::stderr(), "{line}")),
            None => drop(writeln!(io::stdout(), "{line}")),
        }
    }

    fn note(&self, line: &str) {
        if !self.is_quiet && !self.is_json {
            self.line(line);
        }
    }

    /// Lines about the progress, on standard error.
    fn meanwhile(&self, line: &str) {
        match &self.bars {
            _ if self.is_quiet || self.is_json => {}
            // The run continues without a terminal.
            Some(bars) => drop(bars.all.println(line)),
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    /// A line of JSON on standard error, for programs that wait.
    fn meanwhile_json(&self, value: &serde_json::Value) {
        // Standard output has all outcomes, too.
        let _ = writeln!(io::stderr(), "{value}");
    }

    fn progress(&mut self, stage: &str, progress: &Progress) {
        let now = Instant::now();
        let epoch = self.trainings.note(stage, progress, now);
        if self.is_json {
            if let Some(epoch) = epoch.map(|epoch| epoch.json(stage, now)) {
                self.meanwhile_json(&epoch);
            }
            return;
        }
        if let Some(bars) = &mut self.bars {
            let text = self.trainings.get(stage).map(|training| training.text(now));
            bars.progress(stage, progress, text);
            return;
        }
        let epoch = epoch.map(|epoch| epoch.line(now));
        self.count_task(stage, progress);
        match epoch {
            Some(line) => {
                self.last_line = now;
                self.meanwhile(&format!("{stage:width$}  {line}", width = self.width));
            }
            None => self.progress_line(stage, progress),
        }
    }

    /// Stages that will run, with the expected duration.
    fn forecast(&self, forecast: &Forecast) {
        if self.is_json {
            self.meanwhile_json(&serde_json::json!({ "forecast": forecast }));
            return;
        }
        for line in print::forecast(forecast) {
            self.meanwhile(&styled(
                &line,
                Style::Dim,
                self.bars.is_some() && self.is_colored,
            ));
        }
    }

    /// Updates the count of one of a stage's tasks.
    fn count_task(&mut self, stage: &str, progress: &Progress) {
        let tasks = self.tasks.entry(stage.to_owned()).or_default();
        match tasks.iter_mut().find(|task| task.task == progress.task) {
            Some(task) => task.clone_from(progress),
            None => tasks.push(progress.clone()),
        }
    }

    /// `train@0  3/12 epochs, 7/32 steps  loss 0.41`, once in a while.
    fn progress_line(&mut self, stage: &str, progress: &Progress) {
        if self.last_line.elapsed() < LINE_INTERVAL {
            return;
        }
        let tasks = self.tasks.get(stage).into_iter().flatten();
        let counts: Vec<String> = tasks.map(count).collect();
        self.last_line = Instant::now();
        let message = message(progress);
        let line = format!(
            "{stage:width$}  {}  {message}",
            counts.join(", "),
            width = self.width
        );
        self.meanwhile(line.trim_end());
    }

    /// Printed in quiet runs, too, once in a workspace.
    fn print_unconfined(&self) {
        let line = "note: this system cannot hold stages to what they declare (it takes Linux 5.19 with Landlock); undeclared files go unnoticed";
        match &self.bars {
            // The run continues without a terminal.
            Some(bars) => drop(bars.all.println(line)),
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    fn finished(&mut self, outcome: &Outcome) {
        if let Some(bars) = &mut self.bars {
            bars.stages.inc(1);
        }
        self.outcomes.push(outcome.state);
        self.note(&print::line(outcome, self.width, self.is_colored));
    }

    fn ended(&mut self, stage: &str) {
        self.trainings.end(stage);
        match &mut self.bars {
            Some(bars) => bars.end_stage(stage),
            None => drop(self.tasks.remove(stage)),
        }
    }

    /// Asks on standard error and reads a line; no more input is a no.
    fn ask(&mut self, stage: &str, reasons: &[Reason]) -> bool {
        if let Some(answer) = self.answer {
            return answer;
        }
        let ask = || {
            let reasons = listed(reasons);
            // Without a terminal there is no answer.
            drop(write!(
                io::stderr(),
                "run `{stage}` ({reasons})? [y]es, [n]o, [a]ll, [q]uit: "
            ));
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        };
        let line = match &self.bars {
            Some(bars) => bars.all.suspend(ask),
            None => ask(),
        };
        match line.unwrap_or_default().trim() {
            "y" | "yes" => true,
            "a" | "all" => *self.answer.insert(true),
            "n" | "no" => false,
            _ => *self.answer.insert(false),
        }
    }

    fn building(&mut self, binaries: &[String]) {
        self.note(&styled(
            &format!("building {}", binaries.join(", ")),
            Style::Dim,
            self.is_colored,
        ));
        if let Some(bars) = &mut self.bars {
            // Cargo draws its own.
            bars.remove();
        }
    }
}

/// Runs whose events are shown, without a closing line.
pub(crate) fn shown(
    is_quiet: bool,
) -> impl FnMut(&mut Workspace, &Selection, Options) -> runner::Result<Vec<Outcome>> {
    move |workspace, selection, options| {
        let mut live = Live::new(is_quiet, false);
        let outcomes = execute::repro(workspace, selection, options, &mut live);
        live.end();
        outcomes
    }
}

impl Events for Live {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Waiting { holder } => {
                self.note(&format!("waiting for another repro (process {holder})"));
            }
            Event::Unconfined => self.print_unconfined(),
            Event::Planned { n_stages, width } => {
                self.is_planned = true;
                self.width = width;
                if let Some(bars) = &mut self.bars {
                    bars.stages
                        .set_length(n_stages.try_into().unwrap_or(u64::MAX));
                }
            }
            Event::Building { binaries } => self.building(binaries),
            Event::Started { stage, .. } => match &mut self.bars {
                Some(bars) => bars.start_stage(stage),
                None => self.meanwhile(&format!("{stage:width$}  starts", width = self.width)),
            },
            Event::Progress { stage, progress } => self.progress(stage, progress),
            Event::Forecast(forecast) => self.forecast(forecast),
            Event::Warning { stage, text } => {
                let label = styled("warning", Style::Warn, self.is_colored);
                self.line(&format!("{label}: {stage}: {text}"));
            }
            Event::Ended { stage } => self.ended(stage),
            // On a terminal the bar of the stage has gone, and that is enough.
            Event::Held(outcome) if self.bars.is_some() && outcome.state != State::Failed => {}
            Event::Held(outcome) => {
                let line = print::line(outcome, self.width, false);
                self.meanwhile(&format!("{line}  (told in its turn)"));
            }
            Event::Stopping { stage, running } => {
                let running = running.join("`, `");
                self.meanwhile(&format!(
                    "`{stage}` failed; waiting for the end of `{running}`"
                ));
            }
            Event::Failed { message, .. } => {
                let label = styled("error", Style::Bad, self.is_colored);
                self.line(&format!("{label}: {message}"));
            }
            Event::Finished(outcome) => self.finished(outcome),
            Event::Trimmed { files, bytes } => self.meanwhile(&format!(
                "cache: {files} files, {}, beyond the limits of `[cache]` and in no use were removed",
                show_bytes(bytes)
            )),
            Event::Show { text, .. } => self.texts.push(text.to_owned()),
        }
    }

    fn may_run(&mut self, stage: &str, reasons: &[Reason]) -> bool {
        self.ask(stage, reasons)
    }
}

impl Bars {
    fn new() -> Self {
        let all = MultiProgress::new();
        let stages = all.add(ProgressBar::new(0));
        stages.set_style(bar_style(
            "{bar:30.cyan/dim} {pos}/{len} stages  {elapsed} {msg}",
        ));
        Bars {
            all,
            stages,
            running: Vec::new(),
            tasks: Vec::new(),
        }
    }

    fn start_stage(&mut self, stage: &str) {
        self.running.push(stage.to_owned());
        self.stages.set_message(self.running.join(", "));
        self.stages.enable_steady_tick(TICK);
    }

    fn end_stage(&mut self, stage: &str) {
        self.running.retain(|running| running != stage);
        self.stages.set_message(self.running.join(", "));
        self.clear_tasks(|of| of == stage);
    }

    fn clear_tasks(&mut self, is_meant: impl Fn(&str) -> bool) {
        let tasks = self.tasks.extract_if(.., |(stage, _, _)| is_meant(stage));
        tasks.for_each(|(_, _, bar)| bar.finish_and_clear());
    }

    /// Draws the progress of a stage; `training` is the text of its training.
    fn progress(&mut self, stage: &str, progress: &Progress, training: Option<String>) {
        if let Some(text) = training {
            let epochs = self.task(stage, EPOCHS);
            epochs.set_message(text);
        }
        let task = self.task(stage, &progress.task);
        if let Some(total) = progress.total {
            task.set_length(total);
        }
        let is_training = progress.task == EPOCHS;
        task.set_style(bar_style(match (progress.total, progress.done) {
            (None, _) => "{pos} {prefix}  {msg}",
            // There is no progress to extrapolate the time left from, or the message has it.
            (Some(_), done) if done == 0 || is_training => {
                "{bar:30.green/dim} {pos}/{len} {prefix}  {msg}"
            }
            (Some(_), _) => "{bar:30.green/dim} {pos}/{len} {prefix}  {eta} left  {msg}",
        }));
        task.set_prefix(format!("{} ({stage})", progress.task));
        let message = message(progress);
        if !message.is_empty() && !is_training {
            task.set_message(message);
        }
        task.set_position(progress.done);
    }

    fn task(&mut self, stage: &str, name: &str) -> ProgressBar {
        let is_meant = |(of, task, _): &&(String, String, _)| of == stage && task == name;
        if let Some((_, _, bar)) = self.tasks.iter().find(is_meant) {
            return bar.clone();
        }
        let bar = self.all.add(ProgressBar::no_length());
        self.tasks
            .push((stage.to_owned(), name.to_owned(), bar.clone()));
        bar
    }

    fn remove(&mut self) {
        self.stages.disable_steady_tick();
        self.clear_tasks(|_| true);
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

/// Message of a stage beside its count.
fn message(progress: &Progress) -> String {
    match (&progress.message, progress.loss) {
        (Some(text), _) => text.clone(),
        (None, Some(loss)) => format!("loss {loss:.3}"),
        (None, None) => String::new(),
    }
}

/// `3/12 epochs`.
fn count(progress: &Progress) -> String {
    let total = progress.total.map(|total| format!("/{total}"));
    format!(
        "{}{} {}",
        progress.done,
        total.unwrap_or_default(),
        progress.task
    )
}

fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are valid")
}
