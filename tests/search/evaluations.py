"""Stand-ins for training, importable by worker processes."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from problems import scores

from codewren.search.trials.trial import Evaluation


def quality(config, fidelity=4):
    """Wider is better, one layer is enough, short trainings fall short: in [0.5, 1)."""
    rate = 0.02 * abs(config.learning_rate - 1e-3) / 1e-3
    return 0.9 + 0.0002 * config.hidden_size - 0.002 * config.num_hidden_layers - rate - 0.04 / fidelity


def flips(config):
    """More words to lean on, more flips; nothing else matters."""
    return 0.02 + 1e-5 * config.vocab_size


@dataclass(frozen=True)
class Smooth:
    """A noiseless student; `seed` does not matter."""

    seconds: float = 0.0

    def __call__(self, config, *, fidelity, seed):
        time.sleep(self.seconds)
        return Evaluation(scores(config, quality(config, fidelity), flips(config)), energy_j=12.5)


@dataclass(frozen=True)
class Crashing:
    """Raises for one-layer students."""

    def __call__(self, config, *, fidelity, seed):
        if config.num_hidden_layers == 1:
            raise ValueError("loss is\nnot a number")
        return Evaluation(scores(config, quality(config, fidelity), flips(config)))


@dataclass(frozen=True)
class Killing:
    """Kills its own process for some hidden sizes: always, or the first time only."""

    folder: Path
    always: int = 0
    once: int = 0

    def __call__(self, config, *, fidelity, seed):
        with (self.folder / f"{config.hidden_size}.log").open("a") as log:
            log.write("x")
        tries = len((self.folder / f"{config.hidden_size}.log").read_text())
        if config.hidden_size == self.always or (config.hidden_size == self.once and tries == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return Evaluation(scores(config, quality(config, fidelity)))

    def tries(self, size):
        return len((self.folder / f"{size}.log").read_text())


def nothing(config, *, fidelity, seed):
    return Evaluation(scores(config, float("nan")))
