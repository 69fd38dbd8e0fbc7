"""The native core, built from `native/`."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from typing_extensions import Buffer

_Array: TypeAlias = Any  # of numpy, which the light half does without

class DamagedError(ValueError):
    """Weights that are out of bounds, misshapen, NaN or infinite."""

class Tokenizer:
    def __new__(
        cls,
        *,
        kind: str,
        vocab: Sequence[str],
        merges: Sequence[int],
        scores: Sequence[float],
        lowercase: bool,
        nfkd: bool,
        strip_accents: bool,
        add_prefix_space: bool,
        add_special_tokens: bool,
    ) -> Tokenizer: ...
    def encode(self, code: str, max_length: int) -> list[int]: ...
    def encode_batch(self, codes: list[str], max_length: int) -> list[list[int]]: ...
    def encode_normalized(self, text: str, max_length: int) -> list[int]: ...
    def encode_lines(self, code: str, max_length: int) -> tuple[list[int], list[int], int, int]: ...
    def normalize(self, code: str) -> str: ...

class Model:
    def __init__(
        self,
        weights: Buffer,
        tensors: Mapping[str, tuple[str, int, int, int, int]],
        *,
        vocab_size: int,
        hidden_size: int,
        intermediate_size: int,
        num_attention_heads: int,
        num_hidden_layers: int,
        max_sequence_length: int,
        hidden_act: str,
        position_embedding_type: str,
        labels: int,
        pair: bool,
        symmetric: bool,
        target: str = "",
        embedding_size: int = 0,
        max_data_flow: int = 0,
    ) -> None: ...
    def encode(self, texts: list[str], tokenizer: Tokenizer, threads: int) -> bytes: ...
    def encode_ids(self, functions: Sequence[Sequence[int]], threads: int) -> bytes: ...
    def encode_graphs(
        self,
        functions: Sequence[tuple[Sequence[int], Sequence[tuple[int, int]], Sequence[tuple[int, int]]]],
        threads: int,
    ) -> bytes: ...
    def without_lines(
        self, texts: list[str], tokenizer: Tokenizer, threads: int
    ) -> list[tuple[int, int, list[int], bytes]]: ...
    def logits(self, vectors: bytes, items: Sequence[int]) -> bytes: ...
    def pairs_above(
        self, vectors: bytes, threshold: float, temperature: float, positive: int, limit: int, threads: int
    ) -> list[tuple[int, int, float]]: ...
    @property
    def target(self) -> str: ...

class Lexer:
    def __init__(
        self,
        *,
        keywords: Sequence[str],
        types: Sequence[str],
        operators: Sequence[str],
        indented: bool,
        single_quoted: bool,
        text_blocks: bool,
        angles: bool,
    ) -> None: ...
    def tokens(self, source: bytes, marks: Buffer) -> list[bytes]: ...
    def texts_and_shapes(
        self, source: bytes, spans: Sequence[tuple[int, int]], marks: Buffer
    ) -> list[tuple[bytes, bytes]]: ...
    def nesting_depth(self, source: bytes) -> int: ...

class SimilarityEncoder:
    def __init__(
        self, weights: Buffer, tables: Sequence[Sequence[int]], roots: Sequence[float], target: str = ""
    ) -> None: ...
    def encode(self, texts: list[str], is_python: bytes, threads: int) -> bytes: ...
    def products(self, vectors: memoryview, items: Sequence[int]) -> bytes: ...
    def pairs_above(self, vectors: memoryview, least: int, limit: int, threads: int) -> bytes: ...
    def neighbours(
        self, queries: memoryview, vectors: memoryview, wanted: memoryview, k: int, least: int, threads: int
    ) -> bytes: ...
    @property
    def target(self) -> str: ...

class WordBags:
    def __init__(self, words: Buffer, ends: Sequence[int]) -> None: ...
    def __len__(self) -> int: ...
    def overlapping(self, least: float, fewest: int, limit: int) -> bytes: ...
    def overlaps(self, pairs: Sequence[int]) -> bytes: ...
    def commonest(self, least: float, fewest: int) -> bytes: ...

class TrainingBatch:
    def __init__(
        self,
        word: _Array,
        position: _Array,
        gain: _Array,
        shift: _Array,
        ids: _Array,
        lengths: _Array,
        *,
        heads: int,
        hidden_dropout: float,
        weight_dropout: float,
        seed: int,
        threads: int,
        target: str = "",
    ) -> None: ...
    def first_rows(self, rows: _Array) -> None: ...
    def attend(self, query_key: _Array, extra: _Array, weights: _Array, sums: _Array, mix: _Array) -> None: ...
    def attend_backward(
        self,
        query_key: _Array,
        extra: _Array,
        weights: _Array,
        sums: _Array,
        mix: _Array,
        query_keys: _Array,
        extras: _Array,
        word: _Array,
        position: _Array,
        gain: _Array,
        shift: _Array,
    ) -> None: ...
    def first_rows_backward(
        self, rows: _Array, word: _Array, position: _Array, gain: _Array, shift: _Array
    ) -> None: ...

class HintModel:
    def __init__(self, weights: Buffer, settings: Sequence[int]) -> None: ...
    def sums(self, texts: list[str], threads: int) -> bytes: ...
    def lines(self, texts: list[str], factors: Sequence[float], threads: int) -> list[list[float]]: ...

class HintLines:
    def __init__(self, numbers: Sequence[int]) -> None: ...
    def scores(self, texts: list[str], threads: int) -> list[list[int | None]]: ...

def hint_line_measures(texts: list[str]) -> tuple[bytes, bytes, bytes]: ...
def hint_features(texts: list[str]) -> tuple[bytes, bytes, bytes, bytes]: ...
def hint_facts(texts: list[str]) -> list[list[tuple[int, str, str, str, bool]]]: ...
def hint_evidence(texts: list[str]) -> list[list[tuple[int, str, str, str, bool]]]: ...
def targets() -> list[str]: ...
def similarity_targets() -> list[str]: ...
