"""What a trial's student does under edits that keep the meaning: the objective `flips` of a search."""

from functools import lru_cache

import torch

from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.compress.flips import Edited, edited_splits, flips_of
from codewren.compress.run import Run
from codewren.core.dataset import Dataset
from codewren.core.run_folder import FLOWS
from codewren.core.student_config import StudentConfig
from codewren.measure.intervals import Ints
from codewren.measure.task_quality import logits_predictions
from codewren.train.batches import encode_split
from codewren.train.distil import Distilled, predict_logits
from codewren.train.student import Student

SEED = 20_250_427
"""Of the edits that a search sees: other draws than those that `codewren evaluate --edits` reports."""
DRAWS = 3
"""Versions of every function: one draw of names is shared by all pairs of a function, so that it alone moves the share
by a point (docs/robustness.md), as much as good students differ by."""


def trial_flips(run: Run, config: StudentConfig, tokenizer: TokenizerSpec, distilled: Distilled) -> float:
    """Share of the edited validation items whose prediction flips, all draws of `search.flip_edits` together.

    Raises:
        InputError: an edit is unknown, or functions of the task's language cannot be edited.
    """
    student = Student(config, run.recipe.task, seed=0)
    student.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in distilled.tensors.items()})

    def labels(dataset: Dataset) -> Ints:
        split = encode_split(
            dataset,
            tokenizer,
            max_length=config.max_sequence_length,
            max_data_flow=config.max_data_flow,
            cache=run.path(FLOWS),
        )
        return logits_predictions(run.recipe.task, predict_logits(student, split))

    flips = flips_of(labels, run.dataset("valid"), _edited(run)).values()
    edited = sum(int(edit.edited_N.sum()) for edit in flips)
    return sum(int(edit.flipped_N.sum()) for edit in flips) / max(edited, 1)


@lru_cache(maxsize=1)
def _edited(run: Run) -> dict[str, Edited]:
    """The edited validation split, every draw of every edit, made once a process."""
    dataset, only = run.dataset("valid"), tuple(run.recipe.search.flip_edits)
    return {
        f"{name} {draw}": edited
        for draw in range(DRAWS)
        for name, edited in edited_splits(dataset, seed=SEED + draw, only=only).items()
    }
