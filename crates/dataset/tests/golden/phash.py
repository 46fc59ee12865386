"""Perceptual hashes of small textured pictures, by imagehash; the pictures are made here.

Run here: python phash.py
Made with: imagehash 4.3.2, Pillow 13.0.0, numpy 2.4.6, scipy 1.17.1.
Tolerance: 2 of 64 bits, as resizers round differently. The pictures have texture at all scales, as paintings have: in
a smooth one, many frequencies lie so near their median that rounding decides.
"""

import json
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

SIZES = [(70, 50), (50, 70), (64, 64), (90, 40)]


def picture(rng, width, height):
    """Noise whose amplitude falls with the frequency, in three correlated colors."""
    y, x = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    amplitude = 1 / np.maximum(np.hypot(x, y), 0.01)

    def layer():
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(height, width))) * amplitude).real
        return noise / noise.std()

    shared = layer()
    colors = np.stack([shared + 0.4 * layer() for _ in range(3)], axis=-1)
    return Image.fromarray(np.clip(128 + 50 * colors, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    hashes = {}
    for number, (width, height) in enumerate(SIZES):
        name = f"texture-{number}.png"
        picture(rng, width, height).save(name, optimize=True)
        hashes[name] = str(imagehash.phash(Image.open(name)))
    Path("phash.json").write_text(json.dumps(hashes, indent=2) + "\n")
