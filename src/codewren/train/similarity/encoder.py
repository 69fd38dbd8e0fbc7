"""The encoder while it learns: two tables of rows between two fixed sketches.

Shape key: F functions, D numbers of a vector, W of one of its four parts.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, normalize

from codewren.core.similarity_recipe import EncoderSizes
from codewren.train.similarity.feature_bags import Features, Integers
from codewren.train.similarity.vocabulary import RowBags, Vocabulary, sketches


class SimilarityEncoder(nn.Module):
    """Functions, by number, to vectors of length 1.

    The shares of the four parts are fixed: learned ones lean on the training source (`docs/transfer.md`).
    """

    def __init__(self, sizes: EncoderSizes, features: Features, *, written: int, seed: int) -> None:
        """Rows start as random vectors as long as their feature's inverse document frequency.

        Frequencies are those of the first `written` functions: edited copies would count twice.
        """
        super().__init__()
        tables = ((features.names, sizes.names), (features.structure, sizes.structure))
        generator = torch.Generator().manual_seed(seed)
        self.vocabularies = [Vocabulary.of(bags, table.entries, functions=written) for bags, table in tables]
        self.tables = nn.ParameterList(
            _random_rows(vocabulary, table.rows, table.width, generator)
            for vocabulary, (_, table) in zip(self.vocabularies, tables, strict=True)
        )
        self.row_bags = [
            RowBags.of(bags, vocabulary.hashes[: table.rows])
            for vocabulary, (bags, table) in zip(self.vocabularies, tables, strict=True)
        ]
        self.sketches = [
            torch.from_numpy(sketches(bags, vocabulary, table.sketch_width))
            for vocabulary, (bags, table) in zip(self.vocabularies, tables, strict=True)
        ]
        self.roots = sizes.roots

    def forward(self, functions: Integers, *, dropout: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
        """Vectors (F, D); each feature is left out of the dense parts by the chance `dropout`."""
        names, structure = (self._dense(block, functions, dropout, generator) for block in range(2))
        names_sketch, structure_sketch = (sketch[functions] for sketch in self.sketches)
        parts = (names_sketch, names, structure, structure_sketch)
        return torch.cat([root * part_FW for root, part_FW in zip(self.roots, parts, strict=True)], dim=1)

    def _dense(self, block: int, functions: Integers, dropout: float, generator: torch.Generator | None) -> Tensor:
        """Normalised sums of rows (F, W)."""
        rows, weights, offsets = map(torch.from_numpy, self.row_bags[block].take(functions))
        if dropout:
            weights = weights * (torch.rand(len(weights), generator=generator) > dropout)
        sums_FW = embedding_bag(rows, self.tables[block], offsets, mode="sum", per_sample_weights=weights)
        return normalize(sums_FW, dim=1, eps=1e-6)


def _random_rows(vocabulary: Vocabulary, rows: int, width: int, generator: torch.Generator) -> nn.Parameter:
    lengths = torch.from_numpy(vocabulary.weights[:rows].astype(np.float32) / 16)
    return nn.Parameter(
        torch.randn(len(lengths), width, generator=generator) * lengths[:, None] / math.sqrt(max(1, width))
    )
