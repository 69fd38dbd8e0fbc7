"""Where each tensor of a bundle lies in `weights.bin`: shared by the writer, the reader and the size formula."""

from dataclasses import dataclass
from math import prod
from typing import Any

from codewren.bundle.tensors import tensor_shapes
from codewren.core.student_config import Storage, StudentConfig
from codewren.core.task import Task

ALIGNMENT = 16
ITEM_BYTES = {Storage.INT8: 1, Storage.FP16: 2, Storage.FP32: 4}
SCALE_BYTES = 2


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One row of the tensor table.

    Attributes:
        name: as `tensor_shapes` names it.
        dtype: number format of this tensor (vectors of an int8 student are fp16).
        shape: (out, in) or (size,).
        offset: first byte, from the start of `weights.bin`.
        scale_offset: first byte of the fp16 scales, one a row, int8 only.
    """

    name: str
    dtype: Storage
    shape: tuple[int, ...]
    offset: int
    scale_offset: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the numbers, without the scales."""
        return prod(self.shape) * ITEM_BYTES[self.dtype]

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Half-open byte ranges this tensor occupies: its numbers, and its scales where it has some."""
        numbers = (self.offset, self.offset + self.size_bytes)
        if self.scale_offset is None:
            return (numbers,)
        return (numbers, (self.scale_offset, self.scale_offset + SCALE_BYTES * self.shape[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        row = {
            "name": self.name,
            "dtype": str(self.dtype),
            "shape": list(self.shape),
            "offset": self.offset,
            "nbytes": self.size_bytes,
        }
        return row if self.scale_offset is None else {**row, "scale_offset": self.scale_offset}


def tensor_layout(config: StudentConfig, task: Task) -> tuple[TensorEntry, ...]:
    """Place all tensors back to back in file order, each start aligned.

    >>> from codewren.core.task import VULNERABILITY
    >>> [place.offset for place in tensor_layout(StudentConfig(), VULNERABILITY)[:2]]
    [0, 98000]
    """
    places, end = [], 0
    for name, shape in tensor_shapes(config, task).items():
        quantised = config.storage is Storage.INT8 and len(shape) == 2
        dtype = Storage.FP16 if config.storage is Storage.INT8 and not quantised else config.storage
        offset = aligned(end)
        end = offset + prod(shape) * ITEM_BYTES[dtype]
        scale_offset = None
        if quantised:
            scale_offset = aligned(end)
            end = scale_offset + SCALE_BYTES * shape[0]
        places.append(TensorEntry(name, dtype, shape, offset, scale_offset))
    return tuple(places)


def aligned(offset: int) -> int:
    """Smallest multiple of the alignment that is not below `offset`."""
    return -(-offset // ALIGNMENT) * ALIGNMENT
