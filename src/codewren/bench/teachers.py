"""The heavy side of a benchmark: a teacher, and the papers' original architecture; both need torch."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from codewren.bench.contestants import Flops, Identity
from codewren.bench.judged_items import BenchItems
from codewren.core.errors import InputError
from codewren.core.formulas import papers_flops
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import FILE_TEACHERS
from codewren.train.processes import use_threads
from codewren.train.teachers import original
from codewren.train.teachers.fresh_process_teacher import dataset_of, teacher_command
from codewren.train.teachers.network import NetworkTeacher
from codewren.train.teachers.original import Original, counted_flops, original_command
from codewren.train.teachers.pretrained import beside
from codewren.train.teachers.teacher import load_teacher

Lengths = Callable[[int], list[int]]
COUNTED = "counted by torch: matrix products of these inputs"
FLOPS_ITEMS = 8
"""Items whose FLOPs torch counts: attention unfused for counting is slow."""


class TeacherModel:
    """The teacher of a recipe."""

    def __init__(self, recipe: Recipe, items: BenchItems) -> None:
        """Load it.

        Raises:
            TeacherError: it cannot be loaded in full.
            InputError: the recipe has logits only, so there is nothing to run.
        """
        if recipe.teacher.kind in FILE_TEACHERS:
            raise InputError(
                f"this recipe's teacher is a file of {recipe.teacher.kind}, which takes no time; give --teacher FOLDER"
            )
        teacher = load_teacher(recipe)
        if not isinstance(teacher, NetworkTeacher):
            raise InputError(f"teacher {recipe.teacher.path!r} is no network; nothing to time")
        self._recipe, self._items, self._teacher = recipe, items, teacher
        path = Path(beside(recipe.folder, recipe.teacher.path))
        device = next(teacher.network.parameters()).device.type
        self.identity = Identity(
            name="teacher",
            kind="teacher",
            label=f"{recipe.teacher.path}, torch, {recipe.teacher.precision}, {teacher.max_sequence_length} tokens"
            + ("" if device == "cpu" else f", on {device}"),
            path=str(path),
            size_bytes=_weight_bytes(path),
            parameters=sum(tensor.numel() for tensor in teacher.network.parameters()),
        )

    def single(self, threads: int) -> Callable[[int], object]:
        """Judge one item, tokenisation included."""
        use_threads(threads)
        return lambda index: self._judge([index])

    def bulk(self, threads: int) -> Callable[[Sequence[int]], object]:
        """Judge many, in batches of similar length as `label` does."""
        use_threads(threads)
        return self._judge

    def _judge(self, indices: Sequence[int]) -> object:
        return self._teacher.logits(dataset_of(self._items.task, [self._items.sources[index] for index in indices]))

    def flops(self, indices: Sequence[int]) -> Flops:
        """Counted on the first of these items, one at a time."""
        counted = [counted_flops(lambda index=index: self._judge([index])) for index in indices[:FLOPS_ITEMS]]  # type: ignore[misc]
        tokens = [
            len(
                self._teacher.tokenizer(text, truncation=True, max_length=self._teacher.max_sequence_length)[
                    "input_ids"
                ]
            )
            for index in indices[:FLOPS_ITEMS]
            for text in self._items.sources[index]
        ]
        return Flops(statistics.fmean(counted), statistics.fmean(tokens), f"{COUNTED} ({len(counted)} items)")

    def command(self) -> list[str]:
        """Load the teacher and judge."""
        return teacher_command(self._recipe)

    def child_item(self, index: int) -> object:
        """The source text."""
        return self._items.item(index)


class OriginalModel:
    """CodeBERT's architecture with random weights; `lengths` gives the tokens of an item's functions."""

    def __init__(self, items: BenchItems, lengths: Lengths, *, padded: bool, network: Original | None = None) -> None:
        made = network or Original.random(items.task, padded=padded)
        self._items, self._lengths = items, lengths
        self.network = Original(made.network, items.task, padded)
        how = "as long as the first bundle's tokens"
        if padded:
            how = f"padded to {original.PADDED_TOKENS} tokens, as the papers time it"
        self.identity = Identity(
            name="original, padded" if padded else "original, unpadded",
            kind="original",
            label=f"{original.LABEL}, torch fp32, {how}; token ids given, not tokenised",
            size_bytes=4 * made.parameters,
            parameters=made.parameters,
            papers_flops=int(
                papers_flops(
                    vocab_size=original.VOCABULARY,
                    hidden_size=original.HIDDEN,
                    num_hidden_layers=original.LAYERS,
                    intermediate_size=original.INTERMEDIATE,
                    num_attention_heads=original.HEADS,
                )
            ),
        )

    def single(self, threads: int) -> Callable[[int], object]:
        """Judge one item."""
        use_threads(threads)
        return lambda index: self.network.logits([self._lengths(index)])

    def bulk(self, threads: int) -> Callable[[Sequence[int]], object]:
        """Judge many in one batch, padded to its longest function."""
        use_threads(threads)
        return lambda indices: self.network.logits([self._lengths(index) for index in indices])

    def flops(self, indices: Sequence[int]) -> Flops:
        """Counted on the first of these items, one at a time."""
        chosen = [self._lengths(index) for index in indices[: 1 if self.network.padded else FLOPS_ITEMS]]
        counted = [counted_flops(lambda item=item: self.network.logits([item])) for item in chosen]  # type: ignore[misc]
        tokens = [original.PADDED_TOKENS if self.network.padded else tokens for item in chosen for tokens in item]
        return Flops(statistics.fmean(counted), statistics.fmean(tokens), f"{COUNTED} ({len(counted)} items)")

    def command(self) -> list[str]:
        """Make the network and judge."""
        return original_command(self._items.task, padded=self.network.padded)

    def child_item(self, index: int) -> object:
        """Numbers of tokens."""
        return self._lengths(index)


def originals(items: BenchItems, lengths: Lengths) -> list[OriginalModel]:
    """The original as the papers time it, and without padding; one set of weights for both."""
    padded = OriginalModel(items, lengths, padded=True)
    return [padded, OriginalModel(items, lengths, padded=False, network=padded.network)]


def _weight_bytes(path: Path) -> int | None:
    """Bytes of the weight files, None for a teacher that lies on the hub."""
    files = [path] if path.is_file() else [*path.glob("*.safetensors"), *path.glob("*.bin")]
    return sum(file.stat().st_size for file in files) or None
