"""Stage: how long an epoch of any student takes on this machine, from a few students that trained a few steps."""

import time
from collections.abc import Sequence
from dataclasses import replace

from codewren.bundle.tokenizer_spec import NESTED_KINDS
from codewren.compress.cost_table import TIMED_FUNCTIONS, Stopwatch
from codewren.compress.run import Run
from codewren.core.files import read_json, write_json
from codewren.core.progress import Bar
from codewren.core.run_folder import FLOWS, PACE, VOCABULARIES
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.search.space.latency_model import LatencyModel, spread
from codewren.search.space.space import SearchSpace
from codewren.search.trials.pace import Pace
from codewren.train.batches import encode_split
from codewren.train.distil import step_seconds
from codewren.train.tokenizer_training import characters_read, train_tokenizer

TIMED_STUDENTS = 12
TIMED_STEPS = 4
TIMED_ITEMS = 128
TIMED_SHARE = 10
"""One in so many training texts is enough to time a vocabulary."""
_DRAWN = 256  # students among which those within the latency budget are found


def search_pace(run: Run, space: SearchSpace, latency: LatencyModel) -> Pace:
    """The pace of a run's trainings; `pace-<space>.json` keeps the timings, so that a resumed search decides alike."""
    model, section = _item_model(run, space, latency), run.recipe.search
    items = sum(len(run.dataset(split)) for split in run.recipe.distil.train_on)
    limit, vocabulary_s = section.max_seconds, dict[str, float]()
    if limit is not None:
        vocabulary_s = _vocabulary_seconds(run, space)
        limit = max(0.0, limit - sum(vocabulary_s[kind] for kind in NESTED_KINDS & vocabulary_s.keys()))
    return Pace(
        lambda config: items * model(config),
        lambda config: 0.0 if config.tokenizer in NESTED_KINDS else vocabulary_s.get(config.tokenizer, 0.0),
        limit_s=limit,
        workers=section.workers,
        quiet=run.quiet,
    )


def _vocabulary_seconds(run: Run, space: SearchSpace) -> dict[str, float]:
    """Seconds to train a vocabulary of each kind, kept in the run so that a resumed search decides alike.

    Kinds whose vocabularies nest are trained here, once for the whole search; of the others, which every size needs
    anew, a part of the texts is timed.
    """
    path = run.path(VOCABULARIES)
    known: dict[str, float] = read_json(path) if path.exists() else {}
    texts, largest = run.training_texts(), max(space.values("vocab_size"))
    for kind in sorted({TokenizerKind(kind) for kind in space.values("tokenizer")} - known.keys()):
        started = time.monotonic()
        if kind in NESTED_KINDS:
            run.tokenizer(run.recipe.student.replace(tokenizer=kind, vocab_size=largest))
        else:
            train_tokenizer(kind, largest, texts[::TIMED_SHARE], lowercase=run.recipe.distil.lowercase)
        known[kind] = (time.monotonic() - started) * (1 if kind in NESTED_KINDS else _times_as_much(kind, texts))
    write_json(path, known)
    return known


def _times_as_much(kind: TokenizerKind, texts: Sequence[str]) -> float:
    """How much more text a vocabulary reads than the part that is timed."""
    return characters_read(kind, texts) / max(1, characters_read(kind, texts[::TIMED_SHARE]))


def _item_model(run: Run, space: SearchSpace, latency: LatencyModel) -> LatencyModel:
    """Seconds per training item: the same sum of products as for latency, fitted to training steps."""
    path = run.path(PACE.format(space=space.name))
    if path.exists():
        return LatencyModel.from_dict(read_json(path))
    cap = run.recipe.budget.max_latency_s
    drawn = spread(space, _DRAWN, seed=run.recipe.search.seed)
    within = [config for config in drawn if cap is None or latency(config) <= cap] or sorted(drawn, key=latency)
    clock = _StepClock(run)
    with Bar("time training steps", min(TIMED_STUDENTS, len(within)), quiet=run.quiet) as bar:
        timed = []
        for config in within[:TIMED_STUDENTS]:
            timed.append((config, clock(config)))
            bar.advance(note=f"{timed[-1][1] * 1e3:.2f} ms an item")
    model = LatencyModel.fitted(timed, latency.tokens_at)
    write_json(path, model.to_dict())
    return model


class _StepClock:
    """Seconds per item of a training step of a student, on a small part of the data."""

    def __init__(self, run: Run) -> None:
        self._run = run
        split = run.recipe.distil.train_on[0]
        items = range(min(TIMED_ITEMS, len(run.dataset(split))))
        self._data, self._logits = run.dataset(split).subset(items), run.logits(split)[list(items)]
        self._stopwatch = Stopwatch(run, list(self._data.functions[:TIMED_FUNCTIONS]), list(self._data.functions))

    def __call__(self, config: StudentConfig) -> float:
        spec = self._stopwatch.spec(config.tokenizer)
        built = config.replace(vocab_size=len(spec.vocab))
        encoded = encode_split(
            self._data,
            spec,
            max_length=config.max_sequence_length,
            logits=self._logits,
            max_data_flow=config.max_data_flow,
            cache=self._run.path(FLOWS),
        )
        options, task = replace(self._run.recipe.distil, features="none"), self._run.recipe.task
        seconds = min(step_seconds(built, task, train=encoded, options=options, steps=TIMED_STEPS))
        return seconds / min(config.batch_size, len(encoded))
