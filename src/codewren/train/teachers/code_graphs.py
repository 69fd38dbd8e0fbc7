"""Data flow for a Hugging Face teacher: graphs of a data set's functions, in the ids of the teacher's tokenizer."""

from collections.abc import Iterator
from typing import Any

from codewren.core.dataset import Dataset
from codewren.core.errors import InputError, TeacherError
from codewren.core.progress import Bar
from codewren.core.task import Unit
from codewren.dataflow import DataFlow, data_flow
from codewren.dataflow.graph import Mode
from codewren.train.teachers.graph_inputs import (
    PAD_POSITION,
    GraphInput,
    Ids,
    InputLimits,
    SpecialIds,
    encode_code_tokens,
    graph_input,
)
from codewren.train.teachers.pretrained import hush

GRAPHS_AT_ONCE = 500
MARKER = "@"
PAPERS_RESERVED = {Unit.FUNCTION: 2, Unit.PAIR: 3}
"""Positions the released scripts keep from code and nodes; the clone script keeps one too many (SPEC 1.13)."""


def build_graphs(
    tokenizer: Any, dataset: Dataset, *, max_length: int, mode: Mode, quiet: bool = True
) -> list[GraphInput]:
    """The input of each distinct function.

    Raises:
        TeacherError: the task names no language, or the tokenizer has no special tokens or joins text across a space.
    """
    language = dataset.task.language
    if language is None:
        raise TeacherError(
            f"data flow needs the language of the functions, and task {dataset.task.name!r} names none; "
            "add for example: [task] language = 'c'"
        )
    hush()  # a code token may be longer than the model; it is cut later
    special = special_ids(tokenizer)
    limits = InputLimits(max_length, mode, PAPERS_RESERVED[dataset.task.unit])
    inputs: list[GraphInput] = []
    with Bar(f"data flow {dataset.split}", len(dataset.functions), quiet=quiet) as bar:
        for flows in _flows(dataset, language, mode):
            texts = [[token.text for token in flow.tokens] for flow in flows]
            pieces = encode_code_tokens(texts, first=_plain(tokenizer), later=_after_space(tokenizer))
            for flow, piece in zip(flows, pieces, strict=True):
                inputs.append(graph_input(piece, flow.nodes, special=special, limits=limits))
            bar.advance(len(flows))
    return inputs


def special_ids(tokenizer: Any) -> SpecialIds:
    """What the tokenizer calls `<s>`, padding, `</s>` and the unknown token.

    Raises:
        TeacherError: it lacks one of them.
    """
    names = ("cls_token_id", "pad_token_id", "sep_token_id", "unk_token_id")
    # A tokenizer made of a bare file knows only the first pair of names.
    alternatives = {"cls_token_id": "bos_token_id", "sep_token_id": "eos_token_id"}
    ids = []
    for name in names:
        value = getattr(tokenizer, name, None)
        value = getattr(tokenizer, alternatives.get(name, name), None) if value is None else value
        if value is None:
            raise TeacherError(f"data flow needs a tokenizer with a {name.removesuffix('_id')}; this one has none")
        ids.append(int(value))
    return SpecialIds(*ids)


def check_graph_encoder(path: str, encoder: Any) -> None:
    """Raise unless the encoder numbers positions as GraphCodeBERT does: nodes 0, padding 1, code from 2.

    Raises:
        TeacherError: another architecture.
    """
    if getattr(getattr(encoder, "embeddings", None), "padding_idx", None) != PAD_POSITION:
        raise TeacherError(
            f"{path}: a {encoder.config.model_type} encoder has no position for the nodes of a data-flow graph; "
            "give a RoBERTa encoder such as microsoft/graphcodebert-base, or set data_flow = false"
        )


def _flows(dataset: Dataset, language: str, mode: Mode) -> Iterator[list[DataFlow]]:
    for start in range(0, len(dataset.functions), GRAPHS_AT_ONCE):
        yield [
            _flow(dataset, index, language, mode)
            for index in range(start, min(start + GRAPHS_AT_ONCE, len(dataset.functions)))
        ]


def _flow(dataset: Dataset, index: int, language: str, mode: Mode) -> DataFlow:
    try:
        return data_flow(dataset.functions[index], language, mode=mode)
    except InputError as error:
        name = dataset.function_ids[index]
        raise TeacherError(f"split {dataset.split!r}, function {name}: no data flow ({error})") from error


def _plain(tokenizer: Any) -> Any:
    def encode(texts: list[str]) -> list[Ids]:
        ids: list[Ids] = tokenizer(texts, add_special_tokens=False, return_attention_mask=False)["input_ids"]
        return ids

    return encode


def _after_space(tokenizer: Any) -> Any:
    """Encode texts as if a space stood before them: a marker is put in front and its ids are cut off again."""
    plain = _plain(tokenizer)
    (marker,) = plain([MARKER])

    def encode(texts: list[str]) -> list[Ids]:
        ids = plain([f"{MARKER} {text}" for text in texts])
        for text, token_ids in zip(texts, ids, strict=True):
            if list(token_ids[: len(marker)]) != list(marker):
                raise TeacherError(
                    f"the tokenizer joins {MARKER!r} with the text after a space ({text[:40]!r}); data flow needs one "
                    "that splits at spaces, such as GraphCodeBERT's"
                )
        return [token_ids[len(marker) :] for token_ids in ids]

    return encode
