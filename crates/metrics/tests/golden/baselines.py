"""Makes baselines.json: scores of scikit-learn's DummyClassifier.

    python baselines.py > baselines.json

Made with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1. Tolerances: 1e-9 for `prior`; for `uniform`, which draws its
guesses, 0.01 for their mean over many draws.
"""

import json

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

K = 4
# Training images and scored images by class.
TRAIN = [7, 12, 5, 6]
SCORED = [9, 4, 6, 3]
DRAWS = 400


def labels(counts):
    return np.repeat(np.arange(K), counts)


def scores(actual, predicted, probabilities):
    precision, recall, f1, _ = precision_recall_fscore_support(actual, predicted, average="weighted", zero_division=0)
    weights = 1 / np.bincount(actual, minlength=K)[actual]
    top = [top_k_accuracy_score(actual, probabilities, k=k, labels=np.arange(K), sample_weight=weights) for k in (1, 2, 3)]
    return {
        "accuracy": accuracy_score(actual, predicted),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "f1_macro": f1_score(actual, predicted, average="macro", zero_division=0),
        "top1": top[0],
        "top2": top[1],
        "top3": top[2],
        "log_loss": log_loss(actual, probabilities, labels=np.arange(K)),
    }


def prior():
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((sum(TRAIN), 1)), labels(TRAIN))
    actual = labels(SCORED)
    images = np.zeros((len(actual), 1))
    return scores(actual, dummy.predict(images), dummy.predict_proba(images))


def uniform():
    """Scores of the counts over many draws of guesses, each class with its rank at random."""
    actual = np.tile(labels(SCORED), DRAWS)
    images = np.zeros((len(actual), 1))
    dummy = DummyClassifier(strategy="uniform", random_state=1).fit(np.zeros((sum(TRAIN), 1)), labels(TRAIN))
    guesses = dummy.predict(images)
    found = scores(actual, guesses, dummy.predict_proba(images))
    # The probabilities are all equal, and say nothing of ranks: a random ranking does.
    ranking = np.random.default_rng(1).random((len(actual), K))
    weights = 1 / np.bincount(actual, minlength=K)[actual]
    for k in (1, 2, 3):
        found[f"top{k}"] = top_k_accuracy_score(actual, ranking, k=k, labels=np.arange(K), sample_weight=weights)
    return found


print(json.dumps({"prior": prior(), "uniform": uniform()}, indent=2))
