"""ONNX files for other runtimes: onnxruntime, OpenVINO, Node, browsers."""

import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from codewren.core.errors import MissingExtraError
from codewren.core.files import write_bytes

OPSET = 18
_TURNED = ".transposed"


def write_onnx(
    path: Path, module: nn.Module, example: tuple[Tensor, ...], *, inputs: Sequence[str], longest: int
) -> int:
    """Export a module whose inputs are token ids (T,) of any length from 2 to `longest`; output `logits` (1, C).

    What the exporter adds for its own debugging (543 kB on a 3 MB student) is stripped. Returns the bytes written.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
        InputError: the file cannot be written.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - the exporter needs it and says so less clearly
    except ImportError:
        raise MissingExtraError("onnx", "onnx") from None
    length = torch.export.Dim("tokens", min=2, max=longest)
    lengths = [
        length if index == 0 else torch.export.Dim(f"tokens_{index}", min=2, max=longest)
        for index in range(len(example))
    ]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates its own internals
        file = Path(folder) / "student.onnx"
        torch.onnx.export(
            module.eval(),
            example,
            file,
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes=tuple({0: length} for length in lengths),
            verbose=False,
        )
        model = onnx.load(file)
    _lay_out_weights(model)
    _strip(model)
    onnx.checker.check_model(model)
    stream = io.BytesIO()
    onnx.save(model, stream)
    write_bytes(path, stream.getvalue())
    return len(stream.getvalue())


def _lay_out_weights(model: "onnx.ModelProto") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Store the weights of `Gemm` as (in, out), so that no node has to transpose them.

    onnxruntime's `quantize_dynamic` turns `transB` into a transposed weight once a node, in place: a weight that both
    functions of a pair share is transposed twice, and a square one is silently wrong (56 % of the labels agreed).
    """
    from onnx import numpy_helper

    graph = model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    for node in graph.node:
        turned = next((option for option in node.attribute if option.name == "transB" and option.i), None)
        if node.op_type != "Gemm" or turned is None or node.input[1] not in weights:
            continue
        name = node.input[1] + _TURNED
        if name not in weights:
            weights[name] = numpy_helper.from_array(numpy_helper.to_array(weights[node.input[1]]).T.copy(), name)
        node.input[1] = name
        node.attribute.remove(turned)
    _keep_used(graph, weights)


def _keep_used(graph: "onnx.GraphProto", weights: "dict[str, onnx.TensorProto]") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Leave the weights in a graph that some node reads."""
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(weight for name, weight in weights.items() if name in used)


def _strip(model: "onnx.ModelProto") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Remove names, shapes and stack traces that no runtime needs."""
    del model.graph.value_info[:]
    for holder in (model, model.graph, *model.graph.node, *model.functions):
        holder.doc_string = ""
        del holder.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
