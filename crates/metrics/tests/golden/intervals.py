"""Golden intervals for the tests of the crate `metrics`.

    python intervals.py > intervals.json

Made with statsmodels 0.15.0, scipy 1.18.1, numpy 2.5.0. Units, classes and results come from integer formulas that
`tests/intervals.rs` repeats. `alone`: every image is a unit, and the interval is statsmodels'. `clustered`: the design
effect is computed from all pairs of images. Tolerance of the tests: 1e-9.
"""

import itertools
import json

import numpy as np
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint


def interval(share, n, degrees):
    """Wilson's interval with the quantile of Student's t."""
    alpha = 2 * norm.sf(t.ppf(0.975, degrees))
    return [float(end) for end in proportion_confint(share * n, n, alpha=alpha, method="wilson")]


def exact(share, n):
    return [float(end) for end in proportion_confint(share * n, n, alpha=0.05, method="beta")]


def alone(n, wrong):
    right = n - wrong
    return {"n": n, "wrong": wrong, "interval": exact(1.0, n) if wrong == 0 else interval(right / n, n, n - 2)}


def clustered(n, authors, every):
    i = np.arange(n)
    actual = i % 3
    author = (i * i + i // 7) % authors
    right = ((i // 5) % every != 0) | (author % 4 == 1)
    size = {c: (actual == c).sum() for c in range(3)}
    out = {"n": n, "authors": authors, "every": every}
    for name, weight in (("accuracy", np.full(n, 1 / n)), ("top1", np.array([1 / (3 * size[c]) for c in actual]))):
        value = weight * right
        share = value.sum()
        cells = sorted({(c, a) for c, a in zip(actual, author)})
        within = between = 0.0
        units = 0.0
        for c in range(3):
            members = i[actual == c]
            cross = [
                (value[a] - value[b]) ** 2 / 2
                for a, b in itertools.permutations(members, 2)
                if author[a] != author[b]
            ]
            for a in sorted(set(author[members])):
                own = members[author[members] == a]
                units += weight[own].sum() ** 2
                if len(own) > 1:
                    within += len(own) * value[own].var(ddof=1)
                    between += len(own) * np.mean(cross)
        rho = np.clip(1 - within / between, 0, 1)
        images = (weight**2).sum()
        effective = 1 / (images + rho * (units - images))
        out[name] = interval(share, effective, len(cells) - 3)
    return out


print(
    json.dumps(
        {
            "alone": [alone(*case) for case in ((40, 0), (40, 1), (40, 13), (300, 6), (16, 0))],
            "clustered": [clustered(*case) for case in ((90, 12, 3), (60, 6, 2), (240, 40, 5))],
        },
        indent=1,
    )
)
