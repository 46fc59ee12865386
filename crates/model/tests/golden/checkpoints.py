"""Writes checkpoints/*.pth: a network of three tensors, saved in the ways of PyTorch's users, to be read without PyTorch.

    python checkpoints.py

Made with torch 2.15.0 and Python 3.11. Values are compared exactly. The tensors have names of a ResNet and shapes of none.
"""

import argparse
import pathlib
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).parent / "checkpoints"
OUT.mkdir(exist_ok=True)


def numbers(first, *shape):
    n = torch.Size(shape).numel()
    return torch.arange(first, first + n, dtype=torch.float32).reshape(shape)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 2, 1, bias=False)


class Mini(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(2)
        self.layer1 = nn.Sequential(Block())
        with torch.no_grad():
            self.conv1.weight.copy_(numbers(0, 2, 3, 1, 1))
            self.bn1.running_var.copy_(numbers(6, 2))
            self.layer1[0].conv1.weight.copy_(numbers(8, 2, 2, 1, 1))


class Task(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Mini()
        self.head = nn.Linear(2, 5)

    def forward(self, x):
        return x


torch.manual_seed(0)
mini, task = Mini(), Task()
state = mini.state_dict()
wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
optimizer = torch.optim.SGD(task.parameters(), lr=0.1, momentum=0.9)
sum(parameter.sum() for parameter in task.parameters()).backward()
optimizer.step()
task.load_state_dict({**task.state_dict(), **{f"backbone.{n}": t for n, t in state.items()}})
args = argparse.Namespace(model="resnet18", lr=0.1)


def save(name, value, **options):
    torch.save(value, OUT / f"{name}.pth", **options)


save("plain", state)
for protocol in [3, 4, 5]:
    save(f"protocol{protocol}", state, pickle_protocol=protocol)
save("before_1_6", state, _use_new_zipfile_serialization=False)
save("before_1_6_protocol4", {"net": state, "acc": 0.5}, _use_new_zipfile_serialization=False, pickle_protocol=4)
save("lightning", {"epoch": 3, "state_dict": task.state_dict(), "optimizer_states": [optimizer.state_dict()], "hyper_parameters": {"args": args}})
ema = {"n_averaged": torch.tensor(2), **{n: t + 100 if t.is_floating_point() else t for n, t in wrapped.items()}}
save("reference", {"model": state, "optimizer": optimizer.state_dict(), "epoch": 1, "args": args, "model_ema": ema})
save("data_parallel", {"model_state_dict": wrapped, "optimizer_state_dict": optimizer.state_dict(), "loss": 0.5})
save("module", task)
save("parameters", dict(mini.named_parameters()))
save("bfloat16", {n: t.bfloat16() if t.is_floating_point() else t for n, t in state.items()})
save("float64", {n: t.double() if t.is_floating_point() else t for n, t in state.items()})
flat = numbers(-1, 13)
views = {
    "conv1.weight": numbers(0, 3, 2).t().reshape(2, 3, 1, 1),
    "bn1.running_var": flat[7:9],
    "layer1.0.conv1.weight": numbers(8, 2, 2, 1, 1).to(memory_format=torch.channels_last),
    "transposed": numbers(0, 2, 3).t(),
    "every_second": flat[1::2],
}
save("views", views)
save("int8", {n: t.to(torch.int8) for n, t in state.items()})
save("quantized", {**state, "conv1.weight": torch.quantize_per_tensor(state["conv1.weight"], 0.1, 0, torch.qint8)})
torch.jit.save(torch.jit.trace(task, torch.ones(2)), OUT / "script.pth")
