"""MetaCompress's relations as a table: one line a relation, one column a form of the items."""

from collections.abc import Iterator, Mapping

from codewren.measure.intervals import Measure
from codewren.measure.relations import CONFIDENT, SIMILAR, Relations
from codewren.report.table import markdown

TITLES = {
    "agreement": "output agreement",
    "similarity": f"distribution similarity (at most {SIMILAR} bits apart)",
    "high_confidence": f"high-confidence preservation (from {CONFIDENT})",
    "discrepancies": "discrepancies: any of these three fails",
    "divergence": "Jensen-Shannon divergence, bits",
    "calibration_gap": "calibration alignment: ECE, student minus teacher",
}


def relation_table(relations: Mapping[str, Relations]) -> str:
    """Student against teacher, for people."""
    return markdown(
        [["relation to the teacher", *relations], *([title, *cells] for title, cells in relation_rows(relations))]
    )


def relation_rows(relations: Mapping[str, Relations]) -> Iterator[tuple[str, list[str]]]:
    """Title and cells of every relation that was measured."""
    for name, title in TITLES.items():
        figures: list[Measure | None] = [getattr(column, name) for column in relations.values()]
        if any(figures):
            yield title, ["–" if figure is None else f"{figure}, n = {figure.n:,}" for figure in figures]
