"""Texts as a Hugging Face tokenizer numbers them, in padded batches of similar length.

Tensors carry shape suffixes: B distinct functions, T tokens, R items, K functions per item, C labels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.core.dataset import Dataset, collapse_whitespace
from codewren.train.batches import EncodedSplit, function_batches
from codewren.train.teacher_network import Judge

Floats = NDArray[np.float32]
EVALUATION_TOKENS = 8_192
TEXTS_AT_ONCE = 1_000


def encode_texts(tokenizer: Any, texts: Sequence[str], *, max_length: int) -> list[NDArray[np.int32]]:
    """Token ids of each text, white space collapsed, cut to `max_length` with the special tokens kept."""
    ids: list[NDArray[np.int32]] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        plain = [collapse_whitespace(text) for text in texts[start : start + TEXTS_AT_ONCE]]
        encoded = tokenizer(plain, truncation=True, max_length=max_length, return_attention_mask=False)
        ids += [np.asarray(one, dtype=np.int32) for one in encoded["input_ids"]]
    return ids


def encode_for_teacher(tokenizer: Any, dataset: Dataset, *, max_length: int) -> EncodedSplit:
    """Tokenise each distinct function once."""
    return EncodedSplit(
        encode_texts(tokenizer, dataset.functions, max_length=max_length),
        np.asarray(dataset.items, dtype=np.int64).reshape(len(dataset), dataset.task.functions_per_item),
        None,
        np.asarray([-1 if label is None else label for label in dataset.labels], dtype=np.int64),
    )


def pad(functions: Sequence[NDArray[np.int32]], *, pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (1 = token), both (B, T), T the longest of them."""
    longest = max(len(ids) for ids in functions)
    ids_BT = torch.full((len(functions), longest), pad_id)
    mask_BT = torch.zeros((len(functions), longest), dtype=torch.long)
    for row, ids in enumerate(functions):
        ids_BT[row, : len(ids)] = torch.from_numpy(ids.astype(np.int64))
        mask_BT[row, : len(ids)] = 1
    return ids_BT, mask_BT


def padded_batch(split: EncodedSplit, indices: NDArray[np.int64], *, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask, and items (R, K) as rows of them; a function that several items share is encoded once."""
    used, local = np.unique(split.items[indices], return_inverse=True)
    ids_BT, mask_BT = pad([split.functions[i] for i in used], pad_id=pad_id)
    return ids_BT, mask_BT, torch.from_numpy(local.reshape(len(indices), -1))


def teacher_parts(split: EncodedSplit, *, tokens: int = EVALUATION_TOKENS) -> list[NDArray[np.int64]]:
    """Indices of functions, similar lengths together, about `tokens` tokens a part; the order is always the same."""
    return [part for part in function_batches(split, tokens=tokens) if len(part)]


def function_vectors(
    network: Judge, split: EncodedSplit, part: NDArray[np.int64], *, pad_id: int, bf16: bool = False
) -> Floats:
    """Vectors (B, W) of one part's functions, float32, without gradients."""
    device = next(network.parameters()).device
    ids_BT, mask_BT = pad([split.functions[i] for i in part], pad_id=pad_id)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        vectors: Floats = network.encode(ids_BT.to(device), mask_BT.to(device)).float().cpu().numpy()
    return vectors


def item_logits(network: Judge, split: EncodedSplit, vectors_FW: Floats) -> Floats:
    """Logits (n, C) of all items from the vectors of all functions."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits = network.classify(torch.from_numpy(vectors_FW).to(device), torch.from_numpy(split.items).to(device))
        out: Floats = logits.float().cpu().numpy()
    return out


def teacher_logits(network: Judge, split: EncodedSplit, *, pad_id: int, bf16: bool = False) -> Floats:
    """Logits (n, C), float32, of every item; each distinct function is encoded once."""
    network.eval()
    vectors_FW = np.empty((len(split.functions), network.width), dtype=np.float32)
    for part in teacher_parts(split):
        vectors_FW[part] = function_vectors(network, split, part, pad_id=pad_id, bf16=bf16)
    return item_logits(network, split, vectors_FW)
