//! Simulated annealing of the folds (Kirkpatrick, Gelatt and Vecchi 1983) with argmin.

use std::cell::RefCell;

use argmin::{
    core::{CostFunction, Error, Executor, IterState},
    solver::simulatedannealing::{Anneal, SATempFunc, SimulatedAnnealing},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::{
    SplitError,
    objective::{Objective, Placement},
};

/// Random moves from the start that set the first temperature.
const PROBES: usize = 256;
/// The last temperature as a share of the first: at the end only gains are accepted.
const COOLING: f64 = 1e-5;

/// Returns the best placement of `steps` steps from `start`, or `start` itself.
///
/// The temperature falls exponentially from the mean change of cost of a random move.
pub(crate) fn improve(
    objective: &Objective,
    start: Placement,
    steps: u64,
    moves: ChaCha8Rng,
    acceptance: ChaCha8Rng,
) -> Result<Placement, SplitError> {
    if steps == 0 || objective.members.len() < 2 {
        return Ok(start);
    }
    let problem = Moves {
        objective,
        rng: RefCell::new(moves),
    };
    let temperature = problem.mean_change(&start);
    if temperature <= 0.0 {
        return Ok(start);
    }
    let solver = SimulatedAnnealing::new_with_rng(temperature, acceptance)
        .map_err(SplitError::Anneal)?
        .with_temp_func(SATempFunc::Exponential(COOLING.powf(1.0 / steps as f64)));
    let mut result = Executor::new(problem, solver)
        .configure(|state: IterState<_, (), (), (), (), f64>| {
            state.param(start.clone()).max_iters(steps)
        })
        .run()
        .map_err(SplitError::Anneal)?;
    // The annealer's cost is a running sum of moves; the exact cost comes from the counts.
    Ok(match result.state.take_best_param() {
        Some(best) if objective.cost(&best) < objective.cost(&start) => best,
        _ => start,
    })
}

/// Random moves: half of them shift an author to another fold, half swap two authors of a class.
struct Moves<'a> {
    objective: &'a Objective,
    /// Interior mutability, as the annealer has the problem by shared reference.
    rng: RefCell<ChaCha8Rng>,
}

impl Moves<'_> {
    fn random(&self, placement: &mut Placement) {
        let rng = &mut *self.rng.borrow_mut();
        let objective = self.objective;
        let member = rng.random_range(0..objective.members.len());
        let from = placement.fold_of[member];
        if rng.random_bool(0.5) {
            let to = (from + rng.random_range(1..objective.folds)) % objective.folds;
            return objective.shift(placement, member, to);
        }
        let mut labels = objective.members[member].labels();
        let label = labels.nth(rng.random_range(0..labels.len()));
        let peers = &objective.by_label[label.expect("drawn within the labels")];
        let other = peers[rng.random_range(0..peers.len())];
        let to = placement.fold_of[other];
        if to != from {
            objective.shift(placement, member, to);
            objective.shift(placement, other, from);
        }
    }

    /// Mean absolute change of cost by one random move from `start`.
    fn mean_change(&self, start: &Placement) -> f64 {
        let changes = (0..PROBES).map(|_| {
            let mut moved = start.clone();
            self.random(&mut moved);
            (moved.cost - start.cost).abs()
        });
        changes.sum::<f64>() / PROBES as f64
    }
}

impl CostFunction for Moves<'_> {
    type Param = Placement;
    type Output = f64;

    fn cost(&self, placement: &Placement) -> Result<f64, Error> {
        Ok(placement.cost)
    }
}

impl Anneal for Moves<'_> {
    type Param = Placement;
    type Output = Placement;
    type Float = f64;

    fn anneal(&self, placement: &Placement, _temperature: f64) -> Result<Placement, Error> {
        let mut moved = placement.clone();
        self.random(&mut moved);
        Ok(moved)
    }
}
