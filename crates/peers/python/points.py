"""Clusters, UMAP and forests of embeddings."""

from work import THREADS, Work, array


def clusters(inputs):
    from sklearn.cluster import AgglomerativeClustering, KMeans
    from sklearn.metrics import silhouette_score

    points = array(inputs["points"])

    def run():
        silhouettes = []
        for k in inputs["numbers"]:
            kmeans = KMeans(k, n_init=inputs["n_init"], random_state=0)
            for method in (kmeans, AgglomerativeClustering(k, linkage="ward")):
                silhouettes.append(silhouette_score(points, method.fit_predict(points)))
        return silhouettes

    return Work(["scikit-learn"], run, lambda silhouettes: sum(silhouettes) / len(silhouettes))


def umap(inputs):
    from sklearn.manifold import trustworthiness
    from umap import UMAP

    points = array(inputs["points"])

    def embed(points):
        return UMAP(
            n_neighbors=inputs["n_neighbors"],
            min_dist=inputs["min_dist"],
            negative_sample_rate=inputs["negative_samples"],
            n_epochs=inputs["epochs"],
            init="pca",
            n_jobs=THREADS,
        ).fit_transform(points)

    if len(points) > 10_000:
        # Compiles all that is compiled at the first call; from 4096 points on the neighbors are approximate.
        embed(points[:5000])

    def quality(embedding):
        n = inputs["scored"]
        return trustworthiness(points[:n], embedding[:n], n_neighbors=inputs["trustworthiness_neighbors"])

    return Work(["umap-learn", "numba"], lambda: embed(points), quality)


def top_k(labels, probabilities, k):
    """Mean over the classes of their images' top-k accuracy."""
    import numpy as np
    from sklearn.metrics import top_k_accuracy_score

    n_classes = probabilities.shape[1]
    weights = (1 / np.bincount(labels, minlength=n_classes).clip(1))[labels]
    return top_k_accuracy_score(labels, probabilities, k=k, sample_weight=weights, labels=range(n_classes))


def forest(inputs):
    from sklearn.ensemble import RandomForestClassifier

    points, labels, n = array(inputs["points"]), array(inputs["labels"]), inputs["train"]

    def run():
        trees = RandomForestClassifier(
            inputs["n_trees"],
            min_samples_leaf=inputs["min_samples_leaf"],
            class_weight="balanced",
            n_jobs=THREADS,
            random_state=0,
        )
        probabilities = trees.fit(points[:n], labels[:n]).predict_proba(points)
        return top_k(labels[n:], probabilities[n:], 2)

    return Work(["scikit-learn"], run, float)


def forest_search(inputs):
    import optuna
    from sklearn.ensemble import RandomForestClassifier

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    points, labels, n = array(inputs["points"]), array(inputs["labels"]), inputs["train"]

    def suggest(trial, name, domain):
        if "choice" in domain:
            return trial.suggest_categorical(name, domain["choice"])
        low, high = domain["int"]
        return trial.suggest_int(name, low, high, log=domain.get("log", False))

    def score(trial):
        values = {name: suggest(trial, name, domain) for name, domain in inputs["space"].items()}
        n_trees = values.pop("n_trees")
        trees = RandomForestClassifier(n_trees, **values, class_weight="balanced", n_jobs=THREADS, random_state=0)
        return top_k(labels[n:], trees.fit(points[:n], labels[:n]).predict_proba(points[n:]), 2)

    def run():
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
        study.optimize(score, n_trials=inputs["trials"])
        return study.best_value

    return Work(["optuna", "scikit-learn"], run, float)
