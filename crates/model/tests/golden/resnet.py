"""Writes resnet18.json and resnet50.json: PyTorch's results for the network with weights by a formula.

    python resnet.py

Made with torch 2.15.0, torchvision 0.29.2, numpy 2 on an x86-64 CPU. Values are PyTorch's in float64;
`error` is the difference of PyTorch's own float32 from them (relative L2; the worst and the median tensor for gradients
and statistics). The test's tolerance is a small multiple of that error: a whole net's rounding has no other yardstick.

The biases of batch-norms keep most units clear of ReLU's corner: where a unit lies on the other side of it in float32,
gradients change by a percent for no fault of the arithmetic.

A tensor is kept as two numbers: its L2 norm, and its dot product with the formula's vector of the same name.
"""

import json
import pathlib

import numpy as np
import torch
from torchvision import models

EMBEDDING, CLASSES, BATCH, SIDE, LEARNING_RATE = 16, 8, 4, 64, 1e-4


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
    """The state's tensor of that name, float32."""
    u = formula(name, shape)
    if name.endswith("running_mean"):
        u = 0.2 * u
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif len(shape) == 4:
        u = np.sqrt(6 / (shape[0] * shape[2] * shape[3])) * u
    elif len(shape) == 2:
        u = 1 / np.sqrt(shape[1]) * u
    elif name.endswith("bn3.weight"):
        u = 0.3 + 0.1 * u  # weak branches keep a deep net's rounding from growing
    elif name.endswith("weight"):
        u = 1 + 0.3 * u
    elif name.endswith("bn1.bias"):
        u = np.where(u < 0, -2, 2) + 0.2 * u
    elif "bn2" in name or "downsample" in name:
        u = 2 + 0.2 * u
    else:
        u = 0.2 * u
    return u.astype(np.float32)


class Net(torch.nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.resnet = getattr(models, f"resnet{depth}")()
        self.embed = torch.nn.Linear(1000, EMBEDDING)
        self.head = torch.nn.Linear(EMBEDDING, CLASSES)
        for name, tensor in self.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(weight(short(name), tuple(tensor.shape))))

    def forward(self, x):
        embedding = self.embed(torch.relu(self.resnet(x)))
        return self.head(torch.relu(embedding)), embedding


def short(name):
    return name.removeprefix("resnet.")


def digest(name, tensor):
    values = tensor.detach().double().flatten().numpy()
    return [float(np.sqrt((values**2).sum())), float(values @ formula(name, values.shape))]


def run(depth, dtype):
    net = Net(depth).to(dtype)
    images = torch.from_numpy(weight("images", (BATCH, SIDE, SIDE, 3)) * 5).permute(0, 3, 1, 2).to(dtype)
    labels = torch.arange(BATCH) * 3 % CLASSES
    loss_of = torch.nn.CrossEntropyLoss(weight=1 / torch.arange(1, CLASSES + 1, dtype=dtype))
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    out, full = {}, {}
    net.eval()
    with torch.no_grad():
        full["eval_logits"], full["eval_embedding"] = net(images)
    net.train()
    losses = []
    for step in range(3):
        logits, embedding = net(images)
        loss = loss_of(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            full["logits"], full["embedding"] = logits.detach().clone(), embedding.detach().clone()
            full["gradients"] = {short(n): p.grad.clone() for n, p in net.named_parameters()}
            full["statistics"] = {short(n): b.clone() for n, b in net.named_buffers() if "running" in n}
        optimizer.step()
        losses.append(loss.item())
    logits, _ = net(images)
    full["losses"] = torch.tensor(losses + [loss_of(logits, labels).item()], dtype=torch.float64)
    full["logits_after"] = logits.detach()
    for name, value in full.items():
        if isinstance(value, dict):
            out[name] = {n: digest(n, v) for n, v in value.items()}
        else:
            out[name] = [round(v, 12) for v in value.double().flatten().tolist()]
    return out, full


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


def main():
    for depth in (18, 50):
        (golden, exact), (_, single) = run(depth, torch.float64), run(depth, torch.float32)
        golden["error"] = {}
        for name, value in exact.items():
            if isinstance(value, dict):
                errors = [relative(single[name][n], v) for n, v in value.items()]
                golden["error"] |= {name: max(errors), f"{name}_median": float(np.median(errors))}
            else:
                golden["error"][name] = relative(single[name], value)
        print(depth, golden["error"], golden["losses"])
        text = json.dumps(golden, indent=1)
        (pathlib.Path(__file__).parent / f"resnet{depth}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
