"""Makes the images beside this script and, from them, what torchvision's pre-processing gives.

    python make.py

Made with torch 2.15.0, torchvision 0.29.2, Pillow 13.0.0, numpy 2.4.6. `crop-*.png` is
`center_crop(resize(read_image(file), round(side * 256 / 224), antialias=True), side)` in bytes. Tolerance of 255: 4 for
JPEG and 1 for PNG (one value in 100,000 may be one farther), 0.5 on average. `odd-*` are file kinds that must decode.
"""
import pathlib

import numpy as np
import PIL
import torchvision
from PIL import Image
from torchvision.io import ImageReadMode, read_image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

HERE = pathlib.Path(__file__).parent


def picture(width, height, seed):
    """Waves, an edge, a disc and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = [
        127 + 90 * np.sin(x / 9 + seed) * np.cos(y / 13),
        40 + 170 * (x + y) / (width + height),
        np.where((x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2, 210, 60),
    ]
    noise = rng.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(np.stack(channels, -1) + noise, 0, 255).astype(np.uint8))


def golden(name, side):
    tensor = read_image(str(HERE / name), ImageReadMode.RGB)
    resized = F.resize(tensor, [round(side * 256 / 224)], InterpolationMode.BILINEAR, antialias=True)
    crop = F.center_crop(resized, [side, side])
    stem = name.replace(".", "-")
    Image.fromarray(crop.permute(1, 2, 0).numpy()).save(HERE / f"crop-{side}-{stem}.png", optimize=True)


print("Pillow", PIL.__version__, "torchvision", torchvision.__version__, "numpy", np.__version__)
for name, side, width, height, options in [
    ("landscape.jpg", 224, 301, 199, dict(quality=85)),
    ("portrait.jpg", 64, 97, 203, dict(quality=90, subsampling=0)),
    ("large.jpg", 64, 643, 431, dict(quality=70)),
    ("upright.png", 64, 111, 150, {}),
    ("lying.png", 224, 157, 120, {}),
    ("square.png", 65, 91, 91, {}),
]:
    picture(width, height, width).save(HERE / name, **options)
    golden(name, side)

small = picture(37, 29, 5)
small.save(HERE / "odd-baseline.jpg", quality=85)
small.save(HERE / "odd-progressive.jpg", quality=85, progressive=True)
small.save(HERE / "odd-restart.jpg", quality=85, restart_marker_blocks=2)
small.convert("L").save(HERE / "odd-gray.jpg", quality=90)
small.convert("CMYK").save(HERE / "odd-cmyk.jpg", quality=90)
small.save(HERE / "odd-rgb.png")
small.convert("P", palette=Image.Palette.ADAPTIVE).save(HERE / "odd-palette.png")
Image.fromarray((np.asarray(small.convert("L")).astype(np.uint16) * 257)).save(HERE / "odd-gray16.png")
small.convert("L").save(HERE / "odd-gray.png")
transparent = small.convert("RGBA")
transparent.putalpha(Image.linear_gradient("L").resize(small.size))
transparent.save(HERE / "odd-alpha.png")
white = Image.new("RGBA", small.size, "white")
Image.alpha_composite(white, transparent).convert("RGB").save(HERE / "plain-alpha.png")
small.save(HERE / "odd-lossless.webp", lossless=True)
small.save(HERE / "odd-lossy.webp", quality=80)
small.save(HERE / "other.gif")
