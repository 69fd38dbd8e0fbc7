"""Texts as a Hugging Face tokenizer numbers them, in padded batches of similar length.

Tensors carry shape suffixes: B distinct functions, T tokens, R items, K functions per item, C labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.core.recipe_sections import WhiteSpace
from codewren.dataflow.graph import Mode
from codewren.train.batches import EncodedSplit, function_batches
from codewren.train.teachers.code_graphs import build_graphs, special_ids
from codewren.train.teachers.graph_inputs import GraphInput, graph_tensors
from codewren.train.teachers.headed_encoder import FunctionBatch, ItemClassifier

Floats = NDArray[np.float32]
EVALUATION_TOKENS = 8_192
TEXTS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class TeacherSplit(EncodedSplit):
    """One split as a teacher reads it; with data flow a function's ids end in a slot for each node.

    Attributes:
        inputs: the input of each distinct function, where the teacher reads data flow.
        types: which text each id is of, where the teacher reads pairs together and knows types.
    """

    inputs: list[GraphInput] | None = None
    types: list[NDArray[np.int32]] | None = None


def encode_texts(
    tokenizer: Any, texts: Sequence[str], *, max_length: int, whitespace: WhiteSpace = "collapsed"
) -> list[NDArray[np.int32]]:
    """Token ids of each text, as it stands or with white space collapsed, cut to `max_length`, special tokens kept."""
    ids: list[NDArray[np.int32]] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        some = texts[start : start + TEXTS_AT_ONCE]
        plain = list(some) if whitespace == "raw" else [collapse_whitespace(text) for text in some]
        encoded = tokenizer(plain, truncation=True, max_length=max_length, return_attention_mask=False)
        ids += [np.asarray(token_ids, dtype=np.int32) for token_ids in encoded["input_ids"]]
    return ids


def encode_for_teacher(
    tokenizer: Any,
    dataset: Dataset,
    *,
    max_length: int,
    whitespace: WhiteSpace = "collapsed",
    data_flow: Mode | None = None,
    quiet: bool = True,
) -> TeacherSplit:
    """Tokenise each distinct function once, and build its data-flow graph if `data_flow` names how.

    A graph is made of the code's tokens, so with data flow `whitespace` does not enter.

    Raises:
        TeacherError: data flow of a task whose language is not known, or a tokenizer that cannot give it.
    """
    graphs = None
    if data_flow is None:
        functions = encode_texts(tokenizer, dataset.functions, max_length=max_length, whitespace=whitespace)
    else:
        graphs = build_graphs(tokenizer, dataset, max_length=max_length, mode=data_flow, quiet=quiet)
        functions = [graph.ids(special_ids(tokenizer)) for graph in graphs]
    return TeacherSplit(
        functions=functions,
        items=np.asarray(dataset.items, dtype=np.int64).reshape(len(dataset), dataset.task.functions_per_item),
        logits=None,
        labels=np.asarray([-1 if label is None else label for label in dataset.labels], dtype=np.int64),
        inputs=graphs,
    )


def encode_pairs(tokenizer: Any, dataset: Dataset, *, max_length: int, whitespace: WhiteSpace = "raw") -> TeacherSplit:
    """Tokenise each distinct pair as one text, which stands where functions do; the longer function is cut first."""
    shown = [text if whitespace == "raw" else collapse_whitespace(text) for text in dataset.functions]
    pairs = list(dict.fromkeys(dataset.items))
    ids: list[NDArray[np.int32]] = []
    types: list[NDArray[np.int32]] = []
    for start in range(0, len(pairs), TEXTS_AT_ONCE):
        left, right = zip(*pairs[start : start + TEXTS_AT_ONCE], strict=True)
        texts = ([shown[index] for index in side] for side in (left, right))
        encoded = tokenizer(*texts, truncation=True, max_length=max_length, return_attention_mask=False)
        ids += [np.asarray(row, dtype=np.int32) for row in encoded["input_ids"]]
        types += [np.asarray(row, dtype=np.int32) for row in encoded.get("token_type_ids", ())]
    row_of = {pair: row for row, pair in enumerate(pairs)}
    return TeacherSplit(
        functions=ids,
        items=np.asarray([[row_of[item]] for item in dataset.items], dtype=np.int64).reshape(len(dataset), 1),
        logits=None,
        labels=np.asarray([-1 if label is None else label for label in dataset.labels], dtype=np.int64),
        types=types or None,
    )


def pad(split: TeacherSplit, part: NDArray[np.int64], *, pad_id: int, left: bool = False) -> FunctionBatch:
    """Some functions as long as the longest of them, the padding after them or on the `left`."""
    graphs = None if split.inputs is None else [split.inputs[i] for i in part]
    code = [split.functions[i] for i in part] if graphs is None else [graph.code_C for graph in graphs]
    positions_BT, sees_BTT = (None, None) if graphs is None else graph_tensors(graphs)
    length = 0 if positions_BT is None else positions_BT.shape[1]
    ids_BT = _stacked([split.functions[i] for i in part], pad_id=pad_id, length=length)
    lengths_B = torch.tensor([len(ids) for ids in code])
    mask_BT = (torch.arange(ids_BT.shape[1]) < lengths_B[:, None]).long()
    types_BT = None if split.types is None else _stacked([split.types[i] for i in part], pad_id=0)
    if left:
        turn_BT = (torch.arange(ids_BT.shape[1]) + lengths_B[:, None]) % ids_BT.shape[1]
        ids_BT, mask_BT = ids_BT.gather(1, turn_BT), mask_BT.gather(1, turn_BT)
        types_BT = None if types_BT is None else types_BT.gather(1, turn_BT)
    return FunctionBatch(ids_BT, mask_BT, positions_BT, sees_BTT, types_BT)


def _stacked(functions: Sequence[NDArray[np.int32]], *, pad_id: int, length: int = 0) -> Tensor:
    """Ids (B, T), T the longest of them or `length`."""
    longest = max(length, *(len(ids) for ids in functions))
    ids_BT = torch.full((len(functions), longest), pad_id)
    for row, ids in enumerate(functions):
        ids_BT[row, : len(ids)] = torch.from_numpy(ids.astype(np.int64))
    return ids_BT


def padded_batch(split: TeacherSplit, indices: NDArray[np.int64], *, pad_id: int) -> tuple[FunctionBatch, Tensor]:
    """Functions, and items (R, K) as rows of them; a function that several items share is encoded once."""
    used, local = np.unique(split.items[indices], return_inverse=True)
    return pad(split, used, pad_id=pad_id), torch.from_numpy(local.reshape(len(indices), -1))


def teacher_parts(split: EncodedSplit, *, tokens: int = EVALUATION_TOKENS) -> list[NDArray[np.int64]]:
    """Indices of functions, similar lengths together, about `tokens` tokens a part; the order is always the same."""
    return [indices for indices in function_batches(split, tokens=tokens) if len(indices)]


def function_vectors(
    network: ItemClassifier,
    split: TeacherSplit,
    part: NDArray[np.int64],
    *,
    pad_id: int,
    bf16: bool = False,
) -> Floats:
    """Vectors (B, W) of one part's functions, float32, without gradients."""
    device = next(network.parameters()).device
    functions = pad(split, part, pad_id=pad_id, left=network.pads_left).to(device)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        vectors: Floats = network.encode(functions).float().cpu().numpy()
    return vectors


def item_logits(network: ItemClassifier, split: TeacherSplit, vectors_FW: Floats) -> Floats:
    """Logits (n, C) of all items from the vectors of all functions."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits = network.classify(torch.from_numpy(vectors_FW).to(device), torch.from_numpy(split.items).to(device))
        out: Floats = logits.float().cpu().numpy()
    return out


def teacher_logits(network: ItemClassifier, split: TeacherSplit, *, pad_id: int, bf16: bool = False) -> Floats:
    """Logits (n, C), float32, of every item; each distinct function is encoded once."""
    network.eval()
    vectors_FW = np.empty((len(split.functions), network.width), dtype=np.float32)
    for indices in teacher_parts(split):
        vectors_FW[indices] = function_vectors(network, split, indices, pad_id=pad_id, bf16=bf16)
    return item_logits(network, split, vectors_FW)
