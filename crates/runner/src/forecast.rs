//! Forecast of a run, by the times of earlier runs.

use std::collections::BTreeMap;

use ledger::runs::{Run, RunLog, State};
use serde_json::Value;
use workflow::graph::{Graph, InstanceId};
use workflow::instance::Instance;

use crate::decide::Decision;
use crate::error::Result;
use crate::events::Forecast;
use crate::plan::Plan;

/// Runs that are looked through, from the youngest.
const MOST: usize = 20_000;

/// Number of stages that may run at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Width {
    pub(crate) jobs: usize,
    /// Number of those on GPUs; 0 counts as 1.
    pub(crate) gpus: usize,
}

/// The forecast of a plan for instances of `graph`, by the times of earlier runs.
///
/// # Errors
/// An instance cannot be decided upon.
pub(crate) fn forecast(
    graph: &Graph,
    plan: Plan<'_>,
    times: &Times,
    width: Width,
) -> Result<Forecast> {
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
    let by_jobs = forecast.known_s / as_number(width.jobs);
    let by_gpus = gpus_s / as_number(width.gpus.max(1));
    forecast.least_s = longest.max(by_jobs).max(by_gpus);
    Ok(forecast)
}

fn as_number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// The last successful run of each instance.
pub(crate) struct Times {
    by_instance: BTreeMap<String, Run>,
    /// The instance of each stage that ran last.
    by_stage: BTreeMap<String, String>,
}

impl Times {
    /// Those that are noted in `runs`.
    ///
    /// # Errors
    /// The list of runs cannot be read.
    pub(crate) fn read(runs: &RunLog) -> Result<Self> {
        Ok(Times::of(runs.last(MOST, |_| true)?))
    }

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
