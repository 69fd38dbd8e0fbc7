"""Stage: what students of a space cost on this machine, timed through the runtime that ships."""

import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codewren.bundle.read import Bundle
from codewren.bundle.tensors import tensor_shapes
from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.bundle.write import write_bundle
from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.progress import Bar
from codewren.core.run_folder import LATENCY
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.predict.predictor import Predictor
from codewren.search.space.latency_model import TIMED_SHAPES, LatencyModel
from codewren.search.space.space import SearchSpace
from codewren.train.tokenizer_training import encode_batch, train_tokenizer

WARMING_FUNCTIONS, TIMED_FUNCTIONS = 24, 72
TOKENIZER_TEXTS = 400
TIMED_VOCABULARY = 1000
"""Entries of the tokenizers used for timing: the number hardly enters the time, and large ones take long to train."""


def latency_model(run: Run, space: SearchSpace) -> LatencyModel:
    """Calibrate once a run and space; `latency.json` keeps the timings.

    Raises:
        InputError: a timing is not a positive number.
    """
    path = run.path(LATENCY.format(space=space.name))
    if path.exists():
        return LatencyModel.from_dict(read_json(path))
    texts = list(run.dataset("valid").functions)
    shown = texts[: WARMING_FUNCTIONS + TIMED_FUNCTIONS]
    stopwatch = Stopwatch(run, shown, run.training_texts()[:TOKENIZER_TEXTS])
    with Bar("time students", TIMED_SHAPES, quiet=run.quiet) as bar:

        def measure(config: StudentConfig) -> float:
            seconds = stopwatch(config)
            bar.advance(note=f"{seconds * 1e3:.3f} ms")
            return seconds

        tokens_at = stopwatch.tokens_at(space)
        model = LatencyModel.calibrate(measure, space, seed=run.recipe.search.seed, tokens_at=tokens_at)
    write_json(path, model.to_dict())
    return model


@dataclass(eq=False)
class Stopwatch:
    """Times students with random weights: time does not depend on what they say."""

    run: Run
    functions: list[str]
    texts: list[str]
    _specs: dict[TokenizerKind, TokenizerSpec] = field(default_factory=dict)

    def spec(self, kind: TokenizerKind) -> TokenizerSpec:
        """A small tokenizer of a kind, trained once."""
        if kind not in self._specs:
            self._specs[kind] = train_tokenizer(
                kind, TIMED_VOCABULARY, self.texts, lowercase=self.run.recipe.distil.lowercase
            )
        return self._specs[kind]

    def tokens_at(self, space: SearchSpace) -> dict[int, float]:
        """Mean tokens of a function at each maximum length of the space."""
        spec = self.spec(TokenizerKind.BPE)
        lengths = sorted({int(length) for length in space.values("max_sequence_length")})
        return {
            length: statistics.fmean(len(ids) for ids in encode_batch(spec, self.functions, length))
            for length in lengths
        }

    def __call__(self, config: StudentConfig) -> float:
        """Mean over functions of the seconds to encode one, tokenisation included, on one thread.

        Processor time: on one thread it is the wall time of an idle machine, whatever else runs meanwhile.
        """
        spec = self.spec(config.tokenizer)
        config = config.replace(vocab_size=len(spec.vocab))
        task = self.run.recipe.task
        rng = np.random.default_rng(0)
        shapes = tensor_shapes(config, task)
        tensors = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "timed.wren"
            write_bundle(path, task=task, config=config, tensors=tensors, tokenizer=spec)
            return self._mean_seconds(Predictor(Bundle.read(path), threads=1))

    def _mean_seconds(self, predictor: Predictor) -> float:
        """Over functions never seen, as in use: the weights are in the caches, the words not in the tokenizer's."""
        warming = min(WARMING_FUNCTIONS, len(self.functions) // 4)
        predictor.encode(self.functions[:warming])
        timed = self.functions[warming:]
        started = time.process_time()
        for text in timed:
            predictor.encode([text])
        return (time.process_time() - started) / len(timed)
