"""Golden values for the tests of the crate `attribution`.

    python make.py > golden.json

Made with torch 2.15.0, torchvision 0.29.2, numpy 2.4.6 on an x86-64 CPU, in float64. Weights and images come from the
integer formula of `model/tests/golden/resnet.py`: no random numbers, no file. Tolerance of the tests: 1e-5 for the
drops, which reach 0.002, and 2e-4 of a heat map's largest value for its values.
"""

import json
import pathlib
import sys

import torch
from torch.nn.functional import relu

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "model/tests/golden"))
from resnet import CLASSES, Net, weight  # noqa: E402

IMAGES, SIDE, CELLS, SQUARE = 2, 96, 4, 2
EARLIER, CASES = ["layer2", "layer3"], [(0, 1), (1, 6)]  # image and label of the maps of earlier layers


def drops(net, image, label):
    """What the probability of `label` loses as squares of 2 × 2 of the 4 × 4 cells are set to 0: means over each cell."""
    cell, n = SIDE // CELLS, CELLS - SQUARE + 1
    corners = [(top, left) for top in range(n) for left in range(n)]
    batch = image.repeat(len(corners), 1, 1, 1)
    for blanked, (top, left) in zip(batch, corners):
        blanked[:, top * cell : (top + SQUARE) * cell, left * cell : (left + SQUARE) * cell] = 0
    with torch.no_grad():
        whole, part = (torch.softmax(net(x)[0], 1)[:, label] for x in (image[None], batch))
    lost = (whole - part).reshape(n, n)
    return torch.stack(
        [
            torch.stack([lost[max(0, r - SQUARE + 1) : r + 1, max(0, c - SQUARE + 1) : c + 1].mean() for c in range(CELLS)])
            for r in range(CELLS)
        ]
    )


def grad_cam(net, image, label, layer):
    """Selvaraju et al. 2017, eq. 1 and 2, on the last block of `layer`, before upsampling."""
    kept = {}
    block = getattr(net.resnet, layer)[-1]
    hook = block.register_forward_hook(lambda _, __, output: kept.update(block=output))
    logits, _ = net(image[None])
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, label], kept["block"])
    importance = gradient.mean((2, 3), keepdim=True)
    return relu((importance * kept["block"]).sum(1))[0].detach()


def cam_values(net, image, label, layer):
    return [round(value, 9) for value in grad_cam(net, image, label, layer).flatten().tolist()]


def main():
    net = Net(18).double().eval()
    images = torch.from_numpy(weight("images", (IMAGES, SIDE, SIDE, 3)) * 5).permute(0, 3, 1, 2).double()
    golden = []
    for i, image in enumerate(images):
        for label in range(CLASSES):
            golden.append(
                dict(
                    image=i,
                    label=label,
                    probability_drops=[round(value, 9) for value in drops(net, image, label).flatten().tolist()],
                    cam=cam_values(net, image, label, "layer4"),
                    earlier={layer: cam_values(net, image, label, layer) for layer in EARLIER if (i, label) in CASES},
                )
            )
    print(json.dumps(golden, indent=1))


main()
