#!/bin/sh
# torch 2.13.0: `torch.onnx.export` writes the exporting machine's paths and source lines into the ONNX file.
# Guess: an ONNX file holds operators, shapes and weights; what the model's Python looked like stays at home.
# Seen: every node carries `pkg.torch.onnx.stack_trace` with absolute paths and the text of the lines that made it, also
#   with `verbose=False`, and a model of 60 bytes of weights has an empty `.onnx.data` beside it that the file never names.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 > log 2>&1 || { cat log; exit 2; }
cat > secret_plans.py <<'PY'
import torch


class Student(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x):
        return torch.relu(self.head(x))  # our customer's idea
PY
cat > export.py <<'PY'
import os

import onnx
import torch
from secret_plans import Student

print("torch", torch.__version__)
torch.onnx.export(Student().eval(), (torch.zeros(2, 4),), "student.onnx", verbose=False)
content = open("student.onnx", "rb").read()
print("path of the source in the file:", os.getcwd().encode() in content)
print("its comment in the file:", b"our customer's idea" in content)
model = onnx.load("student.onnx")
outside = [weight.name for weight in model.graph.initializer if weight.external_data]
print("weights outside:", outside, "bytes of student.onnx.data:", os.path.getsize("student.onnx.data"))
PY
env/bin/python export.py 2>/dev/null | tee seen
grep -q "^path of the source in the file: True" seen
grep -q "^its comment in the file: True" seen
grep -q "^weights outside: \[\] bytes of student.onnx.data: 0" seen
echo "as written above"
