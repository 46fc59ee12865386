"""Golden probabilities for the tests of the crate `linear-probe`.

    python make.py > golden.json

Made with scikit-learn 1.9.1, numpy 2.4.6. The inputs come from integer formulas that `tests/golden.rs` repeats, exact in
32-bit floats: no random numbers, no file. Tolerance of the tests: 1e-5, absolute, for a search that ends where the slope
of the mean loss is below 1e-8.
"""

import json

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# Rows to fit, rows to predict, features, classes: few features, more features than rows, and two classes.
SIZES = [(90, 20, 6, 4), (24, 10, 40, 3), (60, 15, 5, 2)]
CS = [0.001, 0.1, 1.0, 100.0]


def noise(i, j, salt):
    """A number in [0, 1), a multiple of 1/1024."""
    return ((i * 7919 + j * 104729 + salt * 1299709 + i * i * 31 + i * j * 17) % 1024) / 1024


def case(n_train, n_test, n_features, n_classes):
    """Classes of uneven size; the last feature never varies, and the scales of the others differ."""
    labels = np.array([int(noise(i, 0, 1) * noise(i, 1, 2) * n_classes) for i in range(n_train + n_test)])

    def value(i, j):
        signal = 1.0 if labels[i] == j % n_classes else 0.0
        return 3.0 if j == n_features - 1 else (j + 1) * (2 * noise(i, j, 3) + signal) - j

    rows = np.array([[value(i, j) for j in range(n_features)] for i in range(n_train + n_test)], np.float32)
    return rows[:n_train], labels[:n_train], rows[n_train:]


def fit(rows, labels, tested, c):
    # Of two classes, scikit-learn has one row of weights: half as much to penalize.
    c = 2 * c if labels.max() == 1 else c
    # By Newton's method, which finds the same minimum as the default to all digits.
    regression = LogisticRegression(C=c, class_weight="balanced", solver="newton-cholesky", tol=1e-12)
    model = make_pipeline(StandardScaler(), regression).fit(rows.astype(float), labels)
    return model.predict_proba(tested.astype(float))


if __name__ == "__main__":
    cases = []
    for size in SIZES:
        rows, labels, tested = case(*size)
        assert set(labels) == set(range(size[3]))
        for c in CS:
            probabilities = fit(rows, labels, tested, c).tolist()
            cases.append({"size": size, "c": c, "probabilities": probabilities})
    print(json.dumps(cases, indent=1))
