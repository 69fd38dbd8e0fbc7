"""Grams of CO2 equivalent: joules times the intensity of a country's electricity, or of the user's own contract."""

import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from codewren.core.errors import InputError, MissingExtraError
from codewren.measure.fields import Fields

J_A_KWH = 3.6e6


@dataclass(frozen=True, slots=True)
class Grid:
    """Where electricity comes from.

    Attributes:
        g_per_kwh: grams of CO2 equivalent a kilowatt hour.
        country: ISO 3166-1 alpha-3 code, None for a figure given by the user.
        name: of the country.
        year: of the figure.
        source: who says so.
    """

    g_per_kwh: float
    country: str | None
    name: str
    year: int | None
    source: str

    def grams(self, joules: float) -> float:
        """CO2 equivalent of some joules.

        >>> Grid(360.0, None, "", None, "").grams(3.6e6)
        360.0
        """
        return joules / J_A_KWH * self.g_per_kwh

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Fields) -> Self:
        """Read the JSON form.

        Raises:
            InputError: a field is missing or of another kind.
        """
        country, year = raw.maybe(raw.text, "country"), raw.maybe(raw.count, "year")
        return cls(raw.number("g_per_kwh"), country, raw.text("name"), year, raw.text("source"))

    def __str__(self) -> str:
        when = f", {self.year}" if self.year else ""
        return f"{self.g_per_kwh:,.0f} g CO2e/kWh ({self.name}{when}; {self.source})"


def grid(country: str | None = None, g_per_kwh: float | None = None, *, table: Path | None = None) -> Grid | None:
    """The grid that the user named; None if none was.

    A country without a figure is an error: no world average is ever put in its place.

    Args:
        country: ISO 3166-1 alpha-3 code.
        g_per_kwh: the user's own figure; takes the country's place.
        table: codecarbon's `global_energy_mix.json`, looked up in the installed package by default.

    Raises:
        InputError: no such country, or a figure below 0.
        MissingExtraError: a country was named and codecarbon, which has the table, is not installed.
    """
    if g_per_kwh is not None:
        if not 0 <= g_per_kwh < 10_000:
            raise InputError(f"grid {g_per_kwh} g CO2e/kWh; wanted 0 to 10,000 (coal has about 1,000)")
        return Grid(g_per_kwh, country, "given by the user", None, "given by the user")
    if country is None:
        return None
    mix, source = _mix(table)
    row = mix.get(country)
    if row is None:
        raise InputError(f"country {country!r} is no ISO 3166-1 alpha-3 code of the table; {_hint(country, mix)}")
    return Grid(float(row["carbon_intensity"]), country, row["country_name"], int(row["year"]), source)


def _mix(table: Path | None) -> tuple[dict[str, dict[str, Any]], str]:
    """Countries with a figure, by code."""
    source = "the table given"
    if table is None:
        spec = find_spec("codecarbon")
        if spec is None or spec.origin is None:
            raise MissingExtraError("codecarbon, which has the table of countries (or use --grid G_PER_KWH),", "energy")
        table = Path(spec.origin).parent / "data/private_infra/global_energy_mix.json"
        source = f"codecarbon {_version('codecarbon')}'s table, from Our World in Data"
    try:
        raw = json.loads(table.read_text(encoding="utf-8"))
        return {code: row for code, row in raw.items() if row.get("carbon_intensity") is not None}, source
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"{table}: not the table of countries that was expected ({error}); use --grid G_PER_KWH"
        ) from None


def _hint(country: str, mix: dict[str, dict[str, Any]]) -> str:
    """The code of that name, of that name's beginning, in other letters, or the nearest code."""
    country_name = country.strip().lower()
    for code, row in mix.items():
        name = str(row["country_name"]).lower()
        if country_name in (code.lower(), name) or (len(country_name) > 3 and name.startswith(country_name)):
            return f"did you mean {code!r} ({row['country_name']})?"
    close = get_close_matches(country.strip().upper(), mix, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r} ({mix[close[0]]['country_name']})?"
    return f"{len(mix)} codes are known, such as {', '.join(list(mix)[:3])}; or give --grid G_PER_KWH"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
