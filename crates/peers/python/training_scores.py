"""Scores of a training, with intervals and calibration."""

from work import THREADS, Work, array


def nine_metrics(labels, probabilities, weights):
    """The metrics of crate `metrics`, in its order."""
    import numpy as np
    from sklearn import metrics

    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(1)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predicted, average="weighted", sample_weight=weights, zero_division=0
    )
    balanced = weights / np.bincount(labels, weights, n_classes)[labels]
    return [
        metrics.accuracy_score(labels, predicted, sample_weight=weights),
        precision,
        recall,
        f1,
        metrics.f1_score(labels, predicted, average="macro", sample_weight=weights, zero_division=0),
        *(
            metrics.top_k_accuracy_score(labels, probabilities, k=k, sample_weight=balanced, labels=range(n_classes))
            for k in (1, 2, 3)
        ),
        metrics.log_loss(labels, probabilities, sample_weight=weights, labels=range(n_classes)),
    ]


def replicates(seeds, labels, authors, probabilities):
    """Metrics of replicates by author within classes (Rao and Wu 1988)."""
    import numpy as np

    values = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        weights = np.ones(len(labels))
        for label in np.unique(labels):
            images = np.flatnonzero(labels == label)
            units, unit_of_image = np.unique(authors[images], return_inverse=True)
            m = len(units)
            if m < 2:
                continue
            drawn = np.bincount(rng.integers(m, size=m - 1), minlength=m) * (m / (m - 1))
            weight = drawn[unit_of_image]
            weights[images] = weight * len(images) / weight.sum()
        drawn = weights > 0
        values.append(nine_metrics(labels[drawn], probabilities[drawn], weights[drawn]))
    return values


def calibration_error(confidence, is_right, n_bins):
    import numpy as np

    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    return np.abs(np.bincount(bins, is_right - confidence, n_bins)).sum() / len(confidence)


def calibration_metrics(labels, probabilities, n_bins):
    import numpy as np
    from sklearn import metrics

    n_classes = probabilities.shape[1]
    truth = np.eye(n_classes)[labels]
    predicted = probabilities.argmax(1)
    return [
        calibration_error(probabilities.max(1), predicted == labels, n_bins),
        np.mean([calibration_error(probabilities[:, c], truth[:, c], n_bins) for c in range(n_classes)]),
        ((probabilities - truth) ** 2).sum(1).mean(),
        metrics.log_loss(labels, probabilities, labels=range(n_classes)),
    ]


def calibrate(logits, labels, validation, test, n_bins):
    import numpy as np
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax
    from sklearn.calibration import _SigmoidCalibration
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import log_loss

    classes = range(logits.shape[1])

    def loss(log_temperature):
        scaled = softmax(logits[validation] / np.exp(log_temperature), axis=1)
        return log_loss(labels[validation], scaled, labels=classes)

    temperature = np.exp(minimize_scalar(loss, bounds=np.log([0.01, 100]), method="bounded").x)
    plain = softmax(logits, axis=1)
    calibrated = [plain[test], softmax(logits[test] / temperature, axis=1)]
    for curve in (_SigmoidCalibration, lambda: IsotonicRegression(out_of_bounds="clip")):
        raw = plain[test].copy()
        for c in classes:
            fitted = curve().fit(plain[validation, c], labels[validation] == c)
            raw[:, c] = fitted.predict(plain[test, c])
        total = raw.sum(1, keepdims=True)
        calibrated.append(np.where(total > 0, raw / np.where(total > 0, total, 1), 1 / len(classes)))
    return [calibration_metrics(labels[test], probabilities, n_bins) for probabilities in calibrated]


def scores(inputs):
    import numpy as np
    from joblib import Parallel, delayed
    from scipy.special import softmax
    from sklearn import metrics

    logits, embeddings = array(inputs["logits"]).astype(float), array(inputs["embeddings"])
    labels, authors = array(inputs["labels"]), array(inputs["authors"])
    bounds = inputs["subsets"]
    subsets = [slice(*pair) for pair in zip(bounds, bounds[1:])]
    separations = (metrics.silhouette_score, metrics.davies_bouldin_score, metrics.calinski_harabasz_score)

    def run():
        values = []
        for epoch, points in zip(logits, embeddings):
            probabilities = softmax(epoch, axis=1)
            for subset in subsets:
                actual, likely = labels[subset], probabilities[subset]
                values.append(nine_metrics(actual, likely, np.ones(len(actual))))
                for classes in (likely.argmax(1), actual):
                    for separation in separations:
                        separation(points[subset], classes)
        last = softmax(logits[-1], axis=1)
        with Parallel(n_jobs=THREADS) as parallel:
            for subset in subsets:
                images = labels[subset], authors[subset], last[subset]
                batches = np.array_split(np.arange(inputs["replicates"]), 4 * THREADS)
                drawn = parallel(delayed(replicates)(batch, *images) for batch in batches)
                np.percentile(np.concatenate(drawn), [2.5, 97.5], axis=0)
        calibrate(logits[-1], labels, subsets[1], subsets[2], inputs["bins"])
        return values

    return Work(["scikit-learn"], run, lambda values: float(np.mean(values)))
