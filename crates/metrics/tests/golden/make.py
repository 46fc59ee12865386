"""Golden scores for the tests of the crate `metrics`.

    python make.py > golden.json

Made with scikit-learn 1.9.1, numpy 2.4.6. The inputs come from integer formulas that `tests/golden.rs` repeats, exact in
32-bit floats: no random numbers, no file. Tolerance of the tests: 1e-9, relative; 1e-6 for log-losses of logits, whose
softmax is taken in 64 bits here and there.
"""

import json
import warnings

import numpy as np
from sklearn import metrics

warnings.filterwarnings("ignore")
N, K, D = 120, 5, 3


def noise(i, j, salt):
    """A number in [0, 1), a multiple of 1/1024."""
    return ((i * 7919 + j * 104729 + salt * 1299709 + i * i * 31 + i * j * 17) % 1024) / 1024


def case(n_seen, ties):
    """`n_seen` of the K classes occur as true ones; with ties, logits are multiples of 1/2."""
    actual = np.array([int(noise(i, 0, 1) * noise(i, 1, 2) * n_seen) for i in range(N)])
    logits = np.array([[4 * noise(i, j, 3) - 2 for j in range(K)] for i in range(N)])
    logits += np.where(np.arange(K)[None, :] == actual[:, None], 1.0, 0.0)
    if ties:
        logits = np.floor(2 * logits) / 2
    points = np.array([[8 * noise(i, d, 5) + actual[i] * (d + 1) for d in range(D)] for i in range(N)])
    return actual, logits, points


def scores(actual, logits, points):
    predicted = logits.argmax(axis=1)
    weight = 1 / np.bincount(actual, minlength=K).clip(1)
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exps / exps.sum(axis=1, keepdims=True)
    votes = np.floor(probabilities * 8) / 8  # not normalized, with zeros: what the clipping is for
    out = {"accuracy": metrics.accuracy_score(actual, predicted)}
    for name, average in (("", "weighted"), ("_macro", "macro")):
        p, r, f, _ = metrics.precision_recall_fscore_support(actual, predicted, average=average, zero_division=0)
        if average == "weighted":
            out |= {"precision": p, "recall": r}
        out["f1" + name] = f
    for k in (1, 2, 3):
        top = lambda **kw: metrics.top_k_accuracy_score(actual, logits, k=k, labels=range(K), **kw)
        out[f"top{k}"] = top(sample_weight=weight[actual])
        out[f"plain_top{k}"] = top()
    out["log_loss"] = metrics.log_loss(actual, probabilities, labels=range(K))
    eps = np.finfo(float).eps
    out["log_loss_votes"] = float(-np.log(np.clip(votes[np.arange(N), actual], eps, 1 - eps)).mean())
    for name, labels in (("true", actual), ("predicted", predicted)):
        out[f"silhouette_{name}"] = metrics.silhouette_score(points, labels)
        out[f"davies_bouldin_{name}"] = metrics.davies_bouldin_score(points, labels)
        out[f"calinski_harabasz_{name}"] = metrics.calinski_harabasz_score(points, labels)
    p, r, f, s = metrics.precision_recall_fscore_support(actual, predicted, labels=range(K), zero_division=0)
    return {
        "scores": {name: float(value) for name, value in out.items()},
        "confusion": metrics.confusion_matrix(actual, predicted, labels=range(K)).tolist(),
        "report": [list(map(float, row)) for row in zip(p, r, f, s)],
    }


if __name__ == "__main__":
    cases = [
        {"n_seen": n_seen, "ties": ties, **scores(*case(n_seen, ties))}
        for n_seen, ties in ((5, False), (5, True), (3, False))
    ]
    print(json.dumps(cases, indent=1))
