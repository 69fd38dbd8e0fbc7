"""A run: one recipe, one folder, and what several stages read from them."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.tokenizer_spec import NESTED_KINDS, TokenizerSpec
from codewren.compress.counterexamples import background_pairs
from codewren.compress.renamed_copies import renamed_copies
from codewren.core.dataset import Dataset
from codewren.core.errors import InputError
from codewren.core.files import file_sha256, read_json, write_json
from codewren.core.recipe import Recipe
from codewren.core.run_folder import CHOSEN, FLOWS, LOGITS, RECIPE, STUDENT, TOKENIZERS
from codewren.core.student_config import StudentConfig
from codewren.data.load import available_splits, load_split
from codewren.search.space.space import named_space
from codewren.train.batches import EncodedSplit, encode_split
from codewren.train.teachers.logits_file import read_logits, read_vectors
from codewren.train.tokenizer_training import cut, train_tokenizer
from codewren.train.validation import validation_scores

MOST_CHANGED = 5
"""Keys that a note names."""


@dataclass(eq=False)
class Run:
    """A recipe and its output folder.

    Attributes:
        recipe: what is to be done.
        out: where every stage leaves its file.
        quiet: no progress on stderr.
    """

    recipe: Recipe
    out: Path
    quiet: bool = False
    _datasets: dict[str, Dataset] = field(default_factory=dict)

    @classmethod
    def start(cls, recipe: Recipe, out: Path, *, quiet: bool = False) -> "Run":
        """Open a run; nothing is written before a stage has succeeded.

        Where the folder was begun with another recipe, or other settings, the keys that differ are said on stderr.
        """
        run = cls(recipe, out, quiet)
        if not quiet and (changed := run.changed_keys()):
            shown = ", ".join(changed[:MOST_CHANGED]) + (" …" if len(changed) > MOST_CHANGED else "")
            print(
                f"note: {run.path(RECIPE)} was made with other values of {shown}; leave RECIPE out to go on with those",
                file=sys.stderr,
            )
        return run

    def changed_keys(self) -> list[str]:
        """Dotted keys whose values are not those of the recipe that this folder keeps; none where it keeps none."""
        path = self.path(RECIPE)
        kept = flat_keys(read_json(path)) if path.is_file() else {}
        now = flat_keys(json.loads(json.dumps(self.recipe.to_dict())))
        return [key for key in now if kept and key != "folder" and kept.get(key) != now[key]]

    def save_recipe(self, *, shipped: bool = False) -> None:
        """Save the resolved recipe after a stage; once a student lies here, only what ships another one changes it.

        Raises:
            InputError: the folder cannot be written.
        """
        if shipped or not self.path(STUDENT).exists():
            write_json(self.path(RECIPE), self.recipe.to_dict())

    def path(self, name: str) -> Path:
        """A file of this run."""
        return self.out / name

    def has(self, split: str) -> bool:
        """Whether the recipe gives this split."""
        return split in available_splits(self.recipe)

    def dataset(self, split: str) -> Dataset:
        """A split that may be trained or tuned on, read once."""
        if split not in self._datasets:
            self._datasets[split] = load_split(self.recipe, split)
        return self._datasets[split]

    def logits(self, split: str) -> NDArray[np.float32]:
        """The teacher's logits of a split, written by `label` before.

        Raises:
            TeacherError: not labelled yet, or labelled for other data.
        """
        return read_logits(self.path(LOGITS.format(split=split)), self.dataset(split))

    def vectors(self, split: str) -> NDArray[np.float32] | None:
        """The teacher's vectors (F, W) of a split's functions, where the student learns from them.

        Raises:
            TeacherError: `label` did not write them.
        """
        if self.recipe.distil.features == "none":
            return None
        return read_vectors(self.path(LOGITS.format(split=split)), self.dataset(split))

    def inputs(self) -> dict[str, Any]:
        """Hashes of what a training depends on besides the recipe: texts, labels, the teacher's logits.

        Raises:
            TeacherError: a split to learn from is not labelled yet, or its logits are of other data.
        """
        taught = self.recipe.distil.train_on
        for split in taught:
            self.logits(split)
        hashes: dict[str, Any] = {
            "data": {split: self.dataset(split).sha256() for split in (*taught, "valid")},
            "labels": {split: _sha256(self.dataset(split).labels) for split in (*taught, "valid")},
            "logits": {split: file_sha256(self.path(LOGITS.format(split=split))) for split in taught},
        }
        if self.recipe.distil.background_pairs:
            hashes["background"] = background_pairs(self.recipe)[0].sha256()
        return hashes

    def training_texts(self) -> list[str]:
        """Distinct functions of the splits the student learns from: what its tokenizer is trained on."""
        texts = (text for split in self.recipe.distil.train_on for text in self.dataset(split).functions)
        return list(dict.fromkeys(texts))

    def tokenizer(self, config: StudentConfig) -> TokenizerSpec:
        """Train the tokenizer of a configuration, or take it from this run's cache.

        Where students are searched for, a kind whose vocabularies nest is trained once, at its largest, and cut.
        """
        largest = max(config.vocab_size, self._largest_vocabulary())
        if config.tokenizer in NESTED_KINDS and config.vocab_size < largest:
            return cut(self.tokenizer(config.replace(vocab_size=largest)), config.vocab_size)
        return train_tokenizer(
            config.tokenizer,
            config.vocab_size,
            self.training_texts(),
            mode=self.recipe.distil.tokenizer_mode,
            lowercase=self.recipe.distil.lowercase,
            add_special_tokens=self.recipe.distil.add_special_tokens,
            cache=self.path(TOKENIZERS),
        )

    def _largest_vocabulary(self) -> int:
        search = self.recipe.search
        if search.strategy in ("fixed", "compressor", "random-architecture"):  # these train one student only
            return 0
        return int(max(named_space(search.space, self.recipe.task, self.recipe.student).values("vocab_size")))

    def encoded(self, split: str, config: StudentConfig, spec: TokenizerSpec, *, taught: bool) -> EncodedSplit:
        """A split as token ids, with the teacher's logits if `taught`."""
        logits = self.logits(split) if taught else None
        copies = self.renamed() if taught else ()
        vectors = self.vectors(split) if taught else None
        return encode_split(
            self.dataset(split),
            spec,
            max_length=config.max_sequence_length,
            logits=logits,
            copies=copies,
            max_data_flow=config.max_data_flow,
            cache=self.path(FLOWS),
            vectors=vectors,
        )

    def renamed(self) -> list[dict[str, str]]:
        """Training functions and how they read with other names for their variables, once a copy; none if not asked."""
        distil = self.recipe.distil
        if not distil.rename:
            return []
        texts = self.training_texts()
        made = renamed_copies(
            texts, self.recipe.task, copies=distil.rename_copies, seed=0, cache=self.out, quiet=self.quiet
        )
        return [dict(zip(texts, copy, strict=True)) for copy in made]

    def training_split(self, config: StudentConfig, spec: TokenizerSpec) -> EncodedSplit:
        """All splits of `distil.train_on` as one, and the counterexamples if asked for."""
        first, *further = (self.encoded(split, config, spec, taught=True) for split in self.recipe.distil.train_on)
        if self.recipe.distil.background_pairs:
            further.append(self._counterexamples(config, spec, copies=len(first.copies)))
        for other in further:
            first = first.joined(other)
        return first

    def _counterexamples(self, config: StudentConfig, spec: TokenizerSpec, *, copies: int) -> EncodedSplit:
        dataset, logits = background_pairs(self.recipe)
        as_written = {text: text for text in dataset.functions}
        return encode_split(
            dataset,
            spec,
            max_length=config.max_sequence_length,
            logits=logits,
            copies=[as_written] * copies,
            max_data_flow=config.max_data_flow,
            cache=self.path(FLOWS),
        )

    def select(self) -> Callable[[NDArray[np.int64], NDArray[np.float32]], float]:
        """The validation score that picks epochs and students."""
        task, metric = self.recipe.task, self.recipe.distil.selection
        return lambda labels, logits: validation_scores(task, labels, logits)[metric]

    def chosen(self) -> StudentConfig:
        """The configuration that `search` chose.

        Raises:
            InputError: search has not run in this folder.
        """
        path = self.path(CHOSEN)
        if not path.exists():
            raise InputError(f"{path}: no such file; run codewren search with the same recipe and --out first")
        return StudentConfig.from_dict(read_json(path)["config"])


def flat_keys(tables: Any, above: str = "") -> dict[str, Any]:
    """The values of nested tables by dotted key.

    >>> flat_keys({"student": {"hidden_size": 96}, "folder": "."})
    {'student.hidden_size': 96, 'folder': '.'}
    """
    if not isinstance(tables, dict):
        return {above.removesuffix("."): tables}
    return {key: value for name in tables for key, value in flat_keys(tables[name], f"{above}{name}.").items()}


def _sha256(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


@cache
def version() -> str:
    """Version of this package, for provenance."""
    from codewren import __version__

    return __version__
