"""PyTorch's side of the bench: `peer.py WAY DEPTH THREADS BATCH SIDE`.

WAY is `eager`, `channels-last`, or `compiled`, which has channels last too. For each line on stdin, `train` or `infer`,
does one such step and answers with its seconds, by the clock and of the CPU; to `memory` with the most memory that the
process ever had, in GB.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # so that waiting threads leave the cores to the other side

import resource
import sys
import time

import torch
from torchvision import models

way = sys.argv[1]
depth, threads, batch, side = map(int, sys.argv[2:])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = getattr(models, f"resnet{depth}")()
        self.embed, self.head = torch.nn.Linear(1000, 16), torch.nn.Linear(16, 8)

    def forward(self, x):
        return self.head(torch.relu(self.embed(torch.relu(self.resnet(x)))))


net = Net()
images = torch.rand(batch, 3, side, side)
if way != "eager":
    net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
run = torch.compile(net) if way == "compiled" else net
labels = torch.arange(batch) % 8
loss_of = torch.nn.CrossEntropyLoss(weight=1 / torch.arange(1.0, 9.0))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)


def train():
    net.train()
    optimizer.zero_grad()
    loss = loss_of(run(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def infer():
    net.eval()
    with torch.inference_mode():
        return run(images).sum().item()


def memory():
    # On Linux in units of 1024 bytes, on a Mac in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


print(torch.__version__, flush=True)
for line in sys.stdin:
    if line.strip() == "memory":
        print(memory(), flush=True)
        continue
    started, cpu_started = time.perf_counter(), time.process_time()
    {"train": train, "infer": infer}[line.strip()]()
    print(time.perf_counter() - started, time.process_time() - cpu_started, flush=True)
