"""A teacher that is a network: it judges a split part by part, and what is done survives a kill."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from codewren.core.dataset import Dataset
from codewren.core.errors import TeacherError
from codewren.core.files import atomic_write
from codewren.core.progress import Bar
from codewren.core.recipe_sections import WhiteSpace
from codewren.core.task import Task
from codewren.dataflow.graph import Mode
from codewren.train.teachers.headed_encoder import ItemClassifier
from codewren.train.teachers.logits_file import DAMAGED, Logits, read_arrays
from codewren.train.teachers.text_batches import (
    Floats,
    TeacherSplit,
    encode_for_teacher,
    encode_pairs,
    function_vectors,
    item_logits,
    teacher_parts,
)

SAVE_EVERY_S = 60.0
INDIFFERENT = frozenset({"_name_or_path", "transformers_version", "architectures", "id2label", "label2id", "dtype"})
"""Entries of a configuration that change no logit."""

Elsewhere: TypeAlias = Callable[[Sequence[int]], Iterable[tuple[int, Floats]]]
"""Judges parts of a split on other machines: the vectors (B, W) of each part asked for, by its number, in any order."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTeacher:
    """A network with its tokenizer.

    Attributes:
        columns: for each of the task's labels its column in the network's output.
        tokens: about how many tokens are judged at once.
        first_output_only: whether the other outputs were never trained; they count as 0.
        data_flow: how data flow is fed beside the code, if at all.
        lowercase: whether it reads lower-cased text.
        whitespace: whether it reads the text as it stands.
        joins_pairs: whether it reads the two functions of a pair as one text.
    """

    network: ItemClassifier
    tokenizer: Any
    task: Task
    max_sequence_length: int
    columns: tuple[int, ...]
    tokens: int
    bf16: bool = False
    first_output_only: bool = False
    data_flow: Mode | None = None
    lowercase: bool = False
    whitespace: WhiteSpace = "collapsed"
    joins_pairs: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the weights, the configuration that makes a function of them, the tokenizer, and their use."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        pooling = (getattr(self.network, "pooling", ""), str(getattr(self.network, "pair_head", "")))
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        use = (self.max_sequence_length, self.columns, self.bf16, self.first_output_only, pooling)
        digest.update(repr((use, vocabulary)).encode())
        digest.update(repr([_function(config) for config in _configs(self.network)]).encode())
        digest.update(_rules(self.tokenizer).encode())
        if self.data_flow is not None:
            digest.update(f"data flow {self.data_flow} {self.task.language}".encode())
        if self.lowercase:
            digest.update(b"lowercase")
        if self.whitespace == "raw":
            digest.update(b"raw white space")
        if self.joins_pairs:
            digest.update(b"pairs as one text")
        return digest.hexdigest()

    def covers(self, split: str) -> bool:
        """Any split."""
        return True

    def logits(
        self,
        dataset: Dataset,
        *,
        partial: Path | None = None,
        quiet: bool = True,
        elsewhere: Elsewhere | None = None,
    ) -> Logits:
        """Judge every item; each distinct function is encoded once, similar lengths together, here or `elsewhere`."""
        return self.judge(dataset, partial=partial, quiet=quiet, elsewhere=elsewhere)[0]

    def judge(
        self, dataset: Dataset, *, partial: Path | None, quiet: bool, elsewhere: Elsewhere | None = None
    ) -> tuple[Logits, Floats]:
        """`logits`, and the vectors (F, W) that they were made of: of functions, or of pairs if it joins them."""
        split = self.encoded(dataset, quiet=quiet)
        self.network.eval()
        identity = f"{dataset.sha256()} {self.sha256}" if partial is not None else ""
        here = elsewhere or (lambda numbers: ((number, self.part_vectors(split, number)) for number in numbers))
        vectors_FW = self._vectors(
            split, _Partial(partial, identity), here, label=f"label {dataset.split}", quiet=quiet
        )
        outputs = item_logits(self.network, split, vectors_FW)
        if self.first_output_only:
            outputs[:, 1:] = 0
        return np.ascontiguousarray(outputs[:, list(self.columns)]), vectors_FW

    def encoded(self, dataset: Dataset, *, quiet: bool = True) -> TeacherSplit:
        """A split as this teacher reads it.

        Raises:
            TeacherError: the data are of another task.
        """
        if dataset.task != self.task:
            raise TeacherError(f"teacher of task {self.task.name!r} asked about task {dataset.task.name!r}")
        if self.lowercase:
            dataset = replace(dataset, functions=tuple(text.lower() for text in dataset.functions))
        if self.joins_pairs:
            limit = self.max_sequence_length
            return encode_pairs(self.tokenizer, dataset, max_length=limit, whitespace=self.whitespace)
        return encode_for_teacher(
            self.tokenizer,
            dataset,
            max_length=self.max_sequence_length,
            whitespace=self.whitespace,
            data_flow=self.data_flow,
            quiet=quiet,
        )

    def part_vectors(self, split: TeacherSplit, number: int) -> Floats:
        """Vectors (B, W) of one part of the split; which functions that are is always the same."""
        functions = teacher_parts(split, tokens=self.tokens)[number]
        pad_id = self.tokenizer.pad_token_id
        return function_vectors(self.network, split, functions, pad_id=pad_id, bf16=self.bf16)

    def _vectors(
        self, split: TeacherSplit, partial: "_Partial", judge: Elsewhere, *, label: str, quiet: bool
    ) -> Floats:
        vectors_FW = np.zeros((len(split.functions), self.network.width), dtype=np.float32)
        batches = teacher_parts(split, tokens=self.tokens)
        done = partial.load(vectors_FW, len(batches))
        saved = time.monotonic()
        with Bar(label, len(split.functions), quiet=quiet) as bar, partial.kept(vectors_FW, done):
            bar.advance(sum(len(batch) for batch, known in zip(batches, done, strict=True) if known))
            for number, vectors in judge(np.flatnonzero(~done).tolist()):
                vectors_FW[batches[number]], done[number] = vectors, True
                bar.advance(len(batches[number]))
                if time.monotonic() - saved > SAVE_EVERY_S:
                    partial.save(vectors_FW, done)
                    saved = time.monotonic()
        return vectors_FW


def _configs(network: ItemClassifier) -> list[Any]:
    """Configurations of the Hugging Face models in a network: the head count, say, is in no weight."""
    configs = [module.config for module in network.modules() if hasattr(module, "config")]
    return list({id(config): config for config in configs}.values())


def _function(config: Any) -> list[tuple[str, str]]:
    """What of a configuration decides the output; where it lay and who saved it does not."""
    return sorted((name, repr(value)) for name, value in config.to_dict().items() if name not in INDIFFERENT)


def _rules(tokenizer: Any) -> str:
    """How a tokenizer cuts text, beside its vocabulary: normalisation, merges, special tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return repr(type(tokenizer))
    plain = json.loads(backend.to_str())
    return json.dumps({**plain, "truncation": None, "padding": None}, sort_keys=True)  # set anew by every call


@dataclass(frozen=True, slots=True)
class _Partial:
    """Vectors of the parts that are done, on disk; `done` says of each part whether it is, shape (parts,)."""

    path: Path | None
    identity: str

    def save(self, vectors_FW: Floats, done: NDArray[np.bool_]) -> None:
        if self.path is not None:
            with atomic_write(self.path) as stream:
                np.savez(stream, vectors=vectors_FW, done=done, identity=np.array(self.identity))

    @contextmanager
    def kept(self, vectors_FW: Floats, done: NDArray[np.bool_]) -> Iterator[None]:
        """Save what is done when something goes wrong meanwhile."""
        try:
            yield
        except BaseException:
            self.save(vectors_FW, done)
            raise

    def load(self, vectors_FW: Floats, parts: int) -> NDArray[np.bool_]:
        """Fill in what an earlier call left and return which parts that is; of another teacher or data: none."""
        none = np.zeros(parts, dtype=np.bool_)
        if self.path is None or not self.path.is_file():
            return none
        try:
            arrays = read_arrays(self.path)
        except DAMAGED:
            return none  # written atomically, so this is not ours; it will be overwritten
        fits = arrays["vectors"].shape == vectors_FW.shape and arrays["done"].shape == none.shape
        if str(arrays.get("identity")) != self.identity or not fits:
            return none
        vectors_FW[:] = arrays["vectors"]
        return arrays["done"].astype(np.bool_)
