"""Python's side of `cargo xtask bench peers`: `peers.py THREADS`.

Each line on stdin is a request in JSON, each line on stdout its answer. `{"prepare": NAME, "inputs": {…}}` imports what the
function NAME needs and reads its inputs, which isn't timed, and is answered by `{"prepared": {PACKAGE: VERSION}}`, or by
`{"missing": PACKAGE}`. `{"run": NAME}` does the work once: `{"measured": {"seconds": …, "quality": …}}`. Whatever goes wrong
is answered by `{"failed": MESSAGE}`.

A function returns a `Work`; the same is done in `src/cases/NAME.rs`, which states where the two sides differ.
"""

import json
import os
import sys
import time
import traceback
from importlib import metadata
from typing import Callable, NamedTuple, Optional

THREADS = int(sys.argv[1])


class Work(NamedTuple):
    packages: list
    run: Callable  # called with the result of `before`, if there is one
    quality: Optional[Callable] = None  # of the result of `run`; not timed
    before: Optional[Callable] = None  # not timed


def array(described):
    import numpy as np

    return np.fromfile(described["path"], dtype=described["dtype"]).reshape(described["shape"])


# Images


def decode(inputs):
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    from PIL import Image
    from torchvision import transforms

    transform = transforms.Compose([transforms.Resize(inputs["resize_px"]), transforms.CenterCrop(inputs["side_px"])])
    # Pillow decodes and resizes without Python's lock.
    pool = ThreadPoolExecutor(THREADS)

    def load(path):
        with Image.open(os.path.join(inputs["folder"], path)) as image:
            return np.asarray(transform(image.convert("RGB")))

    def run():
        with open(inputs["out"], "wb") as out:
            for pixels in pool.map(load, inputs["paths"]):
                out.write(pixels.tobytes())

    return Work(["pillow", "torchvision"], run)


# Clusters


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


# Forests


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


# Scores


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


# Networks


def network(path):
    """The network of crate `model`, with the weights of its file."""
    import torch
    from torchvision import models

    state = tensors(path)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.resnet = models.resnet18()
            self.embed = torch.nn.Linear(*reversed(state["embed.weight"].shape))
            self.head = torch.nn.Linear(*reversed(state["head.weight"].shape))

        def forward(self, images):
            return self.head(torch.relu(self.embed(torch.relu(self.resnet(images)))))

    net = Network()
    own = net.state_dict()
    for name in own:
        found = state.get(name.removeprefix("resnet."))
        if found is not None:
            own[name] = found
        elif not name.endswith("num_batches_tracked"):
            raise KeyError(f"{path} has no {name}")
    net.load_state_dict(own)
    return net.to(memory_format=torch.channels_last)


def tensors(path):
    """The tensors of a safetensors file."""
    import torch

    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    return {
        name: torch.frombuffer(data[slice(*of["data_offsets"])], dtype=dtypes[of["dtype"]]).reshape(of["shape"])
        for name, of in header.items()
        if name != "__metadata__"
    }


def images_of(inputs):
    """The images, channels last in memory."""
    import torch

    torch.set_num_threads(THREADS)
    return torch.from_numpy(array(inputs["images"])).permute(0, 3, 1, 2)


def attribution(inputs):
    import torch
    from captum.attr import LayerGradCam, Occlusion

    images = images_of(inputs)
    net = network(inputs["weights"]).eval()
    occlusion = Occlusion(lambda batch: torch.softmax(net(batch), 1))
    grad_cam = LayerGradCam(net, getattr(net.resnet, inputs["layer"]))
    window, step = inputs["window_px"], inputs["step_px"]

    def run():
        means = []
        for number in range(len(images)):
            image, target = images[number : number + 1], number % inputs["classes"]
            with torch.inference_mode():
                occlusion.attribute(
                    image,
                    sliding_window_shapes=(3, window, window),
                    strides=(3, step, step),
                    target=target,
                    perturbations_per_eval=inputs["batch"],
                )
            means.append(grad_cam.attribute(image, target=target, relu_attributions=True).mean().item())
        return means

    return Work(["captum", "torch"], run, lambda means: sum(means) / len(means))


def features(inputs):
    import torch

    images = images_of(inputs)
    net = network(inputs["weights"]).eval().resnet
    net.fc = torch.nn.Identity()

    def run():
        with torch.inference_mode():
            return torch.cat([net(batch) for batch in images.split(inputs["batch"])])

    return Work(["torch"], run, lambda rows: rows.double().mean().item())


def inference_torch(inputs):
    import torch

    images = images_of(inputs)
    net = network(inputs["weights"]).eval()

    def run():
        with torch.inference_mode():
            return torch.cat([net(batch) for batch in images.split(inputs["batch"])])

    return Work(["torch"], run, lambda logits: logits.double().mean().item())


def inference_onnx(inputs):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(inputs["onnx"], options, providers=["CPUExecutionProvider"])
    images = np.ascontiguousarray(array(inputs["images"]).transpose(0, 3, 1, 2))
    name, n = session.get_inputs()[0].name, inputs["batch"]

    def run():
        starts = range(0, len(images), n)
        return np.concatenate([session.run(["logits"], {name: images[i : i + n]})[0] for i in starts])

    return Work(["onnxruntime"], run, lambda logits: float(logits.astype(float).mean()))


class Augmented:
    """Decoded images, augmented when they are asked for."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, number):
        return self.transform(self.images[number]), self.labels[number]


def epoch(inputs):
    import torch
    from PIL import Image
    from torchvision import transforms

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    how, side = inputs["augmentation"], inputs["side_px"]
    augment = transforms.Compose(
        [
            transforms.RandomRotation(how["rotation_deg"]),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(how["brightness"], how["contrast"], how["saturation"]),
            transforms.RandomErasing(how["erase_probability"]),
            transforms.Resize(inputs["resize_px"], antialias=True),
            transforms.CenterCrop(side),
            transforms.ConvertImageDtype(torch.float32),
            transforms.Normalize(inputs["mean"], inputs["std"]),
        ]
    )

    def load(path):
        with Image.open(os.path.join(inputs["folder"], path)) as image:
            return transforms.functional.pil_to_tensor(image.convert("RGB"))

    loader = torch.utils.data.DataLoader(
        Augmented([load(path) for path in inputs["paths"]], array(inputs["labels"]), augment),
        batch_size=inputs["batch"],
        shuffle=True,
        num_workers=THREADS,
        persistent_workers=True,
    )
    loss_of = torch.nn.CrossEntropyLoss(torch.tensor(inputs["class_weights"]))

    def before():
        net = network(inputs["weights"]).train()
        return net, torch.optim.Adam(net.parameters(), lr=inputs["lr"])

    def run(trained):
        net, optimizer = trained
        losses = []
        for batch, labels in loader:
            loss = loss_of(net(batch.to(memory_format=torch.channels_last)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return Work(["torch", "torchvision"], run, lambda losses: sum(losses) / len(losses), before)


# Requests

FUNCTIONS = [
    decode,
    clusters,
    umap,
    forest,
    forest_search,
    scores,
    attribution,
    features,
    inference_torch,
    inference_onnx,
    epoch,
]


def answer(request, functions, prepared):
    try:
        if "prepare" in request:
            name = request["prepare"]
            work = functions[name](request["inputs"])
            prepared[name] = work
            return {"prepared": {package: metadata.version(package) for package in work.packages}}
        work = prepared[request["run"]]
        given = () if work.before is None else (work.before(),)
        started = time.perf_counter()
        result = work.run(*given)
        seconds = time.perf_counter() - started
        return {"measured": {"seconds": seconds, "quality": work.quality and work.quality(result)}}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


def main():
    # What libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    functions, prepared = {function.__name__: function for function in FUNCTIONS}, {}
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), functions, prepared)), file=answers, flush=True)


if __name__ == "__main__":
    main()
