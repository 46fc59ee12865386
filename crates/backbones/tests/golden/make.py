"""Golden features for the tests of the crate `backbones`: python make.py

Writes NAME.json for one network of each way to build one: the shapes of its tensors, and timm's features of two images,
the mean over the pixels of `forward_features`, in float64. `error` is the relative L2 error of timm's own float32.
Weights and images come from an integer formula that `tests/golden.rs` repeats: no file is needed.

Made with timm 1.0.31, torch 2.15.0, numpy 2.4.6. Tolerance of the test: 5 times that error and 2e-6, relative; for
Hiera 2e-3, whose GELU candle-transformers approximates by a tanh.
"""

import json
import pathlib

import numpy as np
import timm
import torch

# Name and side of the images.
NETWORKS = [
    ("convnext_atto", 64),
    ("convnext_tiny", 64),
    ("convnextv2_atto", 64),
    ("convnextv2_tiny", 64),
    ("hiera_tiny_224", 224),
    ("mobilenetv4_conv_small", 64),
    ("mobilenetv4_conv_medium", 64),
    ("mobilenetv4_hybrid_medium", 64),
    ("repvgg_a0", 64),
    ("repvgg_b1g4", 64),
]
HEADS = ("head.", "classifier.", "conv_head.", "norm_head.")


def formula(name, shape):
    """Numbers in [-1, 1) that depend on the name and the index: murmur3's finalizer over integers, so exact anywhere."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    x = (np.arange(np.prod(shape, dtype=np.int64), dtype=np.uint64) * 0x9E3779B1 + seed) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = (x ^ (x >> np.uint64(shift))) * factor % 2**32
    return ((x >> np.uint64(8)).astype(np.float64) / 2**23 - 1).reshape(shape)


def weight(name, shape):
    """The tensor of that name, float32."""
    u = formula(name, shape)
    if name.endswith("running_mean"):
        u = 0.2 * u
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif len(shape) == 4:
        u = np.sqrt(6 / (shape[1] * shape[2] * shape[3])) * u
    elif len(shape) == 2:
        u = np.sqrt(3 / shape[1]) * u
    elif len(shape) == 1 and name.endswith(("weight", "gamma")):
        u = 0.5 + 0.3 * u
    else:
        u = 0.2 * u
    return u.astype(np.float32)


def network(name):
    """timm's network with the formula's weights, and their shapes without the head's."""
    model = timm.create_model(name, pretrained=False).eval()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    for key, value in state.items():
        value.copy_(torch.from_numpy(weight(key, tuple(value.shape))))
    return model, {key: list(value.shape) for key, value in state.items() if not key.startswith(HEADS)}


def features(model, images):
    """The mean over the pixels, [B, C]; images are [B, H, W, 3]."""
    with torch.no_grad():
        found = model.forward_features(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous())
    # Hiera has the channels last.
    pixels = found.flatten(1, -2) if isinstance(model, timm.models.Hiera) else found.flatten(2).mT
    return pixels.mean(1).numpy()


def relative(found, expected):
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def golden(name, side):
    model, shapes = network(name)
    images = 2 * weight("pictures", (2, side, side, 3)).astype(np.float32)
    single = features(model, images)
    double = features(model.double(), images.astype(np.float64))
    return {"side": side, "error": relative(single, double), "shapes": shapes, "features": double.tolist()}


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent
    for name, side in NETWORKS:
        found = golden(name, side)
        print(name, len(found["shapes"]), np.shape(found["features"]), f"{found['error']:.1e}", np.std(found["features"]))
        (folder / f"{name}.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
