"""What every function returns and reads."""

import os
from typing import Callable, NamedTuple, Optional

THREADS = int(os.environ["OMP_NUM_THREADS"])


class Work(NamedTuple):
    packages: list
    run: Callable  # called with the result of `before`, if there is one
    quality: Optional[Callable] = None  # of the result of `run`; not timed
    before: Optional[Callable] = None  # not timed


def array(described):
    import numpy as np

    return np.fromfile(described["path"], dtype=described["dtype"]).reshape(described["shape"])
