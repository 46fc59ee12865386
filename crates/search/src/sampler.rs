//! Asking and telling.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::{Assignment, SearchError, Space, Trial, grid, swarm, tpe};

/// How the next trial is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Tree-structured Parzen estimators: near what was good, far from what was not.
    Tpe,
    /// Each by itself, evenly.
    Random,
    /// All combinations of evenly spread values, the last parameter first; it ends.
    Grid,
    /// A swarm of particles. Choices are put on a line, which suits numbers better.
    Swarm,
}

/// A search: all that decides what is tried next, but for what came of what was tried.
#[derive(Clone, Debug)]
pub struct Search {
    /// What may vary.
    pub space: Space,
    /// How the next trial is found.
    pub method: Method,
    /// The seed of all draws.
    pub seed: u64,
}

impl Search {
    /// The next trials after `told`, at most `n`: fewer at the end of a grid, and where a swarm's next move waits for
    /// the scores of this one. They can be carried out side by side.
    ///
    /// # Errors
    /// argmin gave up.
    pub fn ask(&self, told: &[Trial], n: usize) -> Result<Vec<Assignment>, SearchError> {
        let numbers = told.len()..told.len() + n;
        match self.method {
            Method::Tpe => Ok(self.ask_tpe(told, n)),
            Method::Random => Ok(numbers.map(|number| self.draw(number)).collect()),
            Method::Grid => Ok(numbers
                .map_while(|number| grid::nth(&self.space, number))
                .collect()),
            Method::Swarm => swarm::next(&self.space, told, n, self.rng(0)),
        }
    }

    /// One after another, each knowing that those before it are under way.
    fn ask_tpe(&self, told: &[Trial], n: usize) -> Vec<Assignment> {
        let mut known = told.to_vec();
        for number in told.len()..told.len() + n {
            let next = match told.len() {
                few if few < tpe::STARTUP => self.draw(number),
                _ => tpe::next(&self.space, &known, &mut self.rng(number)),
            };
            known.push(Trial::running(next));
        }
        let asked = known.drain(told.len()..);
        asked.map(|trial| trial.params).collect()
    }

    fn draw(&self, number: usize) -> Assignment {
        let mut rng = self.rng(number);
        self.space.fill(|_, param| param.domain.at(rng.random()))
    }

    /// The randomness of one trial.
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
    fn run(search: &Search, mut told: Vec<Trial>, n: usize, width: usize) -> Vec<Trial> {
        while told.len() < n {
            for params in search.ask(&told, width).unwrap() {
                let score = score(&params);
                told.push(Trial::complete(params, score));
            }
        }
        told.truncate(n);
        told
    }

    #[test]
    fn a_stopped_search_goes_on_as_if_it_had_not_been() {
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
        let told = run(&search, Vec::new(), 20, 1);
        let round = search.ask(&told, 4).unwrap();
        assert!((1..4).all(|idx| !round[..idx].contains(&round[idx])));
    }
}
