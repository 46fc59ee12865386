"""Golden figures of the forest crate: scikit-learn's forest on rows that a formula gives.

Versions: numpy, scikit-learn 1.9.1. Run: python make.py > golden.json

Each figure is the mean over ten seeds of RandomForestClassifier(class_weight="balanced") with the parameters named, on
test rows that the forest has not seen; the standard deviation over seeds stands beside it. Since 1.9, scikit-learn draws
a tree's rows by their weights, as the crate does; older versions weighed rows drawn evenly, and differ.

Tolerance of the tests, for the mean over three seeds: 0.03 for the accuracy, the mean of the classes' accuracies, and
the log-loss (probabilities clipped to [0.001, 1]).
"""

import json

import numpy as np
from sklearn.ensemble import RandomForestClassifier


class Lcg:
    """Knuth's 64-bit linear congruential generator; the upper 24 bits as a number in [0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 40) / 2**24

    def normal(self):
        return sum(self.unit() for _ in range(12)) - 6.0


def rows(lcg, centers, counts):
    x, y = [], []
    for label, (center, count) in enumerate(zip(centers, counts)):
        for _ in range(count):
            x.append([c + lcg.normal() for c in center])
            y.append(label)
    return np.array(x, dtype=np.float32), np.array(y)


lcg = Lcg(2)
centers = [[2.2 * lcg.unit() for _ in range(16)] for _ in range(5)]
train = rows(lcg, centers, [200, 120, 80, 40, 20])
test = rows(lcg, centers, [100, 60, 40, 20, 20])

cases = {
    "default": {},
    "entropy, 4 deep": {"criterion": "entropy", "max_depth": 4},
    "8 features a split": {"max_features": 8},
    "no bootstrap": {"bootstrap": False},
    "large leaves": {"min_samples_leaf": 5, "min_samples_split": 16},
    "large leaves, no bootstrap": {"min_samples_leaf": 5, "min_samples_split": 16, "bootstrap": False},
}
golden = {"first_row": [float(v) for v in train[0][0]], "cases": {}}
for name, params in cases.items():
    figures = []
    for seed in range(10):
        forest = RandomForestClassifier(300, class_weight="balanced", random_state=seed, **params).fit(*train)
        p = forest.predict_proba(test[0])
        right = p.argmax(1) == test[1]
        own = np.clip(p[np.arange(len(p)), test[1]], 0.001, 1)
        figures.append([right.mean(), np.mean([right[test[1] == c].mean() for c in range(5)]), -np.log(own).mean()])
    mean, deviation = np.mean(figures, 0), np.std(figures, 0)
    golden["cases"][name] = {
        figure: {"mean": float(m), "deviation": float(d)}
        for figure, m, d in zip(["accuracy", "balanced_accuracy", "log_loss"], mean, deviation)
    }

print(json.dumps(golden, indent=1))
