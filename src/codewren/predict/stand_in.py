"""Stands in for the native encoder until it is built; slow."""

import numpy as np

from codewren.predict.similarity_reference import Block, Encoder


class SimilarityEncoder:
    """What `_native.SimilarityEncoder` will be."""

    target = "reference"

    def __init__(self, weights, tables, roots, target):
        blocks = []
        for entries, rows, width, sketch, unknown, *offsets in tables:
            raw = [
                np.frombuffer(weights, t, n, o)
                for t, n, o in zip(("<u4", "u1", "i1"), (entries, entries, rows * width), offsets)
            ]
            blocks.append(Block.of(raw[0], raw[1], raw[2].reshape(rows, width), sketch_width=sketch, unknown=unknown))
        self.width = sum(len(b.rows[0]) + b.sketch_width for b in blocks)
        self.encoder = Encoder(*blocks, tuple(roots))

    def encode(self, texts, is_python, threads):
        return b"".join(
            self.encoder.vector(t, python=None if p == 2 else bool(p)).tobytes() for t, p in zip(texts, is_python)
        )

    def _rows(self, vectors):
        if len(vectors) % self.width:
            raise ValueError("vectors are not rows of this encoder")
        return np.frombuffer(vectors, np.int8).reshape(-1, self.width).astype(np.int32)

    def products(self, vectors, items):
        rows = self._rows(vectors)
        return np.array([rows[a] @ rows[b] for a, b in zip(items[::2], items[1::2])], np.int32).tobytes()

    def pairs_above(self, vectors, least, limit, threads):
        rows = self._rows(vectors)
        products = rows @ rows.T
        i, j = np.nonzero(np.triu(products >= least, 1))
        if len(i) > limit:
            raise OverflowError
        return np.stack([i, j, products[i, j]], 1).astype(np.int32).tobytes()

    def neighbours(self, queries, vectors, k, threads):
        products = self._rows(queries) @ self._rows(vectors).T
        order = np.argsort(-products, axis=1, kind="stable")[:, :k]
        return np.array([(q, i, products[q, i]) for q, row in enumerate(order) for i in row], np.int32).tobytes()
