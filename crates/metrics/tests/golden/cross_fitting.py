"""Golden values of calibration out of fold for the tests of the crate `metrics`.

    python cross_fitting.py > cross_fitting.json

Made with scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6. The inputs come from integer formulas that
`tests/cross_fitting.rs` repeats. Tolerances of the tests: groups are equal; 1e-6 for temperatures and the metrics of
their probabilities, 1e-9 for isotonic probabilities, 1e-9 for Wilson's intervals. Sigmoids are compared in
`calibration.py`.
"""

import json
import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest, norm, t
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold

warnings.filterwarnings("ignore")
N, K, GROUPS, SHOWN = 200, 4, 5, 12


def noise(i, j, salt):
    """A number in [0, 1), a multiple of 1/65536."""
    return ((i * 7919 + j * 104729 + salt * 1299709 + i * i * 31 + i * j * 17) % 65521) / 65536


class Votes(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its input."""

    def fit(self, _, y):
        self.classes_ = np.arange(K)
        self.is_fitted_ = True
        return self

    def predict(self, X):
        return X.argmax(axis=1)

    def predict_proba(self, X):
        return X


def temperature(logits, actual):
    loss = lambda x: -log_softmax(logits / np.exp(x), axis=1)[np.arange(len(actual)), actual].mean()
    return np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x)


if __name__ == "__main__":
    actual = np.array([(i * i + 3 * i) % 11 % K for i in range(N)])
    # Authors of one to some ten images, most of several classes.
    units = np.array([int(40 * noise(i, 0, 7) ** 2) for i in range(N)])
    groups = np.empty(N, dtype=int)
    for group, (_, images) in enumerate(StratifiedGroupKFold(GROUPS).split(actual, actual, units)):
        groups[images] = group

    own = np.arange(K)[None, :] == actual[:, None]
    logits = np.array([[8 * noise(i, j, 3) - 4 for j in range(K)] for i in range(N)]) + np.where(own, 2.0, 0.0)
    votes = np.array([[int(8 * noise(i, j, 4)) for j in range(K)] for i in range(N)]) + np.where(own, 3, 0)
    votes = votes / votes.sum(axis=1, keepdims=True)
    temperatures, cooled, isotonic = [], np.empty((N, K)), np.empty((N, K))
    for group in range(GROUPS):
        fit, evaluated = groups != group, groups == group
        temperatures.append(temperature(logits[fit], actual[fit]))
        cooled[evaluated] = softmax(logits[evaluated] / temperatures[-1], axis=1)
        frozen = FrozenEstimator(Votes().fit(None, None))
        calibrated = CalibratedClassifierCV(frozen, method="isotonic").fit(votes[fit], actual[fit])
        isotonic[evaluated] = calibrated.predict_proba(votes[evaluated])

    # Wilson's interval with Student's quantile in place of the normal one: the level at which that is the normal quantile.
    hits, images, degrees = 17, 20, 19
    level = 1 - 2 * norm.sf(t.ppf(0.975, degrees))
    wilson = binomtest(hits, images).proportion_ci(level, method="wilson")
    out = {
        "groups": groups.tolist(),
        "temperatures": temperatures,
        "temperature_log_loss": log_loss(actual, cooled, labels=range(K)),
        "isotonic": isotonic[:SHOWN].tolist(),
        "wilson": [wilson.low, wilson.high],
    }
    print(json.dumps(out, indent=1))
