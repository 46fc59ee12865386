"""Best scores of Optuna's samplers on three functions, for the samplers of `search` to be held to.

Each function is searched with 60 seeds, 60 trials each; kept are the quartiles of the best scores.
Run: python make.py > golden.json
"""

import json
import math
import platform

import numpy as np
import optuna

SEEDS, TRIALS = 60, 60
optuna.logging.set_verbosity(optuna.logging.ERROR)


def rate(trial):
    """A learning rate and a share: one hill, on a logarithmic and a linear scale."""
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    share = trial.suggest_float("share", 0.0, 1.0)
    return -((math.log10(lr) + 3.0) ** 2) - 4.0 * (share - 0.3) ** 2


def branin(trial):
    """Branin's function, turned over: three equal hills, bent."""
    x, y = trial.suggest_float("x", -5.0, 10.0), trial.suggest_float("y", 0.0, 15.0)
    b, c, t = 5.1 / (4.0 * math.pi**2), 5.0 / math.pi, 1.0 / (8.0 * math.pi)
    return -((y - b * x * x + c * x - 6.0) ** 2 + 10.0 * (1.0 - t) * math.cos(x) + 10.0)


def mixed(trial):
    """A choice with a parameter that only one side has, and whole numbers on a logarithmic scale."""
    size = trial.suggest_int("size", 2, 64, log=True)
    frozen = trial.suggest_categorical("frozen", [False, True])
    score = -abs(math.log2(size) - 4.0)
    if frozen:
        return score - 1.0
    return score - (trial.suggest_float("drop", 0.0, 0.9) - 0.5) ** 2 * 10.0


def quartiles(function, sampler):
    best = []
    for seed in range(SEEDS):
        study = optuna.create_study(direction="maximize", sampler=sampler(seed))
        study.optimize(function, n_trials=TRIALS)
        best.append(study.best_value)
    return [float(q) for q in np.quantile(best, [0.25, 0.5, 0.75])]


samplers = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "univariate": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
golden = {
    "versions": {"python": platform.python_version(), "optuna": optuna.__version__},
    "seeds": SEEDS,
    "trials": TRIALS,
    "quartiles": {
        function.__name__: {name: quartiles(function, sampler) for name, sampler in samplers.items()}
        for function in (rate, branin, mixed)
    },
}
print(json.dumps(golden, indent=1))
