"""Data flow of a data set's functions: parsed once and kept, then read with any tokenizer.

Letters: F functions, N tokens of a batch back to back, B functions of a batch, M nodes of a batch back to back,
P (node, token it may see) pairs, E (node, node it gets its value from) pairs.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codewren.bundle.tokenizer_spec import TokenizerSpec
from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.progress import Bar
from codewren.core.task import Task
from codewren.predict.graph_ids import FlowNode, GraphIds, flow_of, lay_out, token_ids
from codewren.predict.tokenizer import Tokenizer

Ints = NDArray[np.int32]
_VERSION = 1  # raise it when the same functions would give other graphs
_REPORT_EVERY = 50


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes of one encoded function.

    Attributes:
        spans: (n, 2) half-open ranges of its ids that a node's code token became.
        edges: (e, 2) node, and node it gets its value from.
    """

    spans: Ints
    edges: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Nodes of a batch, as `Student.encode` takes them.

    Attributes:
        counts_B: nodes of each function.
        seen_P: packed ids that a node may see, node after node.
        starts_M: where each node's part of `seen_P` begins.
        edges_E2: node, and node it gets its value from, counted through the batch.
    """

    counts_B: Tensor
    seen_P: Tensor
    starts_M: Tensor
    edges_E2: Tensor

    def to(self, device: torch.device) -> "Nodes":
        """The nodes on another device."""
        return Nodes(*(getattr(self, spec.name).to(device) for spec in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Code tokens and graphs of F functions, before any tokenizer.

    Attributes:
        texts: distinct code tokens.
        tokens: of all functions, as indices into `texts`; `token_counts` (F,) of them belong to each.
        nodes: code token of each node, counted inside its function; `node_counts` (F,).
        edges: (., 2) node and source, counted inside their function; `edge_counts` (F,).
    """

    texts: list[str]
    tokens: Ints
    token_counts: Ints
    nodes: Ints
    node_counts: Ints
    edges: Ints
    edge_counts: Ints

    @classmethod
    def of(cls, functions: Sequence[str], language: str, *, quiet: bool = True) -> Self:
        """Parse every function.

        Raises:
            InputError: no data flow for this language.
        """
        number_of: dict[str, int] = {}
        tokens: list[int] = []
        nodes: list[int] = []
        edges: list[tuple[int, int]] = []
        counts = np.zeros((len(functions), 3), dtype=np.int32)
        with Bar("data flow", len(functions), quiet=quiet) as bar:
            for index, source in enumerate(functions):
                texts, flow_nodes = flow_of(source, language)
                pairs = [(number, origin) for number, (_, sources) in enumerate(flow_nodes) for origin in sources]
                tokens += [number_of.setdefault(text, len(number_of)) for text in texts]
                nodes += [token for token, _ in flow_nodes]
                edges += pairs
                counts[index] = len(texts), len(flow_nodes), len(pairs)
                if index % _REPORT_EVERY == 0:
                    bar.advance(min(_REPORT_EVERY, len(functions) - index))
        numbers = [np.asarray(column, dtype=np.int32) for column in (tokens, nodes)]
        pairs_E2 = np.asarray(edges, dtype=np.int32).reshape(-1, 2)
        return cls(list(number_of), numbers[0], counts[:, 0], numbers[1], counts[:, 1], pairs_E2, counts[:, 2])

    @classmethod
    def cached(cls, functions: Sequence[str], task: Task, *, cache: Path | None, quiet: bool = True) -> Self:
        """`of`, kept in a folder by the hash of the functions.

        Raises:
            InputError: the task has no language, or one without data flow.
        """
        if task.language is None:
            raise InputError(
                f"max_data_flow needs the language of the functions, and task {task.name!r} names none; "
                "add for example: [task] language = 'c'"
            )
        digest = hashlib.sha256(repr((_VERSION, task.language, len(functions))).encode())
        for text in functions:
            digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        path = cache / f"flows-{digest.hexdigest()[:16]}.npz" if cache else None
        if path and path.exists():
            return cls._read(path)
        flows = cls.of(functions, task.language, quiet=quiet)
        if path:
            flows._write(path)
        return flows

    def encoded(self, spec: TokenizerSpec, *, max_length: int, max_nodes: int) -> tuple[list[Ints], list[Graph]]:
        """Ids and nodes of every function under a tokenizer; each distinct code token is tokenised once."""
        pieces = token_ids(Tokenizer(spec), self.texts, max_length)
        ids, graphs = [], []
        for tokens, nodes in self._functions():
            graph = lay_out(
                [pieces[token] for token in tokens],
                nodes,
                max_length=max_length,
                max_nodes=max_nodes,
                framed=spec.add_special_tokens,
            )
            ids.append(np.asarray(graph.ids, dtype=np.int32))
            graphs.append(as_graph(graph))
        return ids, graphs

    def _functions(self) -> Iterator[tuple[list[int], list[FlowNode]]]:
        token = node = edge = 0
        for token_count, node_count, edge_count in zip(
            self.token_counts.tolist(), self.node_counts.tolist(), self.edge_counts.tolist(), strict=True
        ):
            sources: list[list[int]] = [[] for _ in range(node_count)]
            for target, source in self.edges[edge : edge + edge_count].tolist():
                sources[target].append(source)
            own = self.nodes[node : node + node_count].tolist()
            yield self.tokens[token : token + token_count].tolist(), list(zip(own, sources, strict=True))
            token, node, edge = token + token_count, node + node_count, edge + edge_count

    def _write(self, path: Path) -> None:
        arrays = {spec.name: getattr(self, spec.name) for spec in fields(self) if spec.name != "texts"}
        texts = np.frombuffer(json.dumps(self.texts).encode(), dtype=np.uint8)
        stream = io.BytesIO()
        np.savez_compressed(stream, texts=texts, **arrays)
        write_bytes(path, stream.getvalue())

    @classmethod
    def _read(cls, path: Path) -> Self:
        with np.load(path) as archive:
            texts = json.loads(archive["texts"].tobytes())
            return cls(texts, *(archive[spec.name] for spec in fields(cls) if spec.name != "texts"))


def as_graph(graph: GraphIds) -> Graph:
    """The nodes of one function as arrays."""
    pairs = (np.asarray(numbers, dtype=np.int32).reshape(-1, 2) for numbers in (graph.spans, graph.edges))
    return Graph(*pairs)


def batch_nodes(graphs: Sequence[Graph], lengths: Sequence[int]) -> Nodes:
    """Collate the nodes of the functions of a batch, whose code has these lengths."""
    counts = np.array([len(graph.spans) for graph in graphs])
    first_token, first_node = (np.cumsum([0, *sizes[:-1]]) for sizes in (lengths, counts))
    spans = np.concatenate([graph.spans + start for graph, start in zip(graphs, first_token, strict=True)])
    edges = np.concatenate([graph.edges + start for graph, start in zip(graphs, first_node, strict=True)])
    sizes = spans[:, 1] - spans[:, 0]
    starts = np.cumsum(sizes) - sizes
    seen = np.arange(int(sizes.sum())) + np.repeat(spans[:, 0] - starts, sizes)
    return Nodes(*(torch.from_numpy(np.asarray(column, dtype=np.int64)) for column in (counts, seen, starts, edges)))
