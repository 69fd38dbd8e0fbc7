"""A hint as an ONNX file: what follows the reading of features, which other runtimes leave to `known_features`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codewren.bundle.hint import LONG, MEASURES, REVIEW, HintBundle
from codewren.bundle.similarity import GENERAL
from codewren.core.errors import MissingExtraError
from codewren.core.files import write_bytes

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET = 18
MOST_COUNTED = 64
"""Of one feature in a function: the runtime counts no further."""

OUTPUTS = {GENERAL: "suspicion", REVIEW: "review_first"}
"""Names of the outputs of these calibrations; others have the calibration's own."""


def hint_to_onnx(bundle: HintBundle, path: str | os.PathLike[str]) -> int:
    """Write `path`; the size of the file in bytes.

    Inputs are of one function, as `HintPredictor.known_features` gives them: `entries` and `counts` (int64, one each a
    distinct known feature, in any order) and `measures` (int64, 9). Outputs are a probability for every calibration,
    `suspicion` and `review_first` among them (float32, 1), and `kinds` (float32, one a kind) where there are some.

    Raises:
        MissingExtraError: the `onnx` extra is missing.
        InputError: the file cannot be written.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("onnx", "onnx") from None
    graph = _Graph()
    _add_sums(graph, bundle)
    outputs = [_add_calibration(graph, bundle, name) for name in bundle.calibrations]
    outputs += [_add_kinds(graph, bundle)] if bundle.config.kinds else []
    model = onnx.helper.make_model(
        graph.finished(outputs),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="codewren",
    )
    onnx.helper.set_model_props(model, {"kinds": ",".join(bundle.config.kinds), "bundle": bundle.sha256})
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    write_bytes(Path(path), content)
    return len(content)


class _Graph:
    """Nodes and constants by the names of their values."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, operator: str, inputs: list[str], name: str, **options: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name, **options))
        return name

    def finished(self, outputs: list[tuple[str, int]]) -> Any:
        from onnx import TensorProto, helper

        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name, shape in (("entries", ["features"]), ("counts", ["features"]), ("measures", [len(MEASURES)]))
        ]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name, size in outputs]
        return helper.make_graph(self.nodes, "hint", inputs, made, self.constants)


def _add_sums(graph: _Graph, bundle: HintBundle) -> None:
    """`scores` of the heads and `covariates`, from damped counts over the root of their squares."""
    damped = [0] + [round(16 * (1 + float(np.log(count)))) for count in range(1, MOST_COUNTED + 1)]
    graph.constant("damped_counts", damped)
    graph.constant("least_count", 0, np.int64)
    graph.constant("most_counted", MOST_COUNTED, np.int64)
    graph.constant("first_axis", [0], np.int64)
    graph.add("Clip", ["counts", "least_count", "most_counted"], "counted")
    graph.add("Gather", ["damped_counts", "counted"], "amounts")
    graph.add("ReduceSumSquare", ["amounts", "first_axis"], "squares", keepdims=1)
    graph.constant("least_square", 1.0)
    graph.add("Max", ["squares", "least_square"], "some_squares")
    graph.add("Sqrt", ["some_squares"], "root")
    graph.add("Div", ["amounts", "root"], "shares")
    graph.constant("rows", _table(bundle, "rows"), np.int8)
    _add_weighted(graph, "rows", "entries", "shares", "sums")
    graph.constant("steps", list(bundle.config.heads.values()))
    graph.add("Mul", ["sums", "steps"], "scores")
    graph.add("Cast", ["measures"], "counted_measures", to=1)
    graph.constant("one", 1.0)
    graph.add("Add", ["counted_measures", "one"], "above_measures")
    graph.add("Log", ["above_measures"], "logarithms")
    graph.constant("tokens_place", [0], np.int64)
    graph.add("Gather", ["logarithms", "tokens_place"], "tokens")
    graph.constant("long", LONG)
    graph.add("Sub", ["tokens", "long"], "beyond")
    graph.add("Relu", ["beyond"], "longer")
    graph.add("Sqrt", ["counted_measures"], "roots")
    graph.add("Concat", ["logarithms", "longer", "roots"], "covariates", axis=0)


def _add_weighted(graph: _Graph, table: str, places: str, shares: str, name: str) -> None:
    """The sum of rows of a table, each times its share."""
    graph.add("Gather", [table, places], f"{name}_rows", axis=0)
    graph.add("Cast", [f"{name}_rows"], f"{name}_values", to=1)
    graph.add("MatMul", [shares, f"{name}_values"], name)


def _add_calibration(graph: _Graph, bundle: HintBundle, name: str) -> tuple[str, int]:
    """The probability of a calibration, and how many numbers it is."""
    calibration, output = bundle.calibrations[name], OUTPUTS.get(name, name)
    slopes = [calibration.heads.get(head, 0.0) for head in bundle.config.heads]
    graph.constant(f"{output}_slopes", np.array(slopes)[:, None])
    graph.constant(f"{output}_counts", np.array(calibration.counts)[:, None])
    graph.constant(f"{output}_offset", calibration.offset)
    graph.add("MatMul", ["scores", f"{output}_slopes"], f"{output}_text")
    graph.add("MatMul", ["covariates", f"{output}_counts"], f"{output}_line")
    graph.add("Sum", [f"{output}_text", f"{output}_line", f"{output}_offset"], f"{output}_odds")
    return graph.add("Sigmoid", [f"{output}_odds"], output), 1


def _add_kinds(graph: _Graph, bundle: HintBundle) -> tuple[str, int]:
    """Probabilities of the kinds; entries behind those with weights for them count nothing."""
    config = bundle.config
    rows = np.vstack([_table(bundle, "kind_rows"), np.zeros((1, len(config.kinds)), np.int8)])
    graph.constant("kind_rows", rows, np.int8)
    graph.constant("kind_entries", config.kind_entries, np.int64)
    graph.add("Min", ["entries", "kind_entries"], "kind_places")
    _add_weighted(graph, "kind_rows", "kind_places", "shares", "kind_sums")
    graph.constant("kind_scale", config.kind_scale)
    graph.constant("kind_priors", list(config.kinds.values()))
    graph.add("Mul", ["kind_sums", "kind_scale"], "kind_scores")
    graph.add("Add", ["kind_scores", "kind_priors"], "kind_odds")
    return graph.add("Softmax", ["kind_odds"], "kinds", axis=0), len(config.kinds)


def _table(bundle: HintBundle, name: str) -> NDArray[np.int8]:
    entry = next(entry for entry in bundle.tensors if entry.name == name)
    return np.frombuffer(bundle.weights[entry.offset : entry.end], np.int8).reshape(entry.shape)
