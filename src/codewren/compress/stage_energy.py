"""What the stages of a run took: `energy.json`, one line a stage and call, so that a resumed run adds to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from codewren.core.files import read_json, write_json
from codewren.core.run_folder import ENERGY, OTHER_ENERGY
from codewren.measure.energy.choose_meter import choose_meter
from codewren.measure.energy.meter import Meter
from codewren.measure.energy.stage import EnergyMeter, StageEnergy


@contextmanager
def stage_energy(out: Path, stage: str) -> Iterator[None]:
    """Measure a stage and add it to the run's `energy.json`, also if it fails or is stopped.

    Each process that `torchrun` started keeps a file of its own.
    """
    measured = EnergyMeter(run_meter("stage"))
    try:
        with measured:
            yield
    finally:
        if measured.energy is not None:
            rank = os.environ.get("RANK", "0")
            _add(out / (ENERGY if rank == "0" else OTHER_ENERGY.format(rank=rank)), stage, measured.energy)


@lru_cache(maxsize=2)
def run_meter(use: str) -> Meter:
    """The meter for work that is not repeated: our share of what RAPL sees, else our own model; never codecarbon's.

    That one would start a thread beside every training. With a GPU its counter is added. Each `use` has a meter of its
    own, as a trial runs inside a stage and intervals of one meter never overlap.
    """
    from codewren.train.processes import has_gpu

    return choose_meter(gpu=has_gpu(), codecarbon=False, attributed=True)


def _add(path: Path, stage: str, energy: StageEnergy) -> None:
    before: dict[str, Any] = read_json(path) if path.exists() else {"stages": []}
    stages = [*before["stages"], {"stage": stage, **energy.to_dict()}]
    total = sum(entry["joules"] for entry in stages)
    write_json(path, {"joules": total, "kwh": total / 3.6e6, "stages": stages})
