//! Samplers by name.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::{Assignment, SearchError, Space, Trial, grid, swarm, tpe};

/// How the next trial is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Tree-structured Parzen estimators: near good trials, far from the others.
    Tpe,
    /// Independent, uniform draws.
    Random,
    /// All combinations of evenly spread values, the last parameter first; finite.
    Grid,
    /// Particle swarm. Choices become positions on a line, so it suits numbers better.
    Swarm,
}

/// A search: with the completed trials, it determines the next ones.
#[derive(Clone, Debug)]
pub struct Search {
    /// Parameters that vary.
    pub space: Space,
    /// How the next trial is found.
    pub method: Method,
    /// The seed of all draws.
    pub seed: u64,
}

impl Search {
    /// Parameters of the next trials after `completed`, at most `n`: fewer at the end of a grid, and where a swarm's next
    /// move needs the scores of this one. The trials can run in parallel.
    ///
    /// # Errors
    /// argmin fails.
    pub fn ask(&self, completed: &[Trial], n: usize) -> Result<Vec<Assignment>, SearchError> {
        let numbers = completed.len()..completed.len() + n;
        match self.method {
            Method::Tpe => Ok(self.ask_tpe(completed, n)),
            Method::Random => Ok(numbers.map(|number| self.draw(number)).collect()),
            Method::Grid => Ok(numbers
                .map_while(|number| grid::nth(&self.space, number))
                .collect()),
            Method::Swarm => swarm::next(&self.space, completed, n, self.rng(0)),
        }
    }

    /// One after another, with those before it as running trials.
    fn ask_tpe(&self, completed: &[Trial], n: usize) -> Vec<Assignment> {
        let mut known = completed.to_vec();
        for number in completed.len()..completed.len() + n {
            let next = match completed.len() {
                few if few < tpe::STARTUP => self.draw(number),
                _ => tpe::next(&self.space, &known, &mut self.rng(number)),
            };
            known.push(Trial::running(next));
        }
        let drawn = known.drain(completed.len()..);
        drawn.map(|trial| trial.params).collect()
    }

    fn draw(&self, number: usize) -> Assignment {
        let mut rng = self.rng(number);
        self.space.fill(|_, param| param.domain.at(rng.random()))
    }

    /// Random numbers of one trial.
    fn rng(&self, number: usize) -> ChaCha8Rng {
        random::numbered(self.seed, number as u64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const METHODS: [Method; 4] = [Method::Tpe, Method::Random, Method::Grid, Method::Swarm];

    fn search(method: Method, seed: u64) -> Search {
        let space = json!({
            "lr": { "float": [1e-4, 1e-2], "log": true },
            "size": { "int": [2, 64], "log": true },
            "frozen": { "choice": [false, true] },
            "drop": { "float": [0, 0.9], "when": { "frozen": false } },
        });
        Search {
            space: serde_json::from_value(space).unwrap(),
            method,
            seed,
        }
    }

    fn score(params: &Assignment) -> f64 {
        params["size"].as_f64().unwrap() * params["lr"].as_f64().unwrap()
    }

    /// `n` trials in rounds of `width`.
    fn run(search: &Search, mut completed: Vec<Trial>, n: usize, width: usize) -> Vec<Trial> {
        while completed.len() < n {
            for params in search.ask(&completed, width).unwrap() {
                let score = score(&params);
                completed.push(Trial::complete(params, score));
            }
        }
        completed.truncate(n);
        completed
    }

    #[test]
    fn a_stopped_search_resumes_with_the_same_trials() {
        for method in METHODS {
            let whole = run(&search(method, 1), Vec::new(), 36, 1);
            let part = whole[..17].to_vec();
            assert_eq!(run(&search(method, 1), part, 36, 1), whole, "{method:?}");
        }
    }

    #[test]
    fn a_renamed_parameter_draws_as_before_in_the_old_order() {
        for method in METHODS {
            let old = search(method, 1);
            let text = serde_json::json!({
                "rate": { "float": [1e-4, 1e-2], "log": true },
                "size": { "int": [2, 64], "log": true },
                "frozen": { "choice": [false, true] },
                "drop": { "float": [0, 0.9], "when": { "frozen": false } },
            });
            let space: Space = serde_json::from_value(text).unwrap();
            let new = Search {
                space: space.in_order_of(&["drop", "frozen", "rate", "size"]),
                ..search(method, 1)
            };
            let renamed = |mut params: Assignment| {
                let lr = params.remove("lr").unwrap();
                params.insert("rate".to_owned(), lr);
                params
            };
            let asked = old.ask(&[], 8).unwrap().into_iter().map(renamed);
            assert_eq!(new.ask(&[], 8).unwrap(), asked.collect::<Vec<_>>());
        }
    }

    #[test]
    fn seeds_differ_but_for_the_grid() {
        for method in METHODS {
            let [one, two] = [1, 2].map(|seed| run(&search(method, seed), Vec::new(), 20, 4));
            assert_eq!(one == two, method == Method::Grid, "{method:?}");
        }
    }

    #[test]
    fn conditions_hold_in_every_trial() {
        for method in METHODS {
            for trial in run(&search(method, 3), Vec::new(), 40, 3) {
                let is_frozen = trial.params["frozen"] == crate::Value::Bool(true);
                assert_eq!(trial.params.contains_key("drop"), !is_frozen, "{method:?}");
            }
        }
    }

    #[test]
    fn trials_of_a_round_differ() {
        let search = search(Method::Tpe, 1);
        let completed = run(&search, Vec::new(), 20, 1);
        let round = search.ask(&completed, 4).unwrap();
        assert!((1..4).all(|idx| !round[..idx].contains(&round[idx])));
    }
}
