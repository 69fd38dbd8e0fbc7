"""What a meter is."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

from codewren.measure.fields import Fields


@dataclass(frozen=True, slots=True)
class MeterSheet:
    """What a reader must know of a meter.

    Attributes:
        label: `measured by …` or `modelled: …`; stands beside every figure.
        measured: whether a counter in the hardware was read.
        includes_idle: whether its joules hold what the machine takes anyway, which then must be subtracted.
        whole_machine: whether other processes' work is in its joules.
        factor: a modelled figure may be wrong by this factor either way (our estimate, not a bound); 1 if measured.
        passed_over: better meters, and why each was not used.
    """

    label: str
    measured: bool
    includes_idle: bool
    whole_machine: bool
    factor: float = 1.0
    passed_over: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        return cls(
            label=raw.text("label"),
            measured=raw.flag("measured"),
            includes_idle=raw.flag("includes_idle"),
            whole_machine=raw.flag("whole_machine"),
            factor=raw.number("factor"),
            passed_over=raw.texts("passed_over"),
        )


class Meter(Protocol):
    """Gives the joules between a start and a stop; intervals of one meter never overlap."""

    @property
    def sheet(self) -> MeterSheet:
        """What kind of joules."""

    def start(self) -> None:
        """Begin an interval."""

    def stop(self) -> float:
        """End it; joules since its start."""


class MeterAbsentError(Exception):
    """A meter this machine does not offer; the text says why, and stands in the report."""
