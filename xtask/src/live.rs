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
    /// When the last line was printed.
    told: Instant,
}

struct Bars {
    all: MultiProgress,
    stages: ProgressBar,
    task: Option<ProgressBar>,
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
            told: Instant::now(),
        }
    }

    /// Removes the bars, prints the closing line and the texts to show.
    pub(crate) fn finish(mut self) {
        if let Some(bars) = self.bars.take() {
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

    /// `train@0   3/12 epochs  loss 0.41`, once in a while.
    fn progress_line(&mut self, stage: &str, progress: &Progress) {
        if self.told.elapsed() < LINE_INTERVAL {
            return;
        }
        self.told = Instant::now();
        let total = progress.total.map(|total| format!("/{total}"));
        self.note(&format!(
            "{stage:width$}  {}{} {}  {}",
            progress.done,
            total.unwrap_or_default(),
            progress.task,
            progress.message.as_deref().unwrap_or_default(),
            width = self.width
        ));
    }

    fn finished(&mut self, outcome: &Outcome) {
        if let Some(bars) = &mut self.bars {
            bars.end_stage();
        }
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
            task: None,
        }
    }

    fn start_stage(&mut self, stage: &str) {
        self.stages.set_message(stage.to_owned());
        self.stages.enable_steady_tick(TICK);
    }

    fn end_stage(&mut self) {
        self.stages.inc(1);
        self.stages.set_message("");
        if let Some(task) = self.task.take() {
            task.finish_and_clear();
        }
    }

    fn progress(&mut self, stage: &str, progress: &Progress) {
        let task = self
            .task
            .get_or_insert_with(|| self.all.add(ProgressBar::no_length()));
        match progress.total {
            Some(total) => {
                task.set_length(total);
                task.set_style(bar_style(
                    "{bar:30.green/dim} {pos}/{len} {prefix}  {eta} left  {msg}",
                ));
            }
            None => task.set_style(bar_style("{pos} {prefix}  {msg}")),
        }
        task.set_prefix(format!("{} ({stage})", progress.task));
        task.set_message(progress.message.clone().unwrap_or_default());
        task.set_position(progress.done);
    }

    fn remove(&self) {
        self.stages.disable_steady_tick();
        if let Some(task) = &self.task {
            task.finish_and_clear();
        }
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are valid")
}
