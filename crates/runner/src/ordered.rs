//! Reports in the order of the plan, whichever stage ends first.

use std::collections::BTreeMap;

use keys::reason::Reason;

use crate::events::{Event, Events, Outcome};

/// Passes on reports on the first unfinished stage, and holds back those on later ones until it is their turn. Progress
/// is passed on at once.
pub(crate) struct InOrder<'a> {
    events: &'a mut dyn Events,
    /// The instances in the order of the plan.
    names: Vec<String>,
    /// Their places in it.
    places: BTreeMap<String, usize>,
    /// The first place that isn't done with.
    first: usize,
    held: BTreeMap<usize, Vec<Held>>,
}

enum Held {
    Warning(String),
    Failed(String),
    Finished(Outcome),
}

impl<'a> InOrder<'a> {
    /// For instances in the order of their names here.
    pub(crate) fn new(events: &'a mut dyn Events, names: impl Iterator<Item = String>) -> Self {
        let names: Vec<String> = names.collect();
        InOrder {
            events,
            places: names.iter().cloned().zip(0..).collect(),
            names,
            first: 0,
            held: BTreeMap::new(),
        }
    }

    /// Passes on all that is held: no earlier stage will end any more.
    pub(crate) fn flush(&mut self) {
        for (at, held) in std::mem::take(&mut self.held) {
            self.pass_on(at, held);
        }
    }

    fn hold(&mut self, stage: &str, held: Held) {
        let Some(&at) = self.places.get(stage) else {
            return;
        };
        if let Held::Finished(outcome) = &held
            && at != self.first
        {
            self.events.event(Event::Held(outcome));
        }
        self.held.entry(at).or_default().push(held);
        self.pass_on_held();
    }

    /// Returns whether it is the turn of `stage`, and nothing on it is held.
    fn is_first(&self, stage: &str) -> bool {
        let first = self.names.get(self.first);
        first.is_some_and(|first| first == stage) && !self.held.contains_key(&self.first)
    }

    /// Forwards the held events of stages whose turn it is.
    fn pass_on_held(&mut self) {
        while let Some(held) = self.held.remove(&self.first) {
            let is_done = matches!(held.last(), Some(Held::Finished(_)));
            self.pass_on(self.first, held);
            if !is_done {
                break;
            }
            self.first += 1;
        }
    }

    fn pass_on(&mut self, at: usize, held: Vec<Held>) {
        let stage = &self.names[at];
        for held in held {
            self.events.event(match &held {
                Held::Warning(text) => Event::Warning { stage, text },
                Held::Failed(message) => Event::Failed { stage, message },
                Held::Finished(outcome) => Event::Finished(outcome),
            });
        }
    }
}

impl Events for InOrder<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Warning { stage, text } => self.hold(stage, Held::Warning(text.to_owned())),
            Event::Failed { stage, message } => {
                self.hold(stage, Held::Failed(message.to_owned()));
            }
            Event::Finished(outcome) if self.is_first(&outcome.stage) => {
                self.first += 1;
                self.events.event(event);
                self.pass_on_held();
            }
            Event::Finished(outcome) => {
                self.hold(&outcome.stage, Held::Finished(outcome.clone()));
            }
            other => self.events.event(other),
        }
    }

    fn may_run(&mut self, stage: &str, reasons: &[Reason]) -> bool {
        self.events.may_run(stage, reasons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::runs::State;

    #[derive(Default)]
    struct Received(Vec<String>);

    impl Events for Received {
        fn event(&mut self, event: Event<'_>) {
            self.0.push(match event {
                Event::Warning { stage, text } => format!("{stage}: {text}"),
                Event::Finished(outcome) => format!("{} done", outcome.stage),
                Event::Started { stage, .. } => format!("{stage} starts"),
                Event::Held(outcome) => format!("{} held", outcome.stage),
                other => format!("{other:?}"),
            });
        }
    }

    fn done(stage: &str) -> Outcome {
        Outcome {
            stage: stage.into(),
            state: State::Ran,
            reasons: Vec::new(),
            key: None,
            usage: None,
        }
    }

    #[test]
    fn later_stages_wait_for_earlier_ones() {
        let mut received = Received::default();
        let mut events = InOrder::new(
            &mut received,
            ["a", "b", "c", "d"].map(String::from).into_iter(),
        );
        let warn = |stage: &'static str| Event::Warning { stage, text: "!" };
        events.event(warn("c"));
        events.event(Event::Started {
            stage: "c",
            reasons: &[],
        });
        events.event(Event::Finished(&done("b")));
        events.event(warn("a"));
        events.event(Event::Finished(&done("d")));
        events.event(Event::Finished(&done("a")));
        events.event(warn("c"));
        events.flush();
        let expected = [
            "c starts", "b held", "a: !", "d held", "a done", "b done", "c: !", "c: !", "d done",
        ];
        assert_eq!(received.0, expected);
    }
}
