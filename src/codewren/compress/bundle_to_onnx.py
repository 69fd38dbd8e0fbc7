"""A bundle as an ONNX file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from codewren.bundle.layout import TensorEntry
from codewren.bundle.read import Bundle
from codewren.core.errors import InputError
from codewren.core.files import write_bytes
from codewren.core.student_config import Storage
from codewren.core.task import Unit
from codewren.export.onnx import write_onnx
from codewren.export.tokenizer_json import tokenizer_config_json, tokenizer_json
from codewren.train.onnx_form import SingleItem
from codewren.train.student import Student

DTYPES = {Storage.INT8: "<i1", Storage.FP16: "<f2", Storage.FP32: "<f4"}


def bundle_student(bundle: Bundle) -> Student:
    """The student of a bundle as a torch module, with exactly the numbers that the runtime computes with."""
    student = Student(bundle.config, bundle.task, seed=0)
    student.load_state_dict({entry.name: torch.from_numpy(_values(bundle, entry)) for entry in bundle.tensors})
    return student.eval()


def bundle_to_onnx(bundle: Bundle, path: Path) -> int:
    """Write `path`, and `tokenizer.json` and `tokenizer_config.json` beside it; the size of the ONNX file in bytes.

    Inputs are the ids of that tokenizer: `ids`, or `left` and `right` for a pair.

    Raises:
        MissingExtraError: the `onnx` extra is missing.
        InputError: the student reads data flow, which other runtimes cannot make.
    """
    if bundle.config.max_data_flow:
        raise InputError(
            f"{bundle.path}: the student reads data flow, and other runtimes have no parser to make it; "
            "export a student with max_data_flow = 0"
        )
    inputs = ["left", "right"] if bundle.task.unit is Unit.PAIR else ["ids"]
    example = tuple(torch.arange(6 + index) % bundle.config.vocab_size for index in range(len(inputs)))
    longest = bundle.config.max_sequence_length
    size = write_onnx(path, SingleItem(bundle_student(bundle)), example, inputs=inputs, longest=longest)
    write_bytes(path.with_name("tokenizer.json"), tokenizer_json(bundle.tokenizer, longest))
    write_bytes(path.with_name("tokenizer_config.json"), tokenizer_config_json(longest))
    return size


def _values(bundle: Bundle, place: TensorEntry) -> NDArray[np.float32]:
    (start, end), *scales = place.ranges
    raw = np.frombuffer(bundle.weights[start:end], dtype=DTYPES[place.dtype]).reshape(place.shape)
    values = raw.astype(np.float32)
    if scales:
        rows = np.frombuffer(bundle.weights[scales[0][0] : scales[0][1]], dtype="<f2").astype(np.float32)
        values *= rows[:, None]
    return values
