"""Python's side of `cargo xtask bench peers`. `OMP_NUM_THREADS` has the number of threads.

Each line on stdin is a request in JSON, each line on stdout its answer. `{"prepare": NAME, "inputs": {…}}` imports what the
function NAME needs and reads its inputs, which isn't timed, and is answered by `{"prepared": {PACKAGE: VERSION}}`, or by
`{"missing": PACKAGE}`. `{"run": NAME}` does the work once: `{"measured": {"seconds": …, "quality": …}}`. Whatever goes wrong
is answered by `{"failed": MESSAGE}`.

The same work is done in `src/cases`, where each case states where the two sides differ.
"""

import json
import os
import sys
import time
import traceback
from importlib import metadata

from image_files import decode, epoch
from networks import attribution, features, inference_onnx, inference_openvino, inference_torch
from points import clusters, forest, forest_search, umap
from training_scores import scores

FUNCTIONS = [
    decode,
    clusters,
    umap,
    forest,
    forest_search,
    scores,
    attribution,
    features,
    inference_torch,
    inference_onnx,
    inference_openvino,
    epoch,
]


def answer(request, functions, prepared):
    try:
        if "prepare" in request:
            name = request["prepare"]
            work = functions[name](request["inputs"])
            prepared[name] = work
            return {"prepared": {package: metadata.version(package) for package in work.packages}}
        work = prepared[request["run"]]
        given = () if work.before is None else (work.before(),)
        started = time.perf_counter()
        result = work.run(*given)
        seconds = time.perf_counter() - started
        return {"measured": {"seconds": seconds, "quality": work.quality and work.quality(result)}}
    except ModuleNotFoundError as error:
        return {"missing": error.name}
    except Exception as error:
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


def main():
    # What libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    functions, prepared = {function.__name__: function for function in FUNCTIONS}, {}
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), functions, prepared)), file=answers, flush=True)


if __name__ == "__main__":
    main()
