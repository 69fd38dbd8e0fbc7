"""Ways in which judging a part on a cluster can go wrong, importable by worker processes."""

import os
import signal
from pathlib import Path

from codewren.compress.stage_label import part_vectors

LOG = "CODEWREN_TEST_PARTS"
"""Environment variable of the workers: the folder where the parts they judge are noted."""


def noted(number):
    """Note a part; return how often it was asked for."""
    with (Path(os.environ[LOG]) / str(number)).open("a") as log:
        log.write("x")
        return log.tell()


def judging(recipe, split, hashes, threads, number):
    noted(number)
    return part_vectors(recipe, split, hashes, threads, number)


def killing_once(recipe, split, hashes, threads, number):
    if noted(number) == 1 and number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return part_vectors(recipe, split, hashes, threads, number)


def failing_once(recipe, split, hashes, threads, number):
    if noted(number) == 1 and number == 5:
        raise OSError("no space left on the worker")
    return part_vectors(recipe, split, hashes, threads, number)
