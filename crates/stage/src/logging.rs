//! Destinations of log lines.
//!
//! Lines for people go to standard error, which the runner keeps as the stage's log. Warnings go to standard output
//! too, as messages which the runner shows at once.

use std::fmt::Write as _;

use protocol::Message;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, filter::LevelFilter, fmt, layer::Context, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::progress;

/// Installs the subscriber of a stage.
pub(crate) fn init() {
    // No times: the runner records them.
    let log = fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(log)
        .with(Messages)
        .init();
}

/// Turns warnings and progress events into messages for the runner.
struct Messages;

impl<S: Subscriber> Layer<S> for Messages {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == progress::TARGET {
            progress::send(&progress::of_event(event));
        } else if *event.metadata().level() == Level::WARN {
            let mut text = Text::default();
            event.record(&mut text);
            progress::send(&Message::Warn(text.0));
        }
    }
}

/// The event's message and fields, as one line.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let separator = if self.0.is_empty() { "" } else { " " };
        let written = match field.name() {
            "message" => write!(self.0, "{separator}{value:?}"),
            name => write!(self.0, "{separator}{name}={value:?}"),
        };
        written.expect("writing to a string cannot fail");
    }
}
