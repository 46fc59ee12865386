//! Forecast of a run, by the times of earlier runs.

use std::collections::BTreeMap;

use serde_json::Value;
use workflow::graph::InstanceId;
use workflow::instance::Instance;

use super::Scheduler;
use crate::decide::Decision;
use crate::error::Result;
use crate::events::{Event, Events, Forecast};
use crate::ledger::runs::Run;
use crate::ledger::runs::State;
use crate::plan::Plan;
use crate::predicted::Predicted;

/// Runs that are looked through, from the youngest.
const MOST: usize = 20_000;

impl Scheduler<'_> {
    /// Reports the forecast from the instance `first` on, once in a run.
    pub(super) fn forecast_once(&mut self, first: InstanceId) -> Result<()> {
        if !std::mem::replace(&mut self.has_forecast, true) {
            let forecast = self.forecast(first)?;
            self.events.event(Event::Forecast(&forecast));
        }
        Ok(())
    }

    fn forecast(&mut self, first: InstanceId) -> Result<Forecast> {
        let times = Times::of(self.workspace.runs().last(MOST, |_| true)?);
        let order = self.plan.from(first).to_vec();
        let forced = self.forced();
        let (graph, mut observer) = self.workspace.observer();
        let plan = Plan::new(graph, order, forced, Predicted::default(), &mut observer);
        let mut forecast = Forecast::default();
        // The earliest end of each instance, and the time of stages on GPUs.
        let mut ends: BTreeMap<InstanceId, f64> = BTreeMap::new();
        let mut gpus_s = 0.0;
        for decided in plan {
            let (id, decision) = decided?;
            let instance = &graph.instances[id];
            let inputs_are_known = !matches!(decision, Decision::Pending { .. });
            let time = times.of_instance(instance, inputs_are_known);
            let before = graph.before[id].iter();
            let start = before.filter_map(|above| ends.get(above));
            let start = start.copied().fold(0.0, f64::max);
            match decision {
                Decision::Run { .. } | Decision::Pending { certain: true, .. } => {
                    forecast.to_run.push(instance.name.clone());
                    match time {
                        Some(time) => forecast.known_s += time,
                        None => forecast.unknown.push(instance.name.clone()),
                    }
                    let time = time.unwrap_or(0.0);
                    gpus_s += f64::from(instance.rules.resources.gpus) * time;
                    ends.insert(id, start + time);
                }
                Decision::Pending { .. } => {
                    forecast.may_run.push(instance.name.clone());
                    forecast.may_s += time.unwrap_or(0.0);
                    ends.insert(id, start);
                }
                _ => {
                    ends.insert(id, start);
                }
            }
        }
        let longest = ends.into_values().fold(0.0, f64::max);
        let by_jobs = forecast.known_s / as_number(self.options.jobs.get());
        let by_gpus = gpus_s / as_number(self.executor.n_gpus().max(1));
        forecast.least_s = longest.max(by_jobs).max(by_gpus);
        Ok(forecast)
    }
}

fn as_number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// The last successful run of each instance.
struct Times {
    by_instance: BTreeMap<String, Run>,
    /// The instance of each stage that ran last.
    by_stage: BTreeMap<String, String>,
}

impl Times {
    /// From runs, the youngest first.
    fn of(runs: Vec<Run>) -> Self {
        let mut times = Times {
            by_instance: BTreeMap::new(),
            by_stage: BTreeMap::new(),
        };
        let ran = |run: &Run| run.state() == State::Ran && run.usage.is_some();
        for run in runs.into_iter().filter(ran) {
            let stage = run.stage.split('@').next().unwrap_or(&run.stage);
            let name = || run.stage.clone();
            times.by_stage.entry(stage.to_owned()).or_insert_with(name);
            times.by_instance.entry(name()).or_insert(run);
        }
        times
    }

    /// Seconds of the last run of an instance, or of another instance of its stage, times the ratio of their epochs.
    ///
    /// Returns none where inputs are not known yet and parameters differ by more than epochs: that run may have been
    /// one on other data.
    fn of_instance(&self, instance: &Instance, inputs_are_known: bool) -> Option<f64> {
        let other = || self.by_instance.get(self.by_stage.get(&instance.stage)?);
        let run = self.by_instance.get(&instance.name).or_else(other)?;
        if !inputs_are_known && !rest(&instance.params).eq(rest(&run.params)) {
            return None;
        }
        let epochs = [&instance.params, &run.params].map(|params| {
            let epochs = params.get(EPOCHS).and_then(Value::as_f64);
            epochs.filter(|epochs| *epochs > 0.0)
        });
        let factor = match epochs {
            [Some(now), Some(then)] => now / then,
            _ => 1.0,
        };
        Some(run.usage?.wall_s * factor)
    }
}

/// The parameter that the time of a training grows with.
const EPOCHS: &str = "epochs";

/// Parameters but for epochs.
fn rest(params: &BTreeMap<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    params.iter().filter(|(name, _)| *name != EPOCHS)
}
