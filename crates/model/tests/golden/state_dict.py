"""Writes state_dict.pth: a small state dict as PyTorch saves it, to be read without PyTorch.

    python state_dict.py

Made with torch 2.15.0. Values are compared exactly.
"""

import collections
import pathlib

import torch

state = collections.OrderedDict(
    {
        "conv1.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2),
        "bn1.running_var": torch.tensor([0.5, 2.0], dtype=torch.float16),
        "bn1.num_batches_tracked": torch.tensor(7),
    }
)
torch.save(state, pathlib.Path(__file__).parent / "state_dict.pth")
