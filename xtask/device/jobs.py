"""Job files of the programs that `check` runs, beside it: `jobs.py CLASS`.

`train-CLASS.json` and `train-cpu.json` train two epochs; `doctor-N.json` measures a step of N images. The settings are those
of `params.toml`.
"""

import json
import platform
import subprocess
import sys
import tomllib

BATCH_SIZES = (32, 256)

device = sys.argv[1]
with open("params.toml", "rb") as file:
    settings = tomllib.load(file)


def write(name, params, inputs={}, outputs={}):
    job = {"in": inputs, "out": outputs, "params": params, "scratch": f"{name}-scratch", "stage": name}
    with open(f"{name}.json", "w") as file:
        json.dump(job, file)


def train(device):
    model = {name: value for name, value in settings["model"].items() if name != "weights"}
    params = {"seed": settings["seed"], "device": device, "fold": 0, "evaluation": settings["evaluation"]}
    inputs = {"annotations": "annotations.parquet", "folds": "folds.parquet", "pixels": "pixels", "weights": None}
    files = ("model.safetensors", "history.parquet", "timings.parquet", "epoch_outputs.parquet")
    outputs = {file.split(".")[0]: f"{device}-{file}" for file in files}
    write(f"train-{device}", params | settings["train"] | model | {"epochs": 2}, inputs, outputs)


def gpus():
    query = ("nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader")
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []


def doctor(batch_size):
    auto = {"setting": device, "device": device, "reason": "named by the check", "check": None}
    found = {"device": device, "missing": [], "gpus": gpus(), "memory_gib": None}
    uname = platform.uname()
    facts = {
        "system": f"{uname.system} {uname.release} {uname.machine}",
        "memory_gib": None,
        "available_gib": None,
        "atelier": "packed",
        "commit": None,
        "rustc": "packed",
        "candle": "packed",
        "devices": [found],
        "auto": auto,
    }
    params = {
        "device": device,
        "build_failure": None,
        "resnet": 18,
        "classifier": True,
        "embedding_size": 32,
        "side_px": 224,
        "batch_size": batch_size,
        "micro_batch_size": 0,
        "json": False,
        "facts": facts,
    }
    write(f"doctor-{batch_size}", params)


for name in sorted({device, "cpu"}):
    train(name)
for batch_size in BATCH_SIZES:
    doctor(batch_size)
