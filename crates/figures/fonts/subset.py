"""The two fonts: Inter 4.1 (`web/Inter-Regular.woff2`, `web/Inter-SemiBold.woff2` of the npm package inter-ui 4.1.1),
with Latin, Greek and Cyrillic letters and the signs of figures, without hints. Made by fonttools 4.68.0 with brotli:

    python subset.py FOLDER    # the folder `web` of the package
"""

import sys
from pathlib import Path

from fontTools import subset

CHARACTERS = (
    "U+0020-007E,U+00A0-024F,U+02B0-036F,U+0370-03FF,U+0400-045F,U+0462-0463,U+0472-0475,U+048A-04FF,U+1E00-1EFF,"
    "U+2000-20BF,U+2100-215F,U+2190-22FF,U+25A0-25FF,U+2713,U+2717,U+FFFD"
)
HERE = Path(__file__).parent

for weight in ("Regular", "SemiBold"):
    options = subset.Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    options.hinting = False
    options.notdef_outline = True
    options.glyph_names = False
    options.recalc_timestamp = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17]
    font = subset.load_font(str(Path(sys.argv[1]) / f"Inter-{weight}.woff2"), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(CHARACTERS))
    subsetter.subset(font)
    font.flavor = None
    font.save(HERE / f"Inter-{weight}.ttf")
