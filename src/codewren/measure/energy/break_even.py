"""After how many predictions a student has saved what finding and training it took."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from codewren.measure.energy.repeat import EnergyFigure
from codewren.measure.fields import Fields


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Predictions until the student has paid for itself.

    Attributes:
        predictions: None where it never does, or where the saving is below the noise.
        low: with the largest saving of the intervals.
        high: with the smallest, None if that is nothing.
        note: what the reader must know.
    """

    predictions: float | None
    low: float | None
    high: float | None
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        predictions, low, high = (raw.maybe(raw.number, name) for name in ("predictions", "low", "high"))
        return cls(predictions, low, high, raw.text("note"))


def break_even(spent_j: float, teacher: EnergyFigure, student: EnergyFigure) -> BreakEven:
    """Joules of search and training over the joules that each prediction saves.

    Under one model for both the watts cancel: what is left is a ratio of processor seconds.
    """
    saving_j = teacher.joules.value - student.joules.value
    least_j = teacher.joules.low - student.joules.high
    most_j = teacher.joules.high - student.joules.low
    if most_j <= 0:
        return BreakEven(None, None, None, "never: a prediction of the student takes more than the teacher's")
    if saving_j <= 0 or not teacher.above_noise:
        return BreakEven(None, spent_j / most_j, None, "the saving is below the noise; measure longer")
    note = "search and training against energy saved a prediction"
    return BreakEven(spent_j / saving_j, spent_j / most_j, spent_j / least_j if least_j > 0 else None, note)
