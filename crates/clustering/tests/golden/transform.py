"""Golden figures of UMAP's transform and of trustworthiness, on scikit-learn's digits.

`digits.txt` has the first 600 of them (Alpaydin, Kaynak 1998; UCI, CC BY 4.0), a line each: 64 pixels from `a` = 0 to
`q` = 16. The first 400 are fitted, the others placed on their map.

Versions: numpy, scikit-learn 1.9.1, umap-learn 0.5.12. Run: python transform.py > transform.json

Tolerances of the tests:
- trustworthiness of a given map, the first two coordinates of points without equal distances: within 1e-12;
- memberships: within 1e-4 (umap-learn's widths have single precision);
- trustworthiness of these embeddings, of the fit and of the transform: at most 0.01 below the mean of umap-learn's over
  five seeds, which `transform.json` has one by one.
"""

import json
import pathlib
import warnings

import numpy as np
import umap
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

warnings.filterwarnings("ignore")
FITTED, NEIGHBORS, SEEDS = 400, 15, 5

digits = load_digits().data[:600].astype(np.float32)
lines = ["".join(chr(ord("a") + int(v)) for v in row) for row in digits]
(pathlib.Path(__file__).parent / "digits.txt").write_text("\n".join(lines) + "\n")
fitted, new = digits[:FITTED], digits[FITTED:]


def learn(components, seed, mode="embedding"):
    return umap.UMAP(
        n_components=components, n_neighbors=NEIGHBORS, min_dist=0.1, n_epochs=500, random_state=seed,
        transform_seed=seed, transform_mode=mode, n_jobs=1,
    ).fit(fitted)


def spiral(n):
    """n points in space without equal distances."""
    i = np.arange(n, dtype=np.float64)
    return np.stack([np.sin(0.37 * i) * (1 + 0.01 * i), np.cos(0.53 * i) + 0.003 * i, 0.05 * i], axis=1).astype(np.float32)


golden = {"given": [], "memberships": [], "embeddings": []}
points = spiral(150)
for k in (1, 5, 15, 74):
    golden["given"].append({"k": k, "value": float(trustworthiness(points, points[:, :2], n_neighbors=k))})

graph = learn(2, 0, "graph").transform(new).tocsr()
for i in range(0, len(new), 40):
    row = graph[i]
    distances = np.sqrt(((new[i] - fitted[row.indices]).astype(np.float64) ** 2).sum(axis=1))
    order = np.argsort(distances, kind="stable")
    golden["memberships"].append(
        {"distances": distances[order].tolist(), "strengths": [float(v) for v in row.data[order]]}
    )

for components in (2, 3):
    scores = {"components": components, "fit": [], "transform": []}
    for seed in range(SEEDS):
        model = learn(components, seed)
        scores["fit"].append(float(trustworthiness(fitted, model.embedding_, n_neighbors=NEIGHBORS)))
        scores["transform"].append(float(trustworthiness(new, model.transform(new), n_neighbors=NEIGHBORS)))
    golden["embeddings"].append(scores)

print(json.dumps(golden, indent=1))
