//! argmin's particle swarm. For each request it runs again from the start, with the scores of the completed trials, up
//! to the first position without a score.

use std::sync::Mutex;

use argmin::core::{CostFunction, Error, Executor};
use argmin::solver::particleswarm::ParticleSwarm;
use rand_chacha::ChaCha8Rng;

use crate::{Assignment, SearchError, Space, Trial};

/// Number of particles, which move together.
const PARTICLES: usize = 10;

/// The next positions after `completed`, at most `n`.
pub(crate) fn next(
    space: &Space,
    completed: &[Trial],
    n: usize,
    rng: ChaCha8Rng,
) -> Result<Vec<Assignment>, SearchError> {
    let size = space.params().len();
    let bounds = (vec![0.0; size], vec![1.0; size]);
    let swarm: ParticleSwarm<Vec<f64>, f64, _> =
        ParticleSwarm::new(bounds, PARTICLES).with_rng_generator(rng);
    // A move ends where the next one needs its scores.
    let left_of_move = PARTICLES - completed.len() % PARTICLES;
    let replay = Replay {
        completed,
        n: n.min(left_of_move),
        evaluations: Mutex::new(Evaluations::default()),
    };
    let ended = Executor::new(&replay, swarm).timer(false).run();
    let pending = replay.take();
    match ended {
        Err(error) if pending.len() < replay.n => Err(SearchError::Swarm(error.to_string())),
        _ => Ok(pending.iter().map(|at| assignment(space, at)).collect()),
    }
}

fn assignment(space: &Space, at: &[f64]) -> Assignment {
    space.fill(|idx, param| param.domain.at(at[idx]))
}

/// Objective that returns scores of completed trials, and records the positions after these.
struct Replay<'a> {
    completed: &'a [Trial],
    n: usize,
    evaluations: Mutex<Evaluations>,
}

#[derive(Default)]
struct Evaluations {
    n_completed: usize,
    pending: Vec<Vec<f64>>,
}

impl Replay<'_> {
    fn take(&self) -> Vec<Vec<f64>> {
        let mut evaluations = self
            .evaluations
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        std::mem::take(&mut evaluations.pending)
    }
}

impl CostFunction for &Replay<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    /// The negative score, since argmin minimizes; the maximum for a failed trial.
    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        let mut evaluations = self
            .evaluations
            .lock()
            .unwrap_or_else(|error| error.into_inner());
        if let Some(trial) = self.completed.get(evaluations.n_completed) {
            evaluations.n_completed += 1;
            return Ok(trial.score.map_or(f64::MAX, |score| -score));
        }
        evaluations.pending.push(at.clone());
        if evaluations.pending.len() < self.n {
            Ok(f64::MAX)
        } else {
            Err(Error::msg("enough positions"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use serde_json::json;

    use super::*;

    fn ask(completed: &[Trial], n: usize) -> Vec<Assignment> {
        let space: Space =
            serde_json::from_value(json!({ "x": { "float": [-1, 1] }, "y": { "int": [0, 9] } }))
                .unwrap();
        next(&space, completed, n, ChaCha8Rng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn positions_do_not_depend_on_the_number_requested() {
        let whole = ask(&[], 16);
        assert_eq!(whole.len(), PARTICLES);
        let mut completed = Vec::new();
        for params in &whole {
            assert_eq!(&ask(&completed, 1)[0], params);
            completed.push(Trial::complete(params.clone(), 0.0));
        }
        assert_eq!(ask(&completed[..7], 16), whole[7..]);
    }

    #[test]
    fn the_swarm_converges_to_the_maximum() {
        let mut completed = Vec::new();
        while completed.len() < 200 {
            for params in ask(&completed, 10) {
                let [x, y] = ["x", "y"].map(|name| params[name].as_f64().unwrap());
                completed.push(Trial::complete(
                    params,
                    -(x - 0.25).powi(2) - (y - 6.0).abs(),
                ));
            }
        }
        let best = completed.iter().filter_map(|trial| trial.score);
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        assert!(best > -1e-3, "{best}");
    }
}
