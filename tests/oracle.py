"""What a bundle means, computed the slow and obvious way in float64 from the file alone.

Shares no code with codewren: `zipfile`, `json` and NumPy, every query and key of every layer. A function is its ids, or
(ids, spans of the nodes, edges between nodes) where the student reads data flow.
Shape letters: T tokens, H hidden, A heads, D head size.
"""

import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Graph = tuple[Sequence[int], Sequence[tuple[int, int]], Sequence[tuple[int, int]]]
_erf = np.vectorize(math.erf)


class Oracle:
    """The reference forward pass of one bundle."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
            content = archive.read("weights.bin")
        self.config = self.manifest["config"]
        self.tensors = {row["name"]: _tensor(row, content) for row in self.manifest["tensors"]}

    def probabilities(self, *functions: Sequence[int] | Graph) -> Array:
        """Softmax of the logits over the temperature; one list of ids a function of the item."""
        scaled = self.logits(*functions) / self.manifest["decision"]["temperature"]
        powers = np.exp(scaled - scaled.max())
        return np.asarray(powers / powers.sum())

    def logits(self, *functions: Sequence[int] | Graph) -> Array:
        """Logits of one item."""
        vectors = [self.vector(ids) for ids in functions]
        if len(vectors) == 2 and self.config["pair_head"] == "symmetric":
            vectors = [np.abs(vectors[0] - vectors[1]), vectors[0] * vectors[1]]
        hidden = np.tanh(self._linear("head.dense", np.concatenate(vectors)))
        return self._linear("head.out", hidden)

    def vector(self, function: Sequence[int] | Graph) -> Array:
        """First-token vector of one function."""
        ids, spans, edges = function if self.config.get("max_data_flow") else (function, (), ())
        code, length = len(ids), len(ids) + len(spans)
        x_TH = np.zeros((length, self.tensors["embeddings.word"].shape[1]))
        x_TH[:code] = self.tensors["embeddings.word"][list(ids)]
        for node, (start, end) in enumerate(spans):
            x_TH[code + node] = x_TH[start:end].mean(axis=0)
        if self.config.get("embedding_size"):
            x_TH = x_TH @ self.tensors["embeddings.projection"].T
        x_TH = x_TH + self.tensors["embeddings.token_type"]
        if self.config["position_embedding_type"] == "absolute":
            rows = [*range(code), *[self.config["max_sequence_length"]] * len(spans)]
            x_TH = x_TH + self.tensors["embeddings.position"][rows]
        x_TH = self._norm("embeddings.norm", x_TH)
        sees_TT = _sight(code, spans, edges)
        for index in range(self.config["num_hidden_layers"]):
            x_TH = self._layer(index, x_TH, code, sees_TT)
        return x_TH[0]

    def _layer(self, index: int, x_TH: Array, code: int, sees_TT: npt.NDArray[np.bool_]) -> Array:
        name = f"layers.{index}"
        context_TH = self._attention(index, x_TH, code, sees_TT)
        y_TH = self._norm(f"{name}.attention.norm", x_TH + self._linear(f"{name}.attention.output", context_TH))
        inner_TI = _activation(self.config["hidden_act"], self._linear(f"{name}.intermediate", y_TH))
        return self._norm(f"{name}.norm", y_TH + self._linear(f"{name}.output", inner_TI))

    def _attention(self, index: int, x_TH: Array, code: int, sees_TT: npt.NDArray[np.bool_]) -> Array:
        heads, tokens = self.config["num_attention_heads"], len(x_TH)
        query_ATD, key_ATD, value_ATD = (
            self._linear(f"layers.{index}.attention.{part}", x_TH).reshape(tokens, heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        score_ATT = query_ATD @ key_ATD.transpose(0, 2, 1)
        kind = self.config["position_embedding_type"]
        if kind != "absolute":
            distance_TTD = np.zeros((tokens, tokens, query_ATD.shape[-1]))
            distance_TTD[:code, :code] = self._distances(index, code)
            score_ATT = score_ATT + np.einsum("aqd,qkd->aqk", query_ATD, distance_TTD)
            if kind == "relative_key_query":
                score_ATT = score_ATT + np.einsum("akd,qkd->aqk", key_ATD, distance_TTD)
        score_ATT = np.where(sees_TT, score_ATT / math.sqrt(query_ATD.shape[-1]), -np.inf)
        weight_ATT = np.exp(score_ATT - score_ATT.max(-1, keepdims=True))
        weight_ATT /= weight_ATT.sum(-1, keepdims=True)
        return (weight_ATT @ value_ATD).transpose(1, 0, 2).reshape(tokens, -1)

    def _distances(self, index: int, tokens: int) -> Array:
        """E[q, k]; the last layer's table has rows for query 0 only, the other queries are never used."""
        table = self.tensors[f"layers.{index}.attention.distance"]
        query_T, key_T = np.arange(tokens)[:, None], np.arange(tokens)[None, :]
        if index == self.config["num_hidden_layers"] - 1:
            return table[np.broadcast_to(key_T, (tokens, tokens))]
        return table[query_T - key_T + self.config["max_sequence_length"] - 1]

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def _norm(self, name: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return np.asarray(centred / spread * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"])


def _sight(code: int, spans: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    """Who (row) may look at whom: docs/bundle-format.md, "Data flow"."""
    sees_TT = np.zeros((code + len(spans), code + len(spans)), dtype=bool)
    for looks in range(code + len(spans)):
        for seen in range(code + len(spans)):
            if looks < code and seen < code:
                sees_TT[looks, seen] = True
            elif looks < code:
                start, end = spans[seen - code]
                sees_TT[looks, seen] = looks in (0, code - 1) or start <= looks < end
            elif seen < code:
                start, end = spans[looks - code]
                sees_TT[looks, seen] = start <= seen < end
            else:
                sees_TT[looks, seen] = (looks - code, seen - code) in edges
    return sees_TT


def _tensor(row: dict[str, Any], content: bytes) -> Array:
    kind = {"int8": "i1", "fp16": "<f2", "fp32": "<f4"}[row["dtype"]]
    numbers = np.frombuffer(content, kind, math.prod(row["shape"]), row["offset"]).astype(np.float64)
    numbers = numbers.reshape(row["shape"])
    if row["dtype"] == "int8":
        numbers = numbers * np.frombuffer(content, "<f2", row["shape"][0], row["scale_offset"]).astype(float)[:, None]
    return numbers


def _activation(name: str, x: Array) -> Array:
    if name == "relu":
        return np.maximum(x, 0)
    if name == "silu":
        return x / (1 + np.exp(-x))
    if name == "gelu_new":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return np.asarray(0.5 * x * (1 + _erf(x / math.sqrt(2))))
