"""Compares an exported model with the predictions of the study: python check.py ARTIFACTS [IMAGES]

Reads ARTIFACTS/export, and of ARTIFACTS/decode and ARTIFACTS/predict the first IMAGES images (64 by default). The
model must pass `onnx.checker` with shape inference, and onnxruntime's logits and embeddings must agree with those of
`predictions.parquet` to 1e-4, absolute. Run with onnx 1.23.2, onnxruntime 1.32.0, pyarrow 26.0.1.
"""

import json
import pathlib
import struct
import sys

import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet as pq


def images(path, wanted, side):
    """Center crops of the file of pixels (`images/src/pixels.rs` has the format), uint8 [N, side, side, 3]."""
    with open(path, "rb") as file:
        magic, version, found = struct.unpack("<8sII", file.read(16))
        assert (magic, version, found) == (b"ATLRPXLS", 2, side)
        end = file.seek(-48, 2)
        n, path_bytes = struct.unpack("<QQ", file.read(16))
        file.seek(end - 28 * n - path_bytes)
        entries = [struct.unpack("<QIIIII", file.read(28)) for _ in range(n)]
        names = file.read(path_bytes)
        places, at = {}, 0
        for entry in entries:
            places[names[at : at + entry[5]].decode()] = entry
            at += entry[5]
        crops = []
        for name in wanted:
            offset, width, height, *_ = places[name]
            file.seek(offset)
            whole = np.frombuffer(file.read(width * height * 3), np.uint8).reshape(height, width, 3)
            top, left = round((height - side) / 2), round((width - side) / 2)
            crops.append(whole[top : top + side, left : left + side])
    return np.stack(crops)


def main(artifacts, n=64):
    config = json.loads((artifacts / "export/config.json").read_text())
    # The exported network sees one view, predictions are means over all.
    assert not {"test_time_flip", "test_time_crops"} & config.keys(), "set `evaluation.flip = false` and `evaluation.crops = 1`"
    model = artifacts / "export/model.onnx"
    onnx.checker.check_model(onnx.load(model), full_check=True)
    rows = pq.read_table(artifacts / "predict/predictions.parquet").slice(0, n).to_pydict()
    pixels = images(artifacts / "decode/pixels", rows["path"], config["side_px"])
    images = (pixels.astype(np.float32) / 255 - np.float32(config["mean"])) / np.float32(config["std"])
    session = onnxruntime.InferenceSession(model)
    found = session.run(["logits", "embedding"], {"images": images.transpose(0, 3, 1, 2)})
    for name, values in zip(("logits", "embedding"), found):
        expected = np.array(rows[name], np.float32)
        error = np.abs(values - expected).max()
        print(f"{name}: {len(expected)} images, values to {np.abs(expected).max():.2f}, largest difference {error:.1e}")
        assert error < 1e-4
    predicted = [config["classes"][i] for i in found[0].argmax(1)]
    assert predicted == rows["predicted"]


main(pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:]))
