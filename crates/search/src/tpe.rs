//! Tree-structured Parzen estimators (Bergstra et al. 2011), joint over the parameters (Falkner, Klein and Hutter 2018),
//! with Optuna's kernels (Watanabe 2023, section 3).
//!
//! Completed trials are split into a few good ones and the rest. The density of each group is a mixture of one kernel a
//! trial, and a prior over the whole space. Of candidates drawn from the density of the good ones, the next trial is the
//! one with the highest ratio of this density to that of the rest.

use std::f64::consts::{SQRT_2, TAU};

use numeric::log_sum_exp;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::space::Scale;
use crate::{Assignment, Domain, Space, State, Trial, Value};

/// Number of trials drawn uniformly at the start.
pub(crate) const STARTUP: usize = 10;

/// Number of candidates for one trial.
const CANDIDATES: usize = 24;

/// Share of good trials, and their maximum number.
const GOOD_SHARE: f64 = 0.1;
const MOST_GOOD: usize = 25;

/// Number of the last trials that have full weight; that of older ones falls to nearly 0.
const RECENT: usize = 25;

/// Parameters of the next trial.
pub(crate) fn next(space: &Space, known: &[Trial], rng: &mut ChaCha8Rng) -> Assignment {
    let (good, rest) = split(known);
    let good = Density::new(space, &good);
    let rest = Density::new(space, &rest);
    let candidates = (0..CANDIDATES).map(|_| good.draw(rng));
    let rated = candidates.map(|candidate| {
        let gain = good.ln(&candidate) - rest.ln(&candidate);
        (gain, candidate)
    });
    let best = rated.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.expect("there are candidates").1
}

/// The good trials and the rest, each in the order in which they were tried.
fn split(known: &[Trial]) -> (Vec<&Trial>, Vec<&Trial>) {
    let mut order: Vec<usize> = (0..known.len()).collect();
    order.sort_by(|&a, &b| rank(&known[b], &known[a]));
    let ended = { known.iter() }.filter(|trial| trial.state != State::Running);
    let is_eligible = |&&idx: &&usize| known[idx].score.is_some();
    let n_eligible = order.iter().filter(is_eligible).count();
    let n_good = n_good(ended.count()).min(n_eligible);
    let is_good = |idx: usize| order[..n_good].contains(&idx);
    let (good, rest): (Vec<usize>, Vec<usize>) = (0..known.len()).partition(|&idx| is_good(idx));
    let trials = |indices: Vec<usize>| indices.into_iter().map(|idx| &known[idx]).collect();
    (trials(good), trials(rest))
}

/// Number of good trials among `n`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of trials"
)]
fn n_good(n: usize) -> usize {
    ((GOOD_SHARE * n as f64).ceil() as usize).min(MOST_GOOD)
}

/// Complete trials are above stopped ones, and of these the one stopped last; then the score decides.
fn rank(a: &Trial, b: &Trial) -> std::cmp::Ordering {
    let key = |trial: &Trial| match (trial.state, trial.score) {
        (State::Complete, Some(score)) => (2, 0, score),
        (State::Pruned, Some(score)) => (1, trial.steps.len(), score),
        _ => (0, 0, 0.0),
    };
    let ((state_a, steps_a, score_a), (state_b, steps_b, score_b)) = (key(a), key(b));
    (state_a, steps_a)
        .cmp(&(state_b, steps_b))
        .then(score_a.total_cmp(&score_b))
}

/// A mixture of products: component by component a kernel for each parameter, the prior's last.
struct Density<'a> {
    space: &'a Space,
    /// Of the components; they sum to 1.
    weights: Vec<f64>,
    /// `[component][parameter]`.
    components: Vec<Vec<Kernel>>,
}

impl<'a> Density<'a> {
    fn new(space: &'a Space, trials: &[&Trial]) -> Self {
        let columns: Vec<Vec<Kernel>> = space
            .params()
            .iter()
            .map(|param| {
                let values: Vec<Option<&Value>> = trials
                    .iter()
                    .map(|trial| trial.params.get(&param.name))
                    .collect();
                kernels(&param.domain, &values)
            })
            .collect();
        let mut weights = weights(trials.len());
        weights.push(1.0);
        let sum: f64 = weights.iter().sum();
        Self {
            space,
            components: (0..weights.len())
                .map(|component| {
                    { columns.iter() }
                        .map(|column| column[component].clone())
                        .collect()
                })
                .collect(),
            weights: weights.iter().map(|weight| weight / sum).collect(),
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Assignment {
        let component = &self.components[pick(&self.weights, rng.random())];
        self.space
            .fill(|idx, param| component[idx].draw(&param.domain, rng))
    }

    /// The logarithm of the density at `at`, up to a constant that all densities share.
    fn ln(&self, at: &Assignment) -> f64 {
        let terms = self.components.iter().zip(&self.weights);
        let terms: Vec<f64> = terms
            .map(|(component, weight)| weight.ln() + self.ln_of(component, at))
            .collect();
        log_sum_exp(terms.iter().copied())
    }

    fn ln_of(&self, component: &[Kernel], at: &Assignment) -> f64 {
        let params = self.space.params().iter().zip(component);
        params
            .filter_map(|(param, kernel)| {
                Some(kernel.density(&param.domain, at.get(&param.name)?).ln())
            })
            .sum()
    }
}

/// Weights of `n` trials, from the oldest.
fn weights(n: usize) -> Vec<f64> {
    let n_old = n.saturating_sub(RECENT);
    let ramp = |i: usize| {
        let first = 1.0 / n as f64;
        first + (1.0 - first) * i as f64 / (n_old.max(2) - 1) as f64
    };
    (0..n)
        .map(|i| if i < n_old { ramp(i) } else { 1.0 })
        .collect()
}

/// The index at which the sum of `weights`, which sum to 1, passes `share`.
fn pick(weights: &[f64], share: f64) -> usize {
    let mut sum = 0.0;
    let passes = |weight: &f64| {
        sum += weight;
        share < sum
    };
    // Rounding may leave the sum short of 1.
    weights.iter().position(passes).unwrap_or(weights.len() - 1)
}

/// Density of one parameter around its value in one trial.
#[derive(Clone, Debug)]
enum Kernel {
    /// A normal distribution, cut off at the ends of the scale.
    Normal { scale: Scale, mu: f64, sigma: f64 },
    /// Probabilities of the choices.
    Choice(Vec<f64>),
}

/// A kernel for each of `values`, then the prior; the kernel of an absent value is the prior, too.
fn kernels(domain: &Domain, values: &[Option<&Value>]) -> Vec<Kernel> {
    match (domain, domain.scale()) {
        (Domain::Choice(choices), _) => choice_kernels(choices, values),
        (_, Some(scale)) => normal_kernels(scale, values),
        (_, None) => unreachable!("numbers have a scale"),
    }
}

fn choice_kernels(choices: &[Value], values: &[Option<&Value>]) -> Vec<Kernel> {
    let n = values.iter().flatten().count() + 1;
    let kernel = |value: Option<&Value>| {
        let counts = choices.iter().map(|choice| {
            let is_it = value == Some(choice);
            f64::from(u8::from(is_it)) + 1.0 / n as f64
        });
        let counts: Vec<f64> = counts.collect();
        let sum: f64 = counts.iter().sum();
        Kernel::Choice(counts.into_iter().map(|count| count / sum).collect())
    };
    let all = values.iter().copied().chain([None]);
    all.map(kernel).collect()
}

/// Each as wide as the wider gap to its neighbors, but not too narrow: more values allow narrower kernels.
fn normal_kernels(scale: Scale, values: &[Option<&Value>]) -> Vec<Kernel> {
    let place = |value: &Value| value.as_f64().map(|x| scale.place(x));
    let places: Vec<Option<f64>> = values.iter().map(|value| place((*value)?)).collect();
    let mut sorted: Vec<f64> = places.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let width = scale.high - scale.low;
    let least = width / (2.0 + sorted.len() as f64).min(100.0);
    let prior = Kernel::Normal {
        scale,
        mu: f64::midpoint(scale.low, scale.high),
        sigma: width,
    };
    let kernel = |place: &Option<f64>| match *place {
        None => prior.clone(),
        Some(mu) => Kernel::Normal {
            scale,
            mu,
            sigma: gap(&scale, &sorted, mu).clamp(least, width),
        },
    };
    let own = places.iter().map(kernel);
    own.chain([prior.clone()]).collect()
}

/// The wider of the gaps between `mu`, one of `sorted`, and its neighbors. The scale's ends are neighbors of a lone value
/// only: else values near an end would be smeared over all of the scale.
fn gap(scale: &Scale, sorted: &[f64], mu: f64) -> f64 {
    if let [only] = sorted {
        return (only - scale.low).max(scale.high - only);
    }
    let at = sorted.partition_point(|other| *other < mu);
    let below = at.checked_sub(1).map_or(0.0, |below| mu - sorted[below]);
    let above = sorted.get(at + 1).map_or(0.0, |above| above - mu);
    below.max(above)
}

impl Kernel {
    fn draw(&self, domain: &Domain, rng: &mut ChaCha8Rng) -> Value {
        match (self, domain) {
            (Self::Choice(shares), Domain::Choice(choices)) => {
                choices[pick(shares, rng.random())].clone()
            }
            (Self::Normal { scale, mu, sigma }, _) => loop {
                // The mean lies on the scale and the kernel is no wider: one in three draws does too.
                let place = mu + sigma * rng.sample::<f64, _>(StandardNormal);
                if (scale.low..=scale.high).contains(&place) {
                    break scale.value(place);
                }
            },
            (Self::Choice(_), _) => unreachable!("a choice's kernel is of a choice"),
        }
    }

    /// The density at `value` along the scale, or its probability where values have gaps.
    fn density(&self, domain: &Domain, value: &Value) -> f64 {
        match (self, domain) {
            (Self::Choice(shares), Domain::Choice(choices)) => {
                let at = choices.iter().position(|choice| choice == value);
                at.map_or(0.0, |at| shares[at])
            }
            (Self::Normal { scale, mu, sigma }, _) => {
                let below = |place: f64| cumulative((place - mu) / sigma);
                let mass = below(scale.high) - below(scale.low);
                let x = value.as_f64().unwrap_or(f64::NAN);
                match scale.cell(x) {
                    Some((low, high)) => (below(high) - below(low)) / mass,
                    None => normal((scale.place(x) - mu) / sigma) / (sigma * mass),
                }
            }
            (Self::Choice(_), _) => unreachable!("a choice's kernel is of a choice"),
        }
    }
}

/// The standard normal distribution's density.
fn normal(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// The standard normal distribution's share below `z`.
fn cumulative(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use serde_json::json;

    use super::*;

    fn space() -> Space {
        serde_json::from_value(json!({
            "kind": { "choice": ["a", "b"] },
            "size": { "int": [1, 8], "when": { "kind": "a" } },
        }))
        .unwrap()
    }

    fn trial(kind: &str, size: Option<i64>, score: f64) -> Trial {
        let size = size.map(|size| ("size".to_owned(), Value::Int(size)));
        let kind = ("kind".to_owned(), Value::Text(kind.to_owned()));
        Trial::complete([kind].into_iter().chain(size).collect(), score)
    }

    #[test]
    fn a_density_of_whole_numbers_sums_to_one() {
        let space = space();
        let trials = [
            trial("a", Some(3), 0.0),
            trial("b", None, 0.0),
            trial("a", Some(8), 0.0),
        ];
        let density = Density::new(&space, &trials.each_ref());
        let all = (1..=8)
            .map(|size| trial("a", Some(size), 0.0))
            .chain([trial("b", None, 0.0)]);
        let sum: f64 = all.map(|trial| density.ln(&trial.params).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn draws_follow_the_density() {
        let space = space();
        let trials = [trial("a", Some(2), 0.0), trial("a", Some(2), 0.0)];
        let density = Density::new(&space, &trials.each_ref());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let wanted = trial("a", Some(2), 0.0).params;
        let hits = (0..4000).filter(|_| density.draw(&mut rng) == wanted);
        let found = hits.count() as f64 / 4000.0;
        assert!((found - density.ln(&wanted).exp()).abs() < 0.02, "{found}");
    }

    #[test]
    fn complete_trials_are_better_than_stopped_and_failed_ones() {
        let mut known: Vec<Trial> = (0..10).map(|i| trial("b", None, f64::from(i))).collect();
        known.push(Trial {
            state: State::Pruned,
            ..trial("a", Some(1), 100.0)
        });
        known.push(Trial {
            state: State::Failed,
            score: None,
            ..trial("a", Some(2), 0.0)
        });
        known.push(Trial::running(trial("a", Some(3), 0.0).params));
        let (good, rest) = split(&known);
        assert_eq!((good, rest.len()), (vec![&known[8], &known[9]], 11));
    }

    #[test]
    fn old_trials_weigh_less() {
        assert_eq!(weights(25), vec![1.0; 25]);
        let weights = weights(28);
        assert_eq!(weights[2..], [1.0; 26]);
        assert!(weights[0] < 0.1 && weights[0] < weights[1] && weights[1] < 1.0);
    }

    #[test]
    fn kernels_are_as_wide_as_the_gaps() {
        let domain = Domain::Float {
            low: 0.0,
            high: 1.0,
            log: false,
        };
        let scale = domain.scale().unwrap();
        let sorted = [0.1, 0.2, 0.6, 0.6];
        let gaps = sorted.map(|mu| gap(&scale, &sorted, mu));
        for (found, expected) in gaps.into_iter().zip([0.1, 0.4, 0.4, 0.4]) {
            assert!((found - expected).abs() < 1e-12, "{gaps:?}");
        }
        assert!((gap(&scale, &[0.3], 0.3) - 0.7).abs() < 1e-12);
    }
}
