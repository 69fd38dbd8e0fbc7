"""What kind of teacher a path is, from the files that lie there; nothing is loaded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from codewren.core.errors import InputError, TeacherError
from codewren.core.files import read_json
from codewren.data.readers import read_rows, spelling

LOGITS_SUFFIXES = (".npy", ".npz", ".csv", ".parquet", ".jsonl")
SPLITS = ("unlabelled", "labelled", "train", "valid", "test")
JUDGED = {"label", "labels", "logprobs", "probabilities"}

UNSURE = "unsure"
LOOKED_AT = 5_000
"""Judgements at most whose labels are looked at."""


@dataclass(frozen=True, slots=True)
class TeacherLook:
    """What was seen.

    Attributes:
        kind: of `[teacher]`; `encoder` is one that `codewren finetune` must teach first.
        path: of a file with `{split}` for the split's name where it stands in it.
        says: a line about it.
        labels: names of a classifier's outputs, where it has any; of judgements those that are said, the rarest last.
        max_tokens: what it can read, None if that is unknown.
    """

    kind: str
    path: str = ""
    says: str = ""
    labels: tuple[str, ...] = ()
    max_tokens: int | None = None


WORDS_TEACHER = TeacherLook("ngrams", says="no teacher was named: words and word pairs learn the labels")


def look_at_teacher(path: str | None) -> TeacherLook:
    """Look at a folder, a file, or a hub's name.

    Raises:
        TeacherError: it cannot teach as it is.
    """
    if path is None:
        return WORDS_TEACHER
    place = Path(path)
    if place.is_file():
        return _file(place)
    if not place.is_dir():
        if place.is_absolute() or place.suffix in LOGITS_SUFFIXES or path.startswith(".") or path.count("/") != 1:
            raise TeacherError(f"teacher {path}: no such file or folder, and no name on the hub (OWNER/NAME)")
        return TeacherLook("huggingface", path, "a model of the hub, not looked at")
    return _folder(place)


def token_lengths(folder: Path, texts: Sequence[str]) -> tuple[int, ...]:
    """Tokens that a teacher's tokenizer makes of texts, sorted; empty where it cannot be read here."""
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception:  # not installed, no such file, or one of a kind that the library alone does not know
        return ()
    tokenizer.no_truncation()
    return tuple(sorted(len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))))


def _file(path: Path) -> TeacherLook:
    if path.suffix == ".onnx":
        return TeacherLook("huggingface", str(path), "an ONNX file")
    if path.suffix not in LOGITS_SUFFIXES:
        raise TeacherError(
            f"teacher {path}: not known; wanted a folder, or logits in a file that ends in {', '.join(LOGITS_SUFFIXES)}"
        )
    spelt = _with_split(path)
    if path.suffix == ".jsonl" and JUDGED & set(next(iter(read_rows(path))).values):
        return TeacherLook("judgements", spelt, "judgements, one or more an item", _labels_said(path))
    return TeacherLook("logits", spelt, "logits of another model, a row an item")


def _labels_said(path: Path) -> tuple[str, ...]:
    """The labels that judgements name, the commonest first; none where tokens or lists are all that they give."""
    counts = Counter(spelling(row.values.get("label")) for row in islice(read_rows(path), LOOKED_AT))
    return tuple(name for name, _ in counts.most_common() if name and name.lower() != UNSURE)


def _with_split(path: Path) -> str:
    for split in SPLITS:
        if split in path.name:
            return str(path.with_name(path.name.replace(split, "{split}")))
    return str(path)


def _folder(folder: Path) -> TeacherLook:
    names = {entry.name for entry in folder.iterdir()}
    if "teacher.json" in names:
        return TeacherLook("huggingface", str(folder), "made by codewren finetune; it knows how it was fed")
    if "modules.json" in names:
        return TeacherLook("huggingface", str(folder), "a sentence-transformers folder, for tasks on pairs")
    if "adapter_config.json" in names:
        return TeacherLook("huggingface", str(folder), "an adapter (PEFT)")
    if "config.json" not in names:
        raise TeacherError(f"teacher {folder}: no config.json there; name the folder that holds it and the weights")
    return _model(folder)


def _model(folder: Path) -> TeacherLook:
    config = read_json(folder / "config.json")
    if not isinstance(config, dict):
        raise InputError(f"{folder / 'config.json'}: is no object")
    classes = [str(name) for name in config.get("architectures") or ()]
    tokens = config.get("max_position_embeddings")
    limit = int(tokens) if isinstance(tokens, int) else None
    if not any(name.endswith("ForSequenceClassification") for name in classes):
        said = f"{', '.join(classes) or 'a model'} without a classifier: codewren finetune makes a teacher of it"
        return TeacherLook("encoder", str(folder), said, max_tokens=limit)
    names = config.get("id2label") or {}
    labels = tuple(str(names[key]) for key in sorted(names, key=int))
    return TeacherLook("huggingface", str(folder), ", ".join(classes), labels, limit)
