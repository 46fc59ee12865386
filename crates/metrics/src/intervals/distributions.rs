//! Quantiles of distributions that intervals need.

/// Both tails together: 1 less the level of the intervals.
const ALPHA: f64 = 0.05;

/// Steps of a bisection, after which doubles have no midpoint left.
const BISECTIONS: u32 = 120;

/// Upper end of the middle 95 % of Student's `t`, by its relation to the incomplete beta function (Abramowitz and Stegun
/// 1964, 26.5.27).
pub(super) fn t_quantile(degrees_of_freedom: usize) -> f64 {
    let degrees = degrees_of_freedom as f64;
    // The share beyond `t` on both sides is I_x(degrees / 2, 1 / 2) with x = degrees / (degrees + t²).
    let x = beta_quantile(ALPHA, degrees / 2.0, 0.5);
    (degrees * (1.0 - x) / x).sqrt()
}

/// Share of a standard normal distribution above `z`.
pub(super) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// Clopper and Pearson's (1934) interval of `share` among `n`, neither of which need be whole: quantiles of the beta
/// distribution, as Korn and Graubard (1998).
pub(super) fn clopper_pearson(share: f64, n: f64) -> (f64, f64) {
    let (hits, misses) = (share * n, (1.0 - share) * n);
    let low = if hits <= 0.0 {
        0.0
    } else {
        beta_quantile(ALPHA / 2.0, hits, misses + 1.0)
    };
    let high = if misses <= 0.0 {
        1.0
    } else {
        beta_quantile(1.0 - ALPHA / 2.0, hits + 1.0, misses)
    };
    (low, high)
}

fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if incomplete_beta(middle, a, b) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Regularized incomplete beta function `I_x(a, b)`, by its continued fraction (Press et al. 2007, §6.4).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let ln_front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    // The fraction converges fast on one side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) {
        ln_front.exp() * continued_fraction(x, a, b) / a
    } else {
        1.0 - ln_front.exp() * continued_fraction(1.0 - x, b, a) / b
    }
}

/// Lentz's evaluation, which replaces a denominator of 0 by a tiny number.
fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // Some √max(a, b) terms suffice.
    const TERMS: u32 = 10_000;
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / nonzero(1.0 + term * d);
            c = nonzero(1.0 + term / c);
            change = d * c;
            fraction *= change;
        }
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (degrees, t) in [
            (1, 12.706_204_736),
            (2, 4.302_652_730),
            (10, 2.228_138_852),
            (1_000_000, 1.959_966_4),
        ] {
            assert_abs_diff_eq!(t_quantile(degrees), t, epsilon = 1e-7);
        }
        assert_abs_diff_eq!(normal_tail(1.959_963_985), 0.025, epsilon = 1e-10);
    }

    #[test]
    fn sixteen_of_sixteen_is_no_certainty() {
        let (low, high) = clopper_pearson(1.0, 16.0);
        // All 16 are right with probability low¹⁶.
        assert_abs_diff_eq!(low, 0.025_f64.powf(1.0 / 16.0), epsilon = 1e-12);
        assert_abs_diff_eq!(high, 1.0);
        let (low, high) = clopper_pearson(0.0, 16.0);
        assert_abs_diff_eq!(low, 0.0);
        assert_abs_diff_eq!(high, 1.0 - 0.025_f64.powf(1.0 / 16.0), epsilon = 1e-12);
    }
}
