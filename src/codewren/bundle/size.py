"""Bytes of the bundle a configuration will become, before it is trained: what a search budgets with."""

from math import log2

from codewren.bundle.layout import tensor_layout
from codewren.bundle.similarity import SimilarityConfig, similarity_layout
from codewren.core.student_config import StudentConfig, TokenizerKind
from codewren.core.task import Task

ARCHIVE_BYTES = 512  # headers and directory of the zip file
FIXED_MANIFEST_BYTES = 1_400
MANIFEST_BYTES_A_LAYER = 180
TEXT_BYTES = 4_096  # what model card, scores and provenance may take, deflated

# Deflated bytes of tokenizer.json per entry: at a vocabulary of 1,000, and more for each doubling. Upper envelope of
# tokenizers trained on 6,000 Devign and 6,000 BigCloneBench functions, vocabularies of 1,000 to 30,000.
_BYTES_PER_ENTRY = {
    TokenizerKind.BPE: (3.0, 0.2),
    TokenizerKind.WORDPIECE: (2.95, 0.3),
    TokenizerKind.UNIGRAM: (13.0, 0.0),
    TokenizerKind.WORD: (4.1, 0.22),
}


def weights_size_bytes(config: StudentConfig, task: Task) -> int:
    """Exact bytes of `weights.bin`.

    Layers are alike but for the last one's distance table, so one and two layers give the rest.

    >>> from codewren.core.task import VULNERABILITY
    >>> weights_size_bytes(StudentConfig(num_hidden_layers=12), VULNERABILITY)
    772740
    """
    one = _end(config.replace(num_hidden_layers=1), task)
    if config.num_hidden_layers == 1:
        return one
    layer = _end(config.replace(num_hidden_layers=2), task) - one
    return one + (config.num_hidden_layers - 1) * layer


def tokenizer_size_bytes(kind: TokenizerKind, vocab_size: int) -> int:
    """Upper estimate of the deflated tokenizer, from tokenizers trained on C and Java."""
    base, growth = _BYTES_PER_ENTRY[kind]
    return 400 + round(vocab_size * (base + growth * log2(max(vocab_size, 1000) / 1000)))


def bundle_size_bytes(config: StudentConfig, task: Task, tokenizer_bytes: int | None = None) -> int:
    """Upper bound of the whole file: exact weights, tokenizer, allowances for manifest, card and archive.

    `tokenizer_bytes` is the deflated size of the trained tokenizer where it is known, else it is estimated.

    >>> from codewren.core.task import VULNERABILITY
    >>> bundle_size_bytes(StudentConfig(vocab_size=10_000, hidden_size=192, num_attention_heads=4), VULNERABILITY)
    2277684
    """
    if tokenizer_bytes is None:
        tokenizer_bytes = tokenizer_size_bytes(config.tokenizer, config.vocab_size)
    manifest = FIXED_MANIFEST_BYTES + MANIFEST_BYTES_A_LAYER * config.num_hidden_layers
    return weights_size_bytes(config, task) + tokenizer_bytes + manifest + TEXT_BYTES + ARCHIVE_BYTES


def similarity_size_bytes(config: SimilarityConfig) -> int:
    """Upper bound of the whole file of a similarity encoder: exact tables, allowances for manifest, card and archive.

    >>> from codewren.bundle.similarity import FeatureTable
    >>> names, structure = FeatureTable(8_000, 3_500, 96, 256, 160), FeatureTable(12_000, 5_500, 96, 128, 140)
    >>> similarity_size_bytes(SimilarityConfig(names, structure, (0.4, 0.6, 0.6, 0.3)))
    970008
    """
    return similarity_layout(config)[-1].end + FIXED_MANIFEST_BYTES + TEXT_BYTES + ARCHIVE_BYTES


def _end(config: StudentConfig, task: Task) -> int:
    return max(end for place in tensor_layout(config, task) for _, end in place.ranges)
