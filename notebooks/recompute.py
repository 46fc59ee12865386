"""Recomputes a study's tables from its predictions, without its code: python notebooks/recompute.py [ARTIFACTS [SAMPLE]]

Reads the parquet files in the folder `artifacts`: the argument, the variable ATELIER_ARTIFACTS, or the first one found
beside this script or above it, or in the working folder or above. Prints a line for each table: its rows, the largest
difference of a value from the table's, and the tolerance. SAMPLE is the parameter `score.silhouette_sample`, 5000 by
default. Ends with 1 if a difference is above its tolerance.

Needs numpy, pandas with pyarrow, scipy and scikit-learn (written with numpy 2.3, pandas 3.0, scikit-learn 1.9).
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics as sk

TOP = {"top1": 1, "top2": 2, "top3": 3}


def find_artifacts(arguments):
    given = arguments[0] if arguments else os.environ.get("ATELIER_ARTIFACTS")
    if given:
        candidates = [Path(given)]
    else:
        starts = [Path(__file__).resolve().parent, Path.cwd()]
        candidates = [folder / "artifacts" for start in starts for folder in [start, *start.parents]]
    for folder in candidates:
        if (folder / "score/scores.parquet").exists():
            return folder
    looked = ", ".join(f"`{folder}`" for folder in candidates)
    sys.exit(f"found no `score/scores.parquet` in {looked}: run `cargo xtask repro`, or set ATELIER_ARTIFACTS")


ARTIFACTS = find_artifacts(sys.argv[1:])
FAILED = []


def table(name):
    return pd.read_parquet(ARTIFACTS / f"{name}.parquet")


def has(name):
    return (ARTIFACTS / f"{name}.parquet").exists()


def softmax(logits):
    logits = np.asarray(logits, np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def stacked(column):
    return np.stack(column.to_numpy()).astype(np.float64)


class Predicted:
    """Predictions of N images: true classes [N], probabilities [N, K], and scores [N, K] whose order ranks the classes."""

    def __init__(self, actual, probabilities, scores=None):
        self.actual = np.asarray(actual)
        self.probabilities = probabilities
        self.scores = probabilities if scores is None else scores
        self.predicted = self.scores.argmax(1)
        # Of equal scores the later class precedes.
        own = self.scores[np.arange(len(self.actual)), self.actual][:, None]
        later = np.arange(self.scores.shape[1])[None] > self.actual[:, None]
        self.rank = ((self.scores > own) | ((self.scores == own) & later)).sum(1)
        epsilon = np.finfo(np.float64).eps
        own = probabilities[np.arange(len(self.actual)), self.actual]
        self.losses = -np.log(np.clip(own, epsilon, 1 - epsilon))

    @classmethod
    def of_logits(cls, actual, logits):
        logits = np.asarray(logits, np.float64)
        return cls(actual, softmax(logits), logits)

    def take(self, rows):
        part = object.__new__(Predicted)
        for name, values in vars(self).items():
            setattr(part, name, values[rows])
        return part

    def metrics(self):
        actual, predicted = self.actual, self.predicted
        values = {"accuracy": sk.accuracy_score(actual, predicted), "log_loss": self.losses.mean()}
        for name, score in [("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)]:
            values[name] = score(actual, predicted, average="weighted", zero_division=0)
        values["f1_macro"] = sk.f1_score(actual, predicted, average="macro", zero_division=0)
        classes = np.unique(actual)
        for name, k in TOP.items():
            values[name] = np.mean([(self.rank[actual == c] < k).mean() for c in classes])
        return values


def compare(name, rows, tolerance, may_be_empty=False):
    """Prints the largest difference of `rows`, pairs of the table's value and the recomputed one."""
    rows = list(rows)
    if may_be_empty and not rows:
        print(f"{name:34}      0 rows   nothing to compare")
        return
    theirs, ours = (np.array([pair[i] for pair in rows], np.float64) for i in (0, 1))
    unequal = np.isnan(theirs) != np.isnan(ours)
    difference = np.where(unequal, np.inf, np.abs(theirs - ours))
    largest = np.nanmax(difference, initial=0.0)
    verdict = "" if rows and largest <= tolerance else "  FAILED"
    if verdict:
        FAILED.append(name)
    print(f"{name:34} {len(rows):6} rows   largest difference {largest:.1e}   tolerance {tolerance:.0e}{verdict}")


LABELS = sorted(table("split/folds").label.unique())
INDEX = {label: at for at, label in enumerate(LABELS)}
FOLDS = table("split/folds").set_index("path")


def models():
    """Predictions of the selected network and of the forests on it, by model and subset, with embeddings."""
    predictions = table("predict/predictions")
    embeddings = stacked(predictions.embedding)
    found = {"network": Predicted.of_logits(predictions.label.map(INDEX), stacked(predictions.logits))}
    for name, stage in [("forest", "forest"), ("tuned forest", "forest-tuned")]:
        if has(f"{stage}/forest_predictions"):
            rows = table(f"{stage}/forest_predictions")
            assert (rows.path == predictions.path).all(), f"{stage} has other images than `predictions`"
            found[name] = Predicted(rows.label.map(INDEX), stacked(rows.probabilities))
    return predictions, embeddings, found


def separations(embeddings, part):
    """Indices of the embedding by predicted and by true labels; NaN where undefined."""
    values = {}
    for by, labels in [("predicted", part.predicted), ("true", part.actual)]:
        n_labels = len(np.unique(labels))
        for name, score in [
            ("silhouette", sk.silhouette_score),
            ("davies_bouldin", sk.davies_bouldin_score),
            ("calinski_harabasz", sk.calinski_harabasz_score),
        ]:
            is_defined = 2 <= n_labels < len(labels)
            values[f"{name}_{by}"] = score(embeddings, labels) if is_defined else np.nan
    return values


def check_scores():
    predictions, embeddings, found = models()
    scores = table("score/scores")
    sample = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    pairs = {"metrics": [], "indices": []}
    parts = {}
    for (model, subset), rows in scores.groupby(["model", "subset"]):
        at = np.flatnonzero(predictions.subset == subset)
        part = found[model].take(at)
        ours = part.metrics()
        # Silhouettes of more images than the parameter `score.silhouette_sample` are those of a sample.
        if len(at) <= sample:
            ours |= separations(embeddings[at], part)
        for row in rows.itertuples():
            is_index = row.metric.endswith(("_predicted", "_true"))
            if row.metric in ours and not (row.metric in TOP and len(LABELS) <= TOP[row.metric]):
                value, ours_value = row.value, ours[row.metric]
                # Calinski and Harabasz's index has no bound, so its difference is relative.
                if row.metric.startswith("calinski") and value:
                    value, ours_value = 1.0, ours_value / value
                pairs["indices" if is_index else "metrics"].append((value, ours_value))
        parts[model, subset] = part
    # Votes of a forest are 32-bit numbers.
    compare("scores: metrics", pairs["metrics"], 1e-6)
    compare("scores: indices of embeddings", pairs["indices"], 1e-6, may_be_empty=True)
    check_classes("score", parts)


def check_classes(stage, parts):
    """Confusion matrices and metrics of each class, of the predictions `parts` by model and subset."""
    confusion, reports = [], []
    theirs_confusion = table(f"{stage}/confusion").set_index(["model", "subset", "actual", "predicted"])["count"]
    theirs_reports = table(f"{stage}/class_reports").set_index(["model", "subset", "label"])
    for (model, subset), part in parts.items():
        matrix = sk.confusion_matrix(part.actual, part.predicted, labels=range(len(LABELS)))
        for i, actual in enumerate(LABELS):
            for j, label in enumerate(LABELS):
                confusion.append((theirs_confusion[model, subset, actual, label], matrix[i, j]))
        report = sk.precision_recall_fscore_support(
            part.actual, part.predicted, labels=range(len(LABELS)), zero_division=0
        )
        for i, label in enumerate(LABELS):
            row = theirs_reports.loc[(model, subset, label)]
            reports += zip(row[["precision", "recall", "f1", "support"]], [column[i] for column in report])
    compare(f"{stage}: confusion", confusion, 0)
    compare(f"{stage}: class_reports", reports, 1e-12)


def check_calibrations(out_of_fold):
    """Values that need no fit: those of the probabilities as the models give them."""
    rows = table("calibrate/calibrations")
    predictions, _, found = models()
    bins = int(table("calibrate/reliabilities").bin.max()) + 1
    pairs = []
    # The network's rows are of the folds' networks, or of the selected one in studies that calibrated it alone.
    network = rows[(rows.model == "network") & (rows.subset == "validation")]
    is_pooled = (network.n == len(out_of_fold["validation"].actual)).all()
    for row in rows[rows.method == "none"].itertuples():
        if row.model == "network" and is_pooled:
            source = out_of_fold[row.subset]
        else:
            source = found[row.model].take(np.flatnonzero(predictions.subset == row.subset))
        pairs.append((row.n, len(source.actual)))
        p, actual = source.probabilities, source.actual
        truth = np.eye(len(LABELS))[actual]
        right = source.predicted == actual
        pairs += [
            (row.ece, calibration_error(p.max(1), right, bins)),
            (row.classwise_ece, np.mean([calibration_error(p[:, c], actual == c, bins) for c in range(len(LABELS))])),
            (row.brier, ((p - truth) ** 2).sum(1).mean()),
            (row.log_loss, source.losses.mean()),
        ]
    compare("calibrations: without calibration", pairs, 1e-6)


def calibration_error(confidence, is_right, bins):
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, is_right, bins) - np.bincount(place, confidence, bins)
    return np.abs(gaps).sum() / len(confidence)


def epochs_of_folds():
    """Epoch of each fold in which it is scored, and its own: (scored, own)."""
    history = pd.concat(pd.read_parquet(path) for path in sorted(ARTIFACTS.glob("train/*/history.parquet")))
    own = history[history.best].set_index("fold").epoch
    rows = table("cross-validation/fold_scores")
    selected_by = set(rows[rows.model == "network"].selected_by)
    if "other folds" not in selected_by:
        return {fold: (epoch, epoch) for fold, epoch in own.items()}
    epochs = {}
    for fold, epoch in own.items():
        means = history[history.fold != fold].groupby("epoch")[["score", "validation_loss"]].mean().round(9)
        order = means.reset_index().sort_values(["score", "validation_loss", "epoch"], ascending=[False, True, True])
        epochs[fold] = (order.epoch.iloc[0], epoch)
    return epochs


class Sample:
    """Predictions of images with their authors and folds, by path."""

    def __init__(self, paths, predicted, guesses=1):
        rows = FOLDS.loc[paths]
        self.paths = rows.index
        self.predicted = predicted
        # An image without a known author is an author by itself.
        authors = np.where(rows.author.isna(), "\0" + rows.index, "author " + rows.author.fillna(""))
        self.authors = np.repeat(np.unique(authors, return_inverse=True)[1], guesses)
        self.folds = np.repeat(rows.fold.to_numpy(str), guesses)
        self.images = len(rows)

    def by_fold(self):
        return {int(fold): self.predicted.take(self.folds == fold) for fold in np.unique(self.folds)}


def networks():
    """The folds' networks, from the outputs of every epoch: `other folds`, `own fold` and `test`."""
    epochs = epochs_of_folds()
    validation, own, test = [], [], []
    for path in sorted(ARTIFACTS.glob("train/*/epoch_outputs.parquet")):
        fold = pd.read_parquet(path, columns=["fold"]).fold.iloc[0]
        columns = ["epoch", "path", "class_index", "subset", "logits"]
        rows = pd.read_parquet(path, columns=columns, filters=[("epoch", "in", [int(e) for e in epochs[fold]])])
        scored = rows[rows.epoch == epochs[fold][0]]
        validation.append(scored[scored.subset == "validation"])
        own.append(rows[(rows.epoch == epochs[fold][1]) & (rows.subset == "validation")])
        test.append(scored[scored.subset == "test"].sort_values("path"))
    found = {}
    for name, parts in [("other folds", validation), ("own fold", own)]:
        rows = pd.concat(parts)
        found[name] = Sample(rows.path, Predicted.of_logits(rows.class_index, stacked(rows.logits)))
    if len(test[0]):
        mean = np.mean([softmax(stacked(rows.logits)) for rows in test], axis=0)
        found["test"] = Sample(test[0].path, Predicted(test[0].class_index, mean))
    return found


def baselines(subset):
    """The largest class, and the expectation of a guess."""
    rows = FOLDS[(FOLDS.fold == "test") if subset == "test" else ~FOLDS.fold.isin(["test", "train"])]
    if not len(rows):
        return
    actual, k = rows.label.map(INDEX).to_numpy(), len(LABELS)
    names = sorted(set(FOLDS.fold) - {"test", "train"})
    frequencies = {}
    for fold in names:
        training = FOLDS[~FOLDS.fold.isin(["test", fold])].label.map(INDEX)
        frequencies[fold] = np.bincount(training, minlength=k) / max(len(training), 1)
    mean = np.mean(list(frequencies.values()), axis=0)
    probabilities = np.stack([frequencies.get(fold, mean) for fold in rows.fold])
    largest = Predicted(actual, probabilities)
    # Of equal frequencies the first class precedes.
    order = np.argsort(-probabilities, axis=1, kind="stable")
    largest.rank = (order == actual[:, None]).argmax(1)
    yield "largest class", Sample(rows.index, largest)
    chance = Predicted(np.repeat(actual, k), np.full((len(actual) * k, k), 1 / k))
    chance.rank = np.tile(np.arange(k), len(actual))
    chance.predicted = (chance.actual + chance.rank) % k
    yield "chance", Sample(rows.index, chance, k)


def share_intervals(sample):
    """Intervals of the shares, in closed form: Wilson's with the design effect of authors within classes (Saha, Miller and
    Wang 2016), or Clopper and Pearson's with the number of authors where no class has both outcomes."""
    predicted, classes = sample.predicted, np.unique(sample.predicted.actual)
    cells = pd.Series(list(zip(predicted.actual, sample.authors)))
    freedom = cells.nunique() - len(classes)
    if freedom == 0:
        return {}
    t = stats.t.ppf(0.975, freedom)
    right = predicted.predicted == predicted.actual
    hits = {"accuracy": right, "recall": right} | {name: predicted.rank < k for name, k in TOP.items()}
    found = {}
    for name, hit in hits.items():
        sizes = pd.Series(predicted.actual).value_counts()
        by_class = name in TOP
        weight = {c: 1 / (len(classes) * sizes[c]) if by_class else 1 / len(hit) for c in classes}
        weights = np.array([weight[c] for c in predicted.actual])
        frame = pd.DataFrame({"c": predicted.actual, "cell": cells, "x": weights * hit, "w": weights})
        value = min(frame.x.sum(), 1.0)
        images = 1 / (weights**2).sum()
        authors = 1 / (frame.groupby("cell").w.sum() ** 2).sum()
        if all(len(np.unique(hit[predicted.actual == c])) == 1 for c in classes):
            value = round(value) if abs(value - round(value)) < 1e-12 else value
            low = stats.beta.ppf(0.025, value * authors, (1 - value) * authors + 1) if value > 0 else 0.0
            high = stats.beta.ppf(0.975, value * authors + 1, (1 - value) * authors) if value < 1 else 1.0
            found[name] = (low, high)
            continue
        within = between = 0.0
        for _, rows in frame.groupby("c"):
            x = rows.x - rows.x.mean()
            each = pd.DataFrame({"n": 1, "sum": x, "squares": x**2}).groupby(rows.cell).sum()
            pairs = np.maximum(each.n * each.squares - each["sum"] ** 2, 0)
            crossed = len(rows) ** 2 - (each.n**2).sum()
            if crossed > 0:
                everything = max(len(rows) * (x**2).sum() - x.sum() ** 2, 0)
                variance = max(everything - pairs.sum(), 0) / crossed
                shared = each.n > 1
                within += (pairs[shared] / (each.n[shared] - 1)).sum()
                between += variance * each.n[shared].sum()
        correlation = np.clip(1 - within / between, 0, 1) if between > 0 else 1.0
        n = 1 / (1 / images + correlation * (1 / authors - 1 / images))
        # Variance of an image of the whole share by that of the classes' shares, at most 1.
        by_class = images * ((frame.x - frame.groupby("c").x.transform("mean")) ** 2).sum()
        n *= min(1, value * (1 - value) / by_class)
        squared = t * t / n
        half = np.sqrt(value * (1 - value) * squared + squared**2 / 4)
        middle = value + squared / 2
        found[name] = (max((middle - half) / (1 + squared), 0), min((middle + half) / (1 + squared), 1))
    return found


def check_cross_validation():
    """Returns the network's predictions out of fold, by subset."""
    found, of_networks = {}, networks()
    found["network", "", "validation"] = of_networks["other folds"]
    if "test" in of_networks:
        found["network", "", "test"] = of_networks["test"]
    check_out_of_fold(of_networks)
    probes = table("linear-probe/out_of_fold")
    for (model, features, subset), rows in probes.groupby(["model", "features", "subset"]):
        sample = Sample(rows.path, Predicted(rows.label.map(INDEX), stacked(rows.probabilities)))
        found[model, features, subset] = sample
    selected, _, of_models = models()
    for subset in ("validation", "test"):
        for model, sample in baselines(subset):
            found[model, "", subset] = sample
        at = np.flatnonzero(selected.subset == subset)
        if len(at):
            found["selected network", "", subset] = Sample(selected.path.iloc[at], of_models["network"].take(at))
    theirs = table("cross-validation/cross_validation")
    theirs["features"] = theirs.features.fillna("")
    values, folds, counts, intervals = [], [], [], []
    for key, rows in theirs.groupby(["model", "features", "subset"]):
        sample = found[key]
        ours, bounds = sample.predicted.metrics(), share_intervals(sample)
        by_fold = [part.metrics() for part in sample.by_fold().values()] if key[2] == "validation" else []
        for row in rows.itertuples():
            values.append((row.value, ours[row.metric]))
            counts += [(row.images, sample.images), (row.authors, len(np.unique(sample.authors)))]
            if len(by_fold) > 1:
                each = [fold[row.metric] for fold in by_fold]
                folds += [(row.fold_mean, np.mean(each)), (row.fold_sd, np.std(each, ddof=1))]
            if row.metric in bounds and key[0] != "chance" and pd.notna(row.low):
                intervals += zip((row.low, row.high), bounds[row.metric])
    compare("cross_validation: values", values, 1e-6)
    compare("cross_validation: folds", folds, 1e-6, may_be_empty=True)
    compare("cross_validation: counts", counts, 0)
    compare("cross_validation: intervals", intervals, 1e-6, may_be_empty=True)
    check_fold_scores(found, of_networks)
    # Classifiers on the features of the study's own ResNet are named without it.
    names, classes = set(table("cross-validation/confusion").model), {}
    for (model, features, subset), sample in found.items():
        if model in ("network", "linear probe", "forest"):
            name = f"{model} on {features}"
            classes[name if name in names else model, subset] = sample.predicted
    check_classes("cross-validation", classes)
    keys = [("network", "", subset) for subset in ("validation", "test")]
    return {key[2]: found[key].predicted for key in keys if key in found}


def check_out_of_fold(of_networks):
    rows = table("cross-validation/out_of_fold").set_index("path")
    pairs = []
    for name, subset in [("other folds", "validation"), ("test", "test")]:
        if name in of_networks:
            sample, theirs = of_networks[name], rows[rows.subset == subset]
            ours = pd.DataFrame(sample.predicted.probabilities, index=sample.paths).loc[theirs.index]
            pairs += zip(stacked(theirs.probabilities).ravel(), ours.to_numpy().ravel())
    compare("out_of_fold: probabilities", pairs, 1e-6)


def check_fold_scores(found, of_networks):
    rows = table("cross-validation/fold_scores")
    rows["features"] = rows.features.fillna("")
    pairs = []
    for (model, features, selected_by), part in rows.groupby(["model", "features", "selected_by"]):
        sample = found[model, features, "validation"]
        if model == "network" and selected_by == "own fold":
            sample = of_networks["own fold"]
        ours = {fold: predicted.metrics() for fold, predicted in sample.by_fold().items()}
        pairs += [(row.value, ours[row.fold][row.metric]) for row in part.itertuples()]
    compare("fold_scores", pairs, 1e-6)


def check_clusters():
    """Scores at the number of clusters that `clusters` has."""
    clusters, scores = table("cluster/clusters"), table("cluster/cluster_scores")
    pairs = []
    for row in scores.itertuples():
        if row.k != clusters[row.method].nunique():
            continue
        rows = clusters if pd.isna(row.subset) else clusters[clusters.subset == row.subset]
        pairs += [
            (row.ari, sk.adjusted_rand_score(rows.label, rows[row.method])),
            (row.nmi, sk.normalized_mutual_info_score(rows.label, rows[row.method])),
            (row.images, len(rows)),
        ]
    compare("cluster_scores", pairs, 1e-9)


check_scores()
out_of_fold = check_cross_validation()
check_calibrations(out_of_fold)
check_clusters()
if FAILED:
    sys.exit(f"above tolerance: {', '.join(FAILED)}")
