"""PyTorch's side of the bench: `peer.py THREADS BATCH SIDE`.

For each line on stdin, `train` or `infer`, does one such step and answers with its seconds, by the clock and of the CPU.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # so that waiting threads leave the cores to the other side

import sys
import time

import torch
from torchvision import models

threads, batch, side = map(int, sys.argv[1:4])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet, self.embed, self.head = models.resnet18(), torch.nn.Linear(1000, 16), torch.nn.Linear(16, 8)

    def forward(self, x):
        return self.head(torch.relu(self.embed(torch.relu(self.resnet(x)))))


net = Net()
images = torch.rand(batch, 3, side, side)
labels = torch.arange(batch) % 8
loss_of = torch.nn.CrossEntropyLoss(weight=1 / torch.arange(1.0, 9.0))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)


def train():
    net.train()
    optimizer.zero_grad()
    loss = loss_of(net(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def infer():
    net.eval()
    with torch.inference_mode():
        return net(images).sum().item()


print(torch.__version__, flush=True)
for line in sys.stdin:
    started, cpu_started = time.perf_counter(), time.process_time()
    {"train": train, "infer": infer}[line.strip()]()
    print(time.perf_counter() - started, time.process_time() - cpu_started, flush=True)
