#!/bin/sh
# onnxruntime 1.31.1: `quantize_dynamic` transposes a weight that two `Gemm` nodes with transB share twice.
# Guess: quantising to int8 costs a percent or so, and each weight is transposed once, however many nodes read it.
# Seen: no error and no warning; with a square weight the quantised model multiplies by the weight's transpose. The
#   result is as far off as with a wrong weight, even where `nodes_to_quantize` names neither of the two nodes.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check onnxruntime==1.31.1 onnx==1.23.2 > log 2>&1 || { cat log; exit 2; }
cat > shared.py <<'PY'
import logging
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

logging.disable(logging.CRITICAL)
print("onnxruntime", onnxruntime.__version__)
rng = np.random.default_rng(0)
weight, x = rng.normal(size=(8, 8)).astype("f4"), rng.normal(size=(1, 8)).astype("f4")
zeros = np.zeros(8, "f4")


def outputs(nodes, path="q.onnx", **options):
    """What a model of this many Gemm nodes with one weight gives when quantised."""
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], [f"y{i}"], name=f"gemm{i}", transB=1) for i in range(nodes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [1, 8]) for i in range(nodes)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(zeros, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, "m.onnx")
    quantize_dynamic("m.onnx", path, **options)
    return onnxruntime.InferenceSession(path).run(None, {"x": x})


right, turned = x @ weight.T, x @ weight
for nodes in (1, 2):
    y = outputs(nodes)[0]
    print(f"{nodes} nodes: off by {np.abs(y - right).max():.2f}, from the transpose by {np.abs(y - turned).max():.2f}")
y = outputs(2, nodes_to_quantize=["none of them"])[0]
print(f"nothing quantised: off by {np.abs(y - right).max():.2f}, from the transpose by {np.abs(y - turned).max():.2f}")
PY
env/bin/python shared.py 2>/dev/null | tee seen
grep -q "^1 nodes: off by 0.0" seen
grep -q "^2 nodes: off by [1-9].*from the transpose by 0.0" seen
grep -q "^nothing quantised: off by [1-9].*from the transpose by 0.00" seen
echo "as written above"
