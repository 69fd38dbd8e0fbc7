"""Many points of a search space at once, as columns of domain indices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from codewren.core.student_config import StudentConfig
from codewren.search.space.space import FIELDS, Domain, SearchSpace

Codes = NDArray[Any]
Selection = NDArray[Any] | slice


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """A table of configurations.

    Attributes:
        space: where the points lie.
        codes: for each varied field the index of its value in the field's domain, shape (n,); a field without a
            column has the first value of its domain.
    """

    space: SearchSpace
    codes: Mapping[str, Codes]

    def __len__(self) -> int:
        return next((len(column) for column in self.codes.values()), 1)

    def values(self, field: str) -> NDArray[Any]:
        """Values of a field at every point: numbers, or the strings of a category; shape (n,), or () if it is fixed."""
        domain: NDArray[Any] = np.asarray(self.space.values(field))
        column = self.codes.get(field)
        if column is None:
            return domain[:1].reshape(())
        return domain[column]

    def numbers(self, field: str) -> NDArray[Any]:
        """A whole-number field, or `head_size`, as int64 so that products of several do not overflow."""
        if field == "head_size":
            return np.asarray(self.numbers("hidden_size") // self.numbers("num_attention_heads"))
        return self.values(field).astype(np.int64)

    def choose(self, field: str, amounts: Mapping[Any, Any]) -> NDArray[Any]:
        """At every point the amount that belongs to its value of a field."""
        domain, column = self.space.values(field), self.codes.get(field)
        if column is None:
            return np.asarray(amounts[domain[0]])
        present = {value: np.asarray(amounts[value]) for value in domain}
        chosen = np.zeros(len(self), dtype=np.result_type(*present.values()))
        for code, amount in enumerate(present.values()):
            mask = column == code
            chosen[mask] = amount if amount.ndim == 0 else amount[mask]
        return chosen

    def rounded_up(self, amount: Any, multiple: int) -> Any:
        """The smallest multiple, of a power of two, not below a whole amount; ten times faster than dividing."""
        return (amount + (multiple - 1)) & -multiple

    def take(self, selection: Selection) -> Self:
        """The points at a mask, an index array or a slice."""
        return type(self)(self.space, {field: column[selection] for field, column in self.codes.items()})

    def times(self, field: str) -> Self:
        """Every point with every value of a field that was fixed so far."""
        count = len(self.space.values(field))
        codes = {name: np.repeat(column, count) for name, column in self.codes.items()}
        codes[field] = np.tile(np.arange(count, dtype=code_type(count)), len(self))
        return type(self)(self.space, codes)

    def with_code(self, field: str, code: int) -> Self:
        """All points with one and the same value of a field."""
        return self.with_codes(field, np.full(len(self), code))

    def with_codes(self, field: str, codes: Codes) -> Self:
        """The points with given values of a field, shape (n,)."""
        kind = code_type(len(self.space.values(field)))
        return type(self)(self.space, {**self.codes, field: codes.astype(kind)})

    def config(self, index: int) -> StudentConfig:
        """One point as a configuration."""
        chosen = {field: self.space.values(field)[int(column[index])] for field, column in self.codes.items()}
        fixed = {d.field: d.values[0] for d in self.space.domains if d.field not in chosen}
        return self.space.base.replace(**fixed, **chosen)

    def configs(self) -> list[StudentConfig]:
        """All points as configurations."""
        return [self.config(index) for index in range(len(self))]

    @classmethod
    def of(cls, space: SearchSpace, configs: Sequence[StudentConfig]) -> Self:
        """The table of some configurations of a space."""
        codes = {}
        for domain in space.domains or (Domain(FIELDS[0], space.values(FIELDS[0])),):
            code_of = {value: index for index, value in enumerate(domain.values)}
            column = [code_of[getattr(config, domain.field)] for config in configs]
            codes[domain.field] = np.array(column, dtype=code_type(len(domain.values)))
        return cls(space, codes)

    @classmethod
    def joined(cls, tables: Sequence[Self]) -> Self:
        """Tables of one space, with the same columns, on top of each other."""
        fields = tables[0].codes
        return cls(tables[0].space, {name: np.concatenate([table.codes[name] for table in tables]) for name in fields})


def code_type(count: int) -> type[np.unsignedinteger[Any]]:
    """Smallest integer type for `count` indices: tables of millions of points stay small."""
    return np.uint8 if count <= 256 else np.uint16 if count <= 65536 else np.uint32


def divisible(points: Points) -> NDArray[np.bool_]:
    """Whether the heads divide the hidden size, at every point."""
    remainder = points.numbers("hidden_size") % points.numbers("num_attention_heads")
    return np.broadcast_to(remainder == 0, (len(points),))
