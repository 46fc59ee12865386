//! argmin's particle swarm, asked and told: it is run anew for every question, on what was told, up to its first
//! question that nobody has answered yet.

use std::sync::Mutex;

use argmin::core::{CostFunction, Error, Executor};
use argmin::solver::particleswarm::ParticleSwarm;
use rand_chacha::ChaCha8Rng;

use crate::{Assignment, SearchError, Space, Trial};

/// Particles, which move together.
const PARTICLES: usize = 10;

/// The next moves after `told`, at most `n`.
pub(crate) fn next(
    space: &Space,
    told: &[Trial],
    n: usize,
    rng: ChaCha8Rng,
) -> Result<Vec<Assignment>, SearchError> {
    let size = space.params().len();
    let bounds = (vec![0.0; size], vec![1.0; size]);
    let swarm: ParticleSwarm<Vec<f64>, f64, _> =
        ParticleSwarm::new(bounds, PARTICLES).with_rng_generator(rng);
    // A move ends where the next one needs its scores.
    let left_of_move = PARTICLES - told.len() % PARTICLES;
    let questions = Questions {
        told,
        n: n.min(left_of_move),
        asked: Mutex::new(Asked::default()),
    };
    let ended = Executor::new(&questions, swarm).timer(false).run();
    let asked = questions.take();
    match ended {
        Err(error) if asked.len() < questions.n => Err(SearchError::Swarm(error.to_string())),
        _ => Ok(asked.iter().map(|at| assignment(space, at)).collect()),
    }
}

fn assignment(space: &Space, at: &[f64]) -> Assignment {
    space.fill(|idx, param| param.domain.at(at[idx]))
}

/// Answers what was told, and notes what is asked after that.
struct Questions<'a> {
    told: &'a [Trial],
    n: usize,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    answered: usize,
    open: Vec<Vec<f64>>,
}

impl Questions<'_> {
    fn take(&self) -> Vec<Vec<f64>> {
        let mut asked = self.asked.lock().unwrap_or_else(|error| error.into_inner());
        std::mem::take(&mut asked.open)
    }
}

impl CostFunction for &Questions<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    /// argmin looks for the least: a score's opposite. What failed is as bad as can be.
    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        let mut asked = self.asked.lock().unwrap_or_else(|error| error.into_inner());
        if let Some(trial) = self.told.get(asked.answered) {
            asked.answered += 1;
            return Ok(trial.score.map_or(f64::MAX, |score| -score));
        }
        asked.open.push(at.clone());
        if asked.open.len() < self.n {
            Ok(f64::MAX)
        } else {
            Err(Error::msg("enough was asked"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use serde_json::json;

    use super::*;

    fn ask(told: &[Trial], n: usize) -> Vec<Assignment> {
        let space: Space =
            serde_json::from_value(json!({ "x": { "float": [-1, 1] }, "y": { "int": [0, 9] } }))
                .unwrap();
        next(&space, told, n, ChaCha8Rng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn a_move_is_the_same_in_one_piece_and_in_many() {
        let whole = ask(&[], 16);
        assert_eq!(whole.len(), PARTICLES);
        let mut told = Vec::new();
        for params in &whole {
            assert_eq!(&ask(&told, 1)[0], params);
            told.push(Trial::complete(params.clone(), 0.0));
        }
        assert_eq!(ask(&told[..7], 16), whole[7..]);
    }

    #[test]
    fn the_swarm_gathers_at_the_top() {
        let mut told = Vec::new();
        while told.len() < 200 {
            for params in ask(&told, 10) {
                let [x, y] = ["x", "y"].map(|name| params[name].as_f64().unwrap());
                told.push(Trial::complete(
                    params,
                    -(x - 0.25).powi(2) - (y - 6.0).abs(),
                ));
            }
        }
        let best = told.iter().filter_map(|trial| trial.score);
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        assert!(best > -1e-3, "{best}");
    }
}
