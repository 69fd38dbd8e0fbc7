"""The text of a first recipe: what was seen as comments, and keys that follow from it."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.recipe_sections import Source
from codewren.draft.columns import Columns
from codewren.draft.data_look import LOOKED_AT, DataLook, quantile
from codewren.draft.teacher_look import TeacherLook, token_lengths

CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
NO_NAME = re.compile(r"(LABEL_)?\d+", re.IGNORECASE)
RARE = 0.2
"""A label below this share makes accuracy say little."""
STEPS = 2_000
BATCH_SIZE = 16
SHORTEST, LONGEST = 64, 512
NUMBERED = {"vulnerable": ("safe", "vulnerable"), "clone": ("different", "clone")}


@dataclass(frozen=True, slots=True)
class Draft:
    """A recipe that is about to be written.

    Attributes:
        data: what was seen of the data.
        teacher: what was seen of the teacher.
        folder: of the recipe; paths are relative to it.
        name: of the task.
        positive: the label that a scan reports, None for the rarest.
    """

    data: DataLook
    teacher: TeacherLook
    folder: Path
    name: str
    positive: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the task, in the order of the teacher's outputs or of the numbers that the data has.

        Raises:
            InputError: the data has fewer than two labels, and the teacher names none.
        """
        if self.data.columns.indicators:
            return self.data.columns.indicators
        seen = sorted(name for name, _ in self.data.labels)
        named = tuple(name for name in self.teacher.labels if not NO_NAME.fullmatch(name))
        if not seen and len(named) < 2:
            raise InputError("no column of the training data holds labels; wanted one with 2 to 50 values")
        if seen and not all(name.isdigit() for name in seen):
            return tuple(seen)
        count = max([2, len(named), *(int(name) + 1 for name in seen)])
        if len(named) == count:
            return named
        if count == 2:
            return (
                NUMBERED["clone" if self.data.columns.is_pair else "vulnerable"] if self._is_paper() else ("no", "yes")
            )
        return tuple(f"class-{number}" for number in range(count))

    @property
    def alarm(self) -> str:
        """The positive label.

        Raises:
            InputError: the one asked for is none of the labels.
        """
        if self.positive is not None:
            if self.positive not in self.labels:
                raise InputError(f"--positive {self.positive!r} is not one of the labels {', '.join(self.labels)}")
            return self.positive
        if len(self.labels) == 2 and all(name.isdigit() for name, _ in self.data.labels):
            return self.labels[1]
        return (
            self.data.labels[-1][0] if self.data.labels and self.data.labels[-1][0] in self.labels else self.labels[-1]
        )

    @property
    def rarest_share(self) -> float:
        """Share of the rarest label, of those that were seen."""
        return min((count for _, count in self.data.labels), default=0.5 * self._labelled) / self._labelled

    @property
    def learns_labels(self) -> bool:
        """Whether the teacher must learn the labels of this data first."""
        return self.teacher.kind in ("ngrams", "encoder")

    def text(self) -> str:
        """The TOML of the recipe.

        Raises:
            InputError: as `labels` and `alarm`.
        """
        sections = (self._task(), self._data(), self._teacher(), self._search(), self._student(), self._distil())
        return "\n".join(_one_line(line) for section in sections for line in (*section, ""))

    @property
    def _labelled(self) -> int:
        """What a label's count is a share of: items, each of which may have several."""
        several = self.data.rows[self.data.training] if self.data.several else 0
        return several or sum(count for _, count in self.data.labels) or 1

    def _is_paper(self) -> bool:
        return self.data.columns.is_pair or self.data.columns.label in ("target", "vul", "is_vulnerable")

    def _task(self) -> Iterator[str]:
        total = self._labelled
        balance = ", ".join(f"{name} {count / total:.1%}" for name, count in self.data.labels[:8])
        yield "# Drafted by codewren init; every key: codewren compress --reference"
        yield "[task]"
        yield f"name = {_toml(self.name)}"
        yield f"unit = {_toml('pair' if self.data.columns.is_pair else 'function')}"
        if self.data.several:
            own = ", each in its own column of 0 and 1" * bool(self.data.columns.indicators)
            yield f'kind = "multi-label"  # an item has any number of the labels{own}'
        elif len(self.labels) > 2:
            yield '# kind = "ordinal"  # where they have an order: then list them in it, the most alarming last'
        yield f"labels = {_toml(self.labels)}  # {'seen: ' + balance if balance else 'as the teacher names them'}"
        yield f"positive = {_toml(self.alarm)}  # what a scan reports"
        if self.data.language is None:
            yield '# language = "c"  # none was recognised: name it, or a scan reads files of all languages'
        else:
            yield f"language = {_toml(self.data.language)}"

    def _data(self) -> Iterator[str]:
        yield "[data]"
        yield f"root = {_toml(self._relative(self._root()))}"
        if self.data.functions is not None:
            yield self._source("functions", self.data.files["functions"], replace(self.data.functions, label=None))
        for split, path in self.data.files.items():
            if split != "functions":
                yield self._source(self._split(split), path, self.data.columns) + self._about(split)
        yield '# license = "what the data may be used for"'

    def _split(self, split: str) -> str:
        """`train` is halved where the teacher learns from one half, else it is all the student's."""
        return "unlabelled" if split == "train" and not self.learns_labels else split

    def _about(self, split: str) -> str:
        rows = self.data.rows[split]
        count = f"more than {rows:,}" if rows >= LOOKED_AT else f"{rows:,}"
        use = {
            "train": "; halved: one half teaches the teacher" if self.learns_labels else "; must be new to the teacher",
            "test": "; opened by codewren evaluate --split test alone",
        }
        return f"  # {count} rows{use.get(split, '')}"

    def _source(self, split: str, path: Path, columns: Columns) -> str:
        usual = Source("")
        keys = {"path": os.path.relpath(path, self._root())}
        for name in ("text", "text2", "id", "left", "right", "label"):
            value = getattr(columns, name)
            if value is not None and value != getattr(usual, name):
                keys[name] = value
        return f"{split} = {{ {', '.join(f'{name} = {_toml(value)}' for name, value in keys.items())} }}"

    def _root(self) -> Path:
        return Path(os.path.commonpath([path.resolve().parent for path in self.data.files.values()]))

    def _relative(self, path: str | Path) -> str:
        return os.path.relpath(Path(path).resolve(), self.folder.resolve())

    def _teacher(self) -> Iterator[str]:
        kind, path = self.teacher.kind, self.teacher.path
        yield "[teacher]"
        yield f"# {self.teacher.says}"
        if kind == "encoder":
            yield 'kind = "huggingface"'
            yield f"path = {_toml(self._relative(Path(self.run) / 'teacher'))}"
            yield from ("", "[finetune]", f"encoder = {_toml(self._relative(path))}")
            yield from self._limit()
            return
        yield f"kind = {_toml(kind)}"
        if kind in ("logits", "judgements"):
            yield f"path = {_toml(os.path.relpath(Path(path).resolve(), self._root()))}"
        elif path:
            yield f"path = {_toml(self._relative(path) if Path(path).is_dir() else path)}"
        if kind == "huggingface":
            yield from self._limit()
            yield '# whitespace = "raw"  # or "collapsed": as it was trained; the run tells which one fits'
        if self.mismatch:
            yield f"# its outputs are {', '.join(self.teacher.labels)}; name the task's labels in that order:"
            yield f"# columns = {_toml(self.labels)}"

    @property
    def mismatch(self) -> bool:
        """Whether the teacher names its outputs in another way than the data its labels."""
        names = [name.lower() for name in self.teacher.labels]
        unnamed = all(NO_NAME.fullmatch(name) for name in names)
        return not unnamed and sorted(names) != sorted(label.lower() for label in self.labels)

    def _limit(self) -> Iterator[str]:
        """Tokens of a teacher: what nearly all functions need, within what it can read (two positions are reserved)."""
        lengths = token_lengths(Path(self.teacher.path), self.data.sample)
        if lengths:
            half, most = quantile(lengths, 0.5), quantile(lengths, 0.95)
            yield f"# its tokenizer makes up to {half:,} tokens of half of the functions, up to {most:,} of 95 %"
        needed = _rounded(quantile(lengths, 0.95)) if lengths else self._needed()
        limit = LONGEST if self.teacher.max_tokens is None else self.teacher.max_tokens - 2
        yield f"max_sequence_length = {max(3, min(LONGEST, limit, needed))}"

    def _needed(self) -> int:
        return _rounded(self.data.length(0.95))

    def _search(self) -> Iterator[str]:
        yield "[search]"
        yield 'strategy = "fixed"  # takes [student]; "wren" searches for the best one within a budget:'
        yield "# [budget]"
        yield "# max_bytes = 500_000"

    def _student(self) -> Iterator[str]:
        median, most = self.data.length(0.5), self.data.length(0.95)
        yield "[student]"
        yield f"# half of the functions have up to {median:,} words and signs, 95 % up to {most:,}"
        yield f"max_sequence_length = {min(LONGEST, self._needed())}"
        if self.teacher.kind == "judgements":  # words are what carries over from few judgements
            yield from ('tokenizer = "word"', "vocab_size = 6000")
        else:
            yield from ('tokenizer = "bpe"', "vocab_size = 3000")
        yield "hidden_size = 64"
        yield "intermediate_size = 64"
        yield "num_attention_heads = 4"
        yield "learning_rate = 2e-3"
        yield f"batch_size = {BATCH_SIZE}"
        if self.data.columns.is_pair:
            yield 'pair_head = "symmetric"'

    def _distil(self) -> Iterator[str]:
        taught = self._taught()
        rows = sum(self.data.rows.get(split, self.data.rows.get("train", 0)) for split in taught)
        epochs = min(40, max(4, -(-STEPS // max(1, -(-rows // BATCH_SIZE)))))
        yield "[distil]"
        yield f"epochs = {epochs}  # about {epochs * -(-rows // BATCH_SIZE):,} steps"
        yield f"train_on = {_toml(taught)}"
        if self.rarest_share < RARE:
            yield 'selection = "f1"  # a label is rare, so that accuracy says little'
            yield from ("", "[decision]", 'threshold = "f1"')

    def _taught(self) -> list[str]:
        here = {self._split(split) for split in self.data.files}
        if self.teacher.kind == "ngrams":
            return ["unlabelled", "labelled"] if "train" in here else sorted(here & {"unlabelled", "labelled"})
        if self.teacher.kind == "judgements" and here >= {"unlabelled", "labelled"}:
            return ["labelled", "unlabelled"]
        return ["unlabelled"] if here & {"unlabelled", "train"} else ["labelled"]

    @property
    def run(self) -> str:
        """A folder for the run."""
        return f"runs/{self.name}"

    def commands(self, recipe: Path) -> list[str]:
        """What to run next."""
        verbs = ["finetune", "compress"] if self.teacher.kind == "encoder" else ["compress"]
        return [shlex.join(("codewren", verb, str(recipe), "--out", self.run)) for verb in verbs]


def _one_line(line: str) -> str:
    r"""A line with the characters that TOML forbids, in comments too, as escapes.

    >>> _one_line("# a\nb")
    '# a\\u000ab'
    """
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _rounded(tokens: int) -> int:
    """With some room, a multiple of 16."""
    return max(SHORTEST, -(-tokens // 16) * 16 + 16)


def _toml(value: str | Sequence[str]) -> str:
    """A string, or a list of them, as TOML writes it: JSON's escapes are TOML's too."""
    return json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)
