"""A training step of ResNet-18 with PyTorch: `pytorch_step.py CLASS BATCH…`.

The step of `doctor`: images from the host, cross-entropy, backward, Adam, loss to the host. A line for each number format and
layout: the median of the steps after four to warm up.
"""

import contextlib
import statistics
import sys
import time

import torch
from torchvision import models

device, batch_sizes = sys.argv[1], [int(batch_size) for batch_size in sys.argv[2:]]
is_cuda = device == "cuda"
SIDE_PX = 224
N_CLASSES = 8


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = models.resnet18()
        self.embed, self.head = torch.nn.Linear(1000, 32), torch.nn.Linear(32, N_CLASSES)

    def forward(self, x):
        return self.head(torch.relu(self.embed(torch.relu(self.resnet(x)))))


def wait():
    if is_cuda:
        torch.cuda.synchronize()


def stepper(batch_size, tf32, layout, dtype, compiled):
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    net = Net().to(device, memory_format=layout).train()
    run = torch.compile(net) if compiled else net
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, fused=is_cuda)
    loss_of = torch.nn.CrossEntropyLoss()
    pixels = torch.rand(batch_size, SIDE_PX, SIDE_PX, 3).permute(0, 3, 1, 2)
    labels = torch.arange(batch_size) % N_CLASSES
    cast = torch.autocast(device, dtype) if dtype else contextlib.nullcontext()

    def step():
        images = pixels.to(device).contiguous(memory_format=layout)
        optimizer.zero_grad(set_to_none=True)
        with cast:
            loss = loss_of(run(images), labels.to(device))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(name, batch_size, tf32=True, layout=torch.channels_last, dtype=None, compiled=False):
    step = stepper(batch_size, tf32, layout, dtype, compiled)
    if is_cuda:
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for number in range(24 if batch_size <= 64 else 14):
        wait()
        started = time.perf_counter()
        step()
        wait()
        if number >= 4:
            seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    peak = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if is_cuda else ""
    print(f"{name:28} batch {batch_size:4}: {median * 1e3:8.2f} ms, {batch_size / median:6.0f} images a second{peak}")


print("PyTorch", torch.__version__, torch.cuda.get_device_name() if is_cuda else "on the CPU")
for batch_size in batch_sizes:
    measure("f32", batch_size, tf32=False, layout=torch.contiguous_format)
    measure("TF32", batch_size, layout=torch.contiguous_format)
    measure("TF32, channels last", batch_size)
    measure("bf16, channels last", batch_size, dtype=torch.bfloat16)
    measure("bf16, channels last, compiled", batch_size, dtype=torch.bfloat16, compiled=True)
