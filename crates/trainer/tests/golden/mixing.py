"""Writes `mixing.json`: rectangles of CutMix and losses of mixed targets by timm, and the Beta distribution by SciPy.

    python mixing.py

Made with timm 1.0.31, torch 2.15.0 and SciPy 1.17.1. Relative tolerance of losses 1e-5; rectangles are exact. The loss of
`mixup_target` is PyTorch's with class weights as a sum, over the sum of the weights of the batch's labels.
"""
import json
import pathlib
from unittest import mock

import numpy as np
import scipy
import timm
import torch
from scipy.stats import beta
from timm.data.mixup import cutmix_bbox_and_lam, mixup_target

HERE = pathlib.Path(__file__).parent


def rectangle(side, center, drawn):
    with mock.patch.object(np.random, "randint", side_effect=center):
        (top, bottom, left, right), share = cutmix_bbox_and_lam((8, 3, side, side), drawn)
    return dict(
        side=side,
        center=center,
        drawn=drawn,
        rectangle=[int(value) for value in (top, bottom, left, right)],
        share=float(share),
    )


def loss(share, smoothing, weights):
    logits = torch.tensor([[((7 * i + 3 * j) % 11) * 0.4 - 1.5 for j in range(4)] for i in range(5)])
    labels = torch.tensor([0, 1, 3, 1, 0])
    target = mixup_target(labels, 4, share, smoothing)
    weight = torch.tensor(weights)
    total = torch.nn.CrossEntropyLoss(weight=weight, reduction="sum")(logits, target)
    return dict(share=share, smoothing=smoothing, weights=weights, loss=float(total / weight[labels].sum()))


golden = dict(
    rectangles=[
        rectangle(side, center, drawn)
        for side, center, drawn in [
            (32, [16, 16], 0.5),
            (32, [0, 31], 0.5),
            (32, [16, 16], 0.7),
            (33, [20, 4], 0.13),
            (224, [100, 210], 0.9),
            (48, [3, 3], 0.0),
            (48, [3, 3], 1.0),
        ]
    ],
    losses=[
        loss(share, smoothing, weights)
        for share in (0.0, 0.3, 0.8)
        for smoothing in (0.0, 0.1)
        for weights in ([1.0] * 4, [0.5, 0.25, 0.1, 1.0])
    ],
    beta=[
        dict(alpha=alpha, below=[float(beta.cdf(limit, alpha, alpha)) for limit in (0.05, 0.25)])
        for alpha in (0.2, 0.8, 1.0, 2.0, 8.0)
    ],
)
print("timm", timm.__version__, "torch", torch.__version__, "scipy", scipy.__version__)
(HERE / "mixing.json").write_text(json.dumps(golden, indent=1) + "\n")
