"""Golden agreements of partitions for the tests of the crate `cluster-validity`.

    python make.py > golden.json

Made with scikit-learn 1.9.1, numpy 2.4.6. The partitions come from integer formulas that `tests/golden.rs` repeats.
Tolerance of the tests: 1e-12.
"""

import json

from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

CASES = [
    # points, labels of the first partition, of the second, share of points (of 16) whose labels agree
    (12, 3, 3, 12),
    (60, 4, 4, 16),
    (200, 8, 8, 13),
    (200, 8, 12, 8),
    (500, 6, 20, 0),
    (500, 2, 1, 0),
    (33, 33, 5, 4),
]


def noise(i, salt):
    """A number below 65521."""
    return (i * 7919 + salt * 1299709 + i * i * 31) % 65521


def partitions(n, n_first, n_second, agree):
    first = [noise(i, 1) % n_first for i in range(n)]
    second = [first[i] % n_second if noise(i, 2) % 16 < agree else noise(i, 3) % n_second for i in range(n)]
    return first, second


if __name__ == "__main__":
    out = []
    for case in CASES:
        first, second = partitions(*case)
        ari = adjusted_rand_score(first, second)
        nmi = normalized_mutual_info_score(first, second)
        out.append({"case": case, "ari": float(ari), "nmi": float(nmi)})
    print(json.dumps(out, indent=1))
