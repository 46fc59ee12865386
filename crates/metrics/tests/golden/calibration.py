"""Golden calibrators and figures for the tests of the crate `metrics`.

    python calibration.py > calibration.json

Made with scikit-learn 1.9.1, scipy 1.17.1, netcal 1.4.0, numpy 2.4.6. The inputs come from integer formulas that
`tests/calibration.rs` repeats. Calibrators are fitted to the first part of the images and applied to the second.
Tolerances of the tests: 1e-9 for figures and isotonic probabilities, 1e-6 for the temperature, 1e-5 for what comes of
sigmoids, which scikit-learn's minimizer leaves at a gradient of 1e-6.

Votes are small fractions and stand on the bounds of bins, where libraries differ: their calibration errors are not
compared.
"""

import json
import warnings

import numpy as np
from netcal.metrics import ECE
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss, log_loss

warnings.filterwarnings("ignore")
N_FIT, N_JUDGED, K, BINS, SHOWN = 240, 120, 4, 15, 10


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


def metrics(probabilities, actual, with_bins=True):
    out = {
        "log_loss": log_loss(actual, probabilities, labels=range(K)),
        "brier": brier_score_loss(actual, probabilities, labels=range(K)),
        "accuracy": (probabilities.argmax(axis=1) == actual).mean(),
    }
    if with_bins:
        out["ece"] = ECE(BINS).measure(probabilities, actual)
        # One class against the rest: the probability of the class against whether it is true.
        each = [ECE(BINS).measure(probabilities[:, k], (actual == k).astype(int)) for k in range(K)]
        out["classwise_ece"] = np.mean(each)
    return {name: float(value) for name, value in out.items()}


if __name__ == "__main__":
    n = N_FIT + N_JUDGED
    actual = np.array([(i * i + 3 * i) % 11 % K for i in range(n)])
    own = np.arange(K)[None, :] == actual[:, None]
    logits = np.array([[8 * noise(i, j, 3) - 4 for j in range(K)] for i in range(n)]) + np.where(own, 2.0, 0.0)
    votes = np.array([[int(8 * noise(i, j, 4)) for j in range(K)] for i in range(n)]) + np.where(own, 3, 0)
    votes = votes / votes.sum(axis=1, keepdims=True)
    fit, evaluated = slice(0, N_FIT), slice(N_FIT, n)

    loss = lambda t: -log_softmax(logits[fit] / np.exp(t), axis=1)[np.arange(N_FIT), actual[fit]].mean()
    temperature = np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x)
    out = {
        "temperature": temperature,
        "network_none": metrics(softmax(logits[evaluated], axis=1), actual[evaluated]),
        "network_temperature": metrics(softmax(logits[evaluated] / temperature, axis=1), actual[evaluated]),
        "forest_none": metrics(votes[evaluated], actual[evaluated], with_bins=False),
    }
    for name, method in (("platt", "sigmoid"), ("isotonic", "isotonic")):
        frozen = FrozenEstimator(Votes().fit(None, None))
        calibrated = CalibratedClassifierCV(frozen, method=method).fit(votes[fit], actual[fit])
        [fitted] = calibrated.calibrated_classifiers_
        probabilities = calibrated.predict_proba(votes[evaluated])
        out[f"forest_{name}"] = metrics(probabilities, actual[evaluated], with_bins=name == "platt")
        out[f"probabilities_{name}"] = probabilities[:SHOWN].tolist()
        if name == "platt":
            out["sigmoids"] = [[c.a_, c.b_] for c in fitted.calibrators]
    print(json.dumps(out, indent=1))
