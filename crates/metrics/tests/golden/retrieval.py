"""Golden retrieval scores for the tests of the crate `metrics`.

    python retrieval.py > retrieval.json

Made with pytorch-metric-learning 2.9.0, torch 2.15.0. The inputs come from integer formulas that `tests/retrieval.rs`
repeats, exact in 32-bit floats. No two references are equally far from a query. Tolerance of the tests: 1e-12.
"""

import json

import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

N, D, K = 200, 5, 6
DISTANCES = {"euclidean": LpDistance(normalize_embeddings=False), "cosine": CosineSimilarity()}


def noise(i, j, salt):
    """A number in [0, 1), a multiple of 1/65536."""
    return ((i * 7919 + j * 104729 + salt * 1299709 + i * i * 31 + i * j * 17) % 65521) / 65536


def labeled(n, salt):
    """The last point alone has the label `K`."""
    labels = [int(noise(i, 0, salt) * noise(i, 1, salt) * K) for i in range(n - 1)] + [K]
    points = [[noise(i, d, salt + 1) - 0.5 + 0.25 * (labels[i] == d) for d in range(D)] for i in range(n)]
    return torch.tensor(points, dtype=torch.float64), torch.tensor(labels)


def check_no_ties(distance, queries, references):
    nearest = distance(queries, references).sort(dim=1).values
    gaps = (nearest[:, 1:] - nearest[:, :-1]).abs()
    assert gaps.min() > 1e-9, gaps.min()


def scores(queries, labels, references, reference_labels, distance, own):
    knn = CustomKNN(distance)
    calculator = AccuracyCalculator(
        include=("precision_at_1", "mean_average_precision_at_r"),
        k="max_bin_count",
        device=torch.device("cpu"),
        # The calculator's own 32 bits would swap neighbors.
        knn_func=lambda queries, k, references, own: knn(queries.double(), k, references.double(), own),
        kmeans_func=lambda *_: None,
    )
    found = calculator.get_accuracy(queries, labels, references, reference_labels, ref_includes_query=own)
    return {"recall_at_1": found["precision_at_1"], "map_at_r": found["mean_average_precision_at_r"]}


if __name__ == "__main__":
    points, labels = labeled(N, 1)
    queries, query_labels = labeled(N // 3, 4)
    out = []
    for name, distance in DISTANCES.items():
        check_no_ties(distance, points, points)
        check_no_ties(distance, queries, points)
        alone = scores(points, labels, points, labels, distance, True)
        sets = scores(queries, query_labels, points, labels, distance, False)
        out.append({"distance": name, "leave_one_out": alone, "from": sets})
    print(json.dumps(out, indent=1))
