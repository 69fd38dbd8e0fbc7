"""Writing a drafted recipe, and the split that a lone file of rows lacks."""

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codewren.core.dataset import collapse_whitespace
from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.recipe import Recipe
from codewren.data.readers import read_rows
from codewren.draft.columns import guess_columns
from codewren.draft.data_look import DataLook, split_files
from codewren.draft.draft_recipe import Draft
from codewren.draft.teacher_look import look_at_teacher


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says and data cannot.

    Attributes:
        teacher: a path or a hub name; None is words.
        task: its name.
        positive: the label that a scan reports.
    """

    teacher: str | None = None
    task: str | None = None
    positive: str | None = None


def write_draft(data: DataLook, path: Path, wishes: Wishes) -> str:
    """Write the recipe; what was seen and what to run next, as lines.

    Raises:
        InputError: the file is there, a split is missing, the data has no labels, or words cannot teach them.
        TeacherError: the teacher cannot teach as it is.
    """
    if path.exists():
        raise InputError(f"{path} is there already; name another one with --recipe")
    if "valid" not in data.files:
        raise InputError(
            f"no validation data beside {data.files[data.training]}: name a file valid.*, or add --hold-out 0.1, which "
            "writes one"
        )
    name = wishes.task or data.files[data.training].resolve().parent.name
    draft = Draft(data, look_at_teacher(wishes.teacher), path.parent, name, wishes.positive)
    _check_words(draft)
    text = draft.text()
    Recipe.from_dict(tomllib.loads(text), path.parent)  # what is written can be read
    write_bytes(path, text.encode())
    lines = [f"wrote {path}: {_summary(draft)}"]
    if flags := data.columns.indicators:
        lines.append(f"mind: the columns {', '.join(flags)} hold 0 and 1 and are taken for a label each; is that so?")
    if draft.mismatch:
        lines.append("mind: the teacher calls its outputs otherwise than the data its labels; set teacher.columns")
    return "\n".join([*lines, "next:", *(f"  {command}" for command in draft.commands(path))])


def _check_words(draft: Draft) -> None:
    """Words are the teacher where none is named.

    Raises:
        InputError: a task that they cannot teach.
    """
    if draft.teacher.kind == "ngrams" and draft.data.columns.is_pair:
        raise InputError(
            "words teach tasks of functions, this one has pairs; name a teacher with --teacher: a folder, a hub's "
            "name, or a file of logits or judgements"
        )


def _summary(draft: Draft) -> str:
    splits = ", ".join(f"{split} {count:,}" for split, count in draft.data.rows.items())
    unit = "pairs" if draft.data.columns.is_pair else "functions"
    return f"{draft.data.language or 'unknown language'}, {unit} ({splits}), {len(draft.labels)} labels"


def hold_out_valid(paths: Sequence[Path], folder: Path, share: float) -> list[Path]:
    """Split a lone file into `train.jsonl` and `valid.jsonl` in a folder, equal functions on one side.

    Raises:
        InputError: there is validation data already, several files, or a file in the way.
    """
    files = split_files(paths)
    if set(files) != {"train"}:
        raise InputError(f"--hold-out splits a lone file of functions; found {', '.join(map(str, files.values()))}")
    targets = [folder / "train.jsonl", folder / "valid.jsonl"]
    for target in targets:
        if target.exists():
            raise InputError(f"{target} is there already; move it away, or leave out --hold-out")
    rows = [dict(row.values) for row in read_rows(files["train"])]
    columns = guess_columns(rows[:1_000], str(files["train"]))
    sides: list[list[str]] = [[], []]
    for row in rows:
        key = "\0".join(collapse_whitespace(str(row[name])) for name in (columns.text, columns.text2) if name)
        draw = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
        sides[draw < share].append(json.dumps(row, default=str) + "\n")
    for target, lines in zip(targets, sides, strict=True):
        write_bytes(target, "".join(lines).encode())
    return targets
