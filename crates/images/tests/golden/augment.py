"""Writes `augment.json`: crops, operations and shrunk images of torchvision for the images that the unit tests of `augment`
make by the same formula.

    python augment.py

Made with torch 2.15.0 and torchvision 0.29.2. Tolerances of 255: 0.02 where both weigh the same pixels (crops,
colors); for geometric operations, of which every fifth pixel of every fifth row is here, 0.6, a fifth of a pixel, at
places inside of the image, since the kernels differ.
"""
import json
import pathlib

import torch
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import TrivialAugmentWide, _apply_op

HERE = pathlib.Path(__file__).parent
BILINEAR = InterpolationMode.BILINEAR


def picture(width, height):
    """Bytes (3, height, width): value (7 x + 13 y + 29 c + x y) % 251."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([(7 * x + 13 * y + 29 * c + x * y) % 251 for c in range(3)]).to(torch.uint8)


def plane(side):
    """Values (3, side, side): 3 x, 3 y and their mean, which tell the place that was read."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack([3.0 * x, 3.0 * y, 1.5 * (x + y)])


def pixels(tensor):
    """Height, width, color, with four decimals."""
    return [round(value, 4) for value in tensor.permute(1, 2, 0).flatten().tolist()]


def crop(left, top, width, height, side, flip):
    part = F.resized_crop(picture(37, 29).float(), top, left, height, width, [side, side], BILINEAR, antialias=True)
    return dict(window=[left, top, width, height], side=side, flip=flip, pixels=pixels(F.hflip(part) if flip else part))


def operation(number, name, bin_, sign):
    magnitudes, signed = TrivialAugmentWide()._augmentation_space(31)[name]
    magnitude = float(magnitudes[bin_]) if magnitudes.ndim > 0 else 0.0
    magnitude *= sign if signed else 1
    case = dict(number=number, magnitude=bin_, sign=sign)
    if number < 6:
        return case | dict(pixels=pixels(_apply_op(plane(64), name, magnitude, BILINEAR, [-1.0] * 3)[:, ::5, ::5]))
    image = picture(16, 16)
    if name in ("Posterize", "Equalize"):
        return case | dict(pixels=pixels(_apply_op(image, name, magnitude, BILINEAR, None).float()))
    if name == "Solarize":
        magnitude /= 255
    return case | dict(pixels=pixels(255 * _apply_op(image.float() / 255, name, magnitude, BILINEAR, None)))


names = list(TrivialAugmentWide()._augmentation_space(31))
golden = dict(
    crops=[
        crop(3, 2, 30, 20, 16, False),
        crop(0, 0, 37, 29, 12, True),
        crop(20, 5, 9, 12, 16, False),
        crop(5, 9, 17, 17, 16, True),
    ],
    operations=[
        operation(number, name, bin_, sign)
        for number, name in enumerate(names)
        for bin_, sign in [(7, 1), (22, -1)]
    ],
)
print("torch", torch.__version__, "torchvision", torchvision.__version__, names)
(HERE / "augment.json").write_text(json.dumps(golden) + "\n")
