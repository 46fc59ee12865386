//! A repro under way: bars on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use pipeline::events::{Event, Events, Outcome, Progress, State};

use crate::print::{self, Style, styled};

/// How often a bar's clock advances.
const TICK: Duration = Duration::from_millis(200);

/// Without a terminal, a line of progress is printed no more often than this.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Shows events as they come.
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
    /// How far the stage under way is with each of its tasks, the coarsest first.
    tasks: Vec<Progress>,
    /// When the last line was printed.
    told: Instant,
}

struct Bars {
    all: MultiProgress,
    stages: ProgressBar,
    /// A bar for each task of the stage under way, the coarsest first: epochs, then the steps of one.
    tasks: Vec<(String, ProgressBar)>,
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
            tasks: Vec::new(),
            told: Instant::now(),
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
        self.line(&format!(
            "{} ran, {} restored, {} up to date in {}",
            count(State::Ran),
            count(State::Restored),
            count(State::UpToDate),
            print::seconds(self.start.elapsed().as_secs_f64())
        ));
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
            // Without a terminal to draw on, what is left is to go on.
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

    /// `train@0  3/12 epochs, 7/32 steps  loss 0.41`, once in a while.
    fn progress_line(&mut self, stage: &str, progress: &Progress) {
        match self
            .tasks
            .iter_mut()
            .find(|task| task.task == progress.task)
        {
            Some(task) => task.clone_from(progress),
            None => self.tasks.push(progress.clone()),
        }
        if self.told.elapsed() < LINE_INTERVAL {
            return;
        }
        self.told = Instant::now();
        let counts: Vec<String> = self.tasks.iter().map(count).collect();
        let message = progress.message.as_deref().unwrap_or_default();
        let line = format!(
            "{stage:width$}  {}  {message}",
            counts.join(", "),
            width = self.width
        );
        self.note(line.trim_end());
    }

    fn finished(&mut self, outcome: &Outcome) {
        if let Some(bars) = &mut self.bars {
            bars.end_stage();
        }
        self.tasks.clear();
        self.told = Instant::now();
        self.outcomes.push(outcome.state);
        self.note(&print::line(outcome, self.width, self.is_colored));
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

impl Events for Live {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Waiting { holder } => {
                self.note(&format!("waiting for another repro (process {holder})"));
            }
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
                None => self.note(&format!("{stage:width$}  starts", width = self.width)),
            },
            Event::Progress { stage, progress } => match &mut self.bars {
                Some(bars) => bars.progress(stage, progress),
                None => self.progress_line(stage, progress),
            },
            Event::Warning { stage, text } => {
                let label = styled("warning", Style::Warn, self.is_colored);
                self.line(&format!("{label}: {stage}: {text}"));
            }
            Event::Finished(outcome) => self.finished(outcome),
            Event::Show { text, .. } => self.texts.push(text.to_owned()),
        }
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
            tasks: Vec::new(),
        }
    }

    fn start_stage(&mut self, stage: &str) {
        self.stages.set_message(stage.to_owned());
        self.stages.enable_steady_tick(TICK);
    }

    fn end_stage(&mut self) {
        self.stages.inc(1);
        self.stages.set_message("");
        self.clear_tasks();
    }

    fn clear_tasks(&mut self) {
        for (_, task) in self.tasks.drain(..) {
            task.finish_and_clear();
        }
    }

    fn progress(&mut self, stage: &str, progress: &Progress) {
        let task = self.task(&progress.task);
        if let Some(total) = progress.total {
            task.set_length(total);
        }
        task.set_style(bar_style(match (progress.total, progress.done) {
            (None, _) => "{pos} {prefix}  {msg}",
            // Nothing is done from which the time left could be told.
            (Some(_), 0) => "{bar:30.green/dim} {pos}/{len} {prefix}  {msg}",
            (Some(_), _) => "{bar:30.green/dim} {pos}/{len} {prefix}  {eta} left  {msg}",
        }));
        task.set_prefix(format!("{} ({stage})", progress.task));
        if let Some(message) = progress.message.as_ref().filter(|text| !text.is_empty()) {
            task.set_message(message.clone());
        }
        task.set_position(progress.done);
    }

    fn task(&mut self, name: &str) -> ProgressBar {
        if let Some((_, bar)) = self.tasks.iter().find(|(task, _)| task == name) {
            return bar.clone();
        }
        let bar = self.all.add(ProgressBar::no_length());
        self.tasks.push((name.to_owned(), bar.clone()));
        bar
    }

    fn remove(&mut self) {
        self.stages.disable_steady_tick();
        self.clear_tasks();
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
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
