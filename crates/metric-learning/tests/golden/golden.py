"""Losses of pytorch-metric-learning, for the tests of this crate.

    python golden.py > golden.json

Made with torch 2.15.0 and pytorch-metric-learning 2.9.0 in float32. The tests compare losses and gradients at a relative
tolerance of 1e-4.
"""
import json

import torch
from pytorch_metric_learning.losses import ArcFaceLoss, TripletMarginLoss
from pytorch_metric_learning.reducers import ClassWeightedReducer


def embeddings():
    """8 images in 3 dimensions, 3 classes; the last image lies opposite to its class's center."""
    rows = [[((5 * i + 3 * j + i * j) % 13) * 0.3 - 1.7 for j in range(3)] for i in range(7)]
    return torch.tensor([*rows, [-0.9, 0.11, -0.31]], requires_grad=True), torch.tensor([0, 1, 2, 0, 1, 2, 2, 0])


def arcface(margin, scale, weighted):
    """Gradients in the embeddings and in the class centers, one a row."""
    points, labels = embeddings()
    reducer = ClassWeightedReducer(torch.tensor([0.5, 2.0, 1.25])) if weighted else None
    criterion = ArcFaceLoss(num_classes=3, embedding_size=3, margin=margin, scale=scale, reducer=reducer)
    centers = torch.tensor([[0.8, -0.1, 0.3], [-0.5, 1.5, 0.2], [0.1, -0.4, -2.0]])
    criterion.W.data = centers.t().contiguous()
    value = criterion(points, labels)
    value.backward()
    return dict(margin=margin, scale=scale, weighted=weighted, loss=value.item(), embedding=points.grad.tolist(),
                centers=criterion.W.grad.t().tolist())


def triplet(margin):
    points, labels = embeddings()
    value = TripletMarginLoss(margin=margin)(points, labels)
    value.backward()
    return dict(margin=margin, loss=value.item(), embedding=points.grad.tolist())


print(json.dumps(dict(
    arcfaces=[arcface(margin, scale, weighted) for margin, scale in ((28.6, 64.0), (45.0, 8.0)) for weighted in (False, True)],
    triplets=[triplet(margin) for margin in (0.05, 0.5)],
), indent=1))
