"""Golden figures of the clustering crate, from points that a formula gives.

Versions: numpy, scipy 1.17.1, scikit-learn 1.9.1, umap-learn 0.5.12. Run: python make.py > golden.json

Tolerances of the tests:
- curve: a and b within 1e-5 (scipy's curve_fit stops at a relative 1.5e-8 of the squared error);
- ward: heights within 1e-9 relative, partitions equal;
- k-means: inertia at most 1e-6 above scikit-learn's, relative, up to the six clusters that the points have; beyond,
  where clusters are split at will and scikit-learn's hundred starts differ by 0.003 from seed to seed, at most 0.01;
- silhouettes: within 1e-9 for equal partitions;
- UMAP: trustworthiness at most 0.01 below the mean of umap-learn's over three seeds.
"""

import json
import warnings

import numpy as np
import umap
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import KMeans
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score
from umap.umap_ import find_ab_params

warnings.filterwarnings("ignore")


class Lcg:
    """Knuth's 64-bit linear congruential generator; the upper 24 bits as a number in [0, 1)."""

    def __init__(self, seed):
        self.state = seed

    def unit(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 40) / 2**24

    def normal(self):
        return sum(self.unit() for _ in range(12)) - 6.0


def mixture(n, d, k, width):
    """n points in d dimensions around k centers in [0, 6)^d, in turn."""
    lcg = Lcg(1)
    centers = [[6.0 * lcg.unit() for _ in range(d)] for _ in range(k)]
    return np.array([[c + width * lcg.normal() for c in centers[i % k]] for i in range(n)], dtype=np.float32)


def by_first_appearance(labels):
    numbers = {}
    return [numbers.setdefault(int(label), len(numbers)) for label in labels]


golden = {"curve": [], "kmeans": [], "ward": {}, "trustworthiness": {}}
for min_dist, spread in [(0.0, 1.0), (0.1, 1.0), (0.25, 1.0), (0.5, 1.0), (0.99, 1.0), (0.1, 2.5), (0.05, 0.5)]:
    a, b = find_ab_params(spread, min_dist)
    golden["curve"].append({"min_dist": min_dist, "spread": spread, "a": float(a), "b": float(b)})

x = mixture(420, 8, 6, 1.0)
golden["first_point"] = [float(v) for v in x[0]]
for k in range(2, 10):
    fit = KMeans(k, n_init=100, random_state=0, tol=0, max_iter=1000).fit(x.astype(float))
    golden["kmeans"].append(
        {"k": k, "inertia": fit.inertia_, "silhouette": float(silhouette_score(x.astype(float), fit.labels_))}
    )

tree = linkage(x.astype(float), method="ward")
golden["ward"] = {
    "last_heights": [float(h) for h in tree[-12:, 2]],
    "height_sum": float(tree[:, 2].sum()),
    "cuts": {k: by_first_appearance(fcluster(tree, k, "maxclust")) for k in (2, 5, 9)},
}

for components in (2, 3):
    scores = []
    for seed in range(3):
        y = umap.UMAP(n_components=components, n_neighbors=15, min_dist=0.1, random_state=seed, n_jobs=1).fit_transform(x)
        scores.append(float(trustworthiness(x, y, n_neighbors=15)))
    golden["trustworthiness"][components] = scores

print(json.dumps(golden, indent=1))
