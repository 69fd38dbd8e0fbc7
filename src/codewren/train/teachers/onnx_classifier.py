"""Classifiers that were exported to ONNX, run by onnxruntime.

Tensors carry shape suffixes: B distinct functions, T tokens, R items, K functions per item, C labels.
"""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codewren.core.errors import MissingExtraError, TeacherError
from codewren.train.teachers.headed_encoder import FunctionBatch, ItemClassifier
from codewren.train.teachers.pretrained import WEIGHTS, first_line

DYNAMIC = b"DynamicQuantizeLinear"
"""An operator that scales by the largest number of the whole batch, so that a text's logits depend on the others'."""
KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def onnx_file(path: str) -> Path | None:
    """The ONNX file that a path means: itself, or the only one of a folder without other weights.

    Raises:
        TeacherError: a folder of several.
    """
    given = Path(path)
    if given.suffix == ".onnx":
        return given
    if not given.is_dir() or any(any(given.glob(pattern)) for pattern in WEIGHTS):
        return None
    found = sorted(given.glob("**/*.onnx"))
    if len(found) > 1:
        raise TeacherError(f"{given}: holds {', '.join(file.name for file in found[:4])}; name one of them")
    return found[0] if found else None


class OnnxClassifier(ItemClassifier):
    """An exported sequence classifier; a function's vector is its logits already."""

    def __init__(self, file: Path, config: Any) -> None:
        """Open the file; `config` is that of the model it was exported from.

        Raises:
            MissingExtraError: onnxruntime is not installed.
            TeacherError: it cannot be opened, or reads or answers something else than token ids and logits.
        """
        super().__init__()
        self.session = _session(file)
        self.inputs = tuple(one.name for one in self.session.get_inputs())
        strange = [name for name in self.inputs if name not in KNOWN_INPUTS]
        if strange or "input_ids" not in self.inputs:
            raise TeacherError(f"{file}: reads {', '.join(self.inputs)}; wanted: some of {', '.join(KNOWN_INPUTS)}")
        outputs = [one.name for one in self.session.get_outputs()]
        if "logits" not in outputs and len(outputs) != 1:
            raise TeacherError(f"{file}: answers {', '.join(outputs)}; wanted: logits")
        self.output = "logits" if "logits" in outputs else outputs[0]
        content = file.read_bytes()
        self.one_by_one = DYNAMIC in content
        self.width, self.pads_left = int(config.num_labels), config.model_type == "xlnet"
        digest = hashlib.sha256(content)
        for beside in sorted(file.parent.glob(f"{file.name}[_.]*")):  # weights of more than 2 GB lie beside the file
            digest.update(beside.read_bytes())
        # What a teacher's hash is made of, and where its tensors are.
        self.register_buffer("sha256", torch.tensor(list(digest.digest()), dtype=torch.uint8))
        self.nothing = nn.Parameter(torch.zeros(0))

    def encode(self, functions: FunctionBatch) -> Tensor:
        """Logits (B, C)."""
        if not self.one_by_one:
            return self._logits(functions.ids_BT, functions.mask_BT, functions.types_BT)
        rows = []
        for row, length in enumerate(functions.mask_BT.sum(1).tolist()):
            kept = functions.mask_BT[row].bool()
            types = None if functions.types_BT is None else functions.types_BT[row, kept][None]
            rows.append(self._logits(functions.ids_BT[row, kept][None], torch.ones(1, length).long(), types))
        return torch.cat(rows)

    def classify(self, vectors_BW: Tensor, items_RK: Tensor) -> Tensor:
        """Logits (R, C)."""
        return vectors_BW[items_RK[:, 0]]

    def _logits(self, ids_BT: Tensor, mask_BT: Tensor, types_BT: Tensor | None) -> Tensor:
        types_BT = torch.zeros_like(ids_BT) if types_BT is None else types_BT
        given = dict(zip(KNOWN_INPUTS, (ids_BT, mask_BT, types_BT), strict=True))
        feed = {name: given[name].cpu().numpy() for name in self.inputs}
        (logits,) = self.session.run([self.output], feed)
        if logits.shape != (len(ids_BT), self.width):
            raise TeacherError(
                f"the ONNX model answers {tuple(logits.shape)}, its config.json says {self.width} labels a text; "
                "export a sequence classifier"
            )
        return torch.from_numpy(logits).float()


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime, which runs ONNX teachers,", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises a type of its own for each way to fail
        raise TeacherError(f"{file}: no ONNX model that can be run ({first_line(error)}); export it again") from error
