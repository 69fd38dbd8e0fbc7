"""The papers' table: effectiveness, size, latency, GFLOPs, energy and CO2 of every model, ours and theirs."""

import re
from collections.abc import Sequence
from html import unescape

from codewren.core.markup import Markup, element
from codewren.report.facts import UNJUDGED, ModelFacts, Role
from codewren.report.parts import NOTHING, Cell, band, body, figure_cell, number_cell, row, table
from codewren.report.published_figures import CLAIMS, PublishedRow, published_rows
from codewren.report.table import narrow, paragraph

HEADER = (
    "model",
    "accuracy",
    "F1",
    "MCC",
    "AUC",
    "size, MB",
    "latency, ms",
    "GFLOPs",
    "GFLOPs, papers' formula",
    "energy, J per 1,000",
    "CO₂e, mg per 1,000",
)

UNMEASURED = "Neither paper's repository measures energy or CO₂, so those cells stay empty."


def papers_table(models: Sequence[ModelFacts], dataset: str) -> Markup:
    """Measured models first; published figures below, in a body of their own, and said to be so."""
    rows = []
    for how in dict.fromkeys(model.how for model in models):
        rows.append(band(how if how == UNJUDGED else f"measured here, {how}", len(HEADER)))
        rows += [_measured(model) for model in models if model.how == how]
    bodies, published = [body(rows)], published_rows(dataset)
    sources = list(dict.fromkeys(published_row.source for published_row in published))
    if published:
        title = f"published, {dataset} test set: other items and other machines, not comparable line by line"
        lines = [_published(published_row, 1 + sources.index(published_row.source)) for published_row in published]
        bodies.append(body([band(title, len(HEADER)), *lines], kind="published"))
    notes = _notes(models, sources)
    return element("div", None, table("Effectiveness, size, speed and energy", HEADER, *bodies), notes)


def papers_markdown(models: Sequence[ModelFacts], dataset: str) -> str:
    """The same as Markdown: tables of what was measured here, and one of what others published."""
    lines = [list(HEADER), *([_named(model), *(_told_apart(cell) for cell in _cells(model))] for model in models)]
    blocks = [_judged(models), narrow(lines)]
    published = published_rows(dataset)
    if published:
        head = ["published", "accuracy", "size, MB", "latency, ms", "GFLOPs, papers' formula", "source"]
        rows = [
            [
                published_row.model,
                _told_apart(number_cell(published_row.accuracy, digits=2)),
                *(_told_apart(number_cell(v)) for v in _costs(published_row)),
            ]
            for published_row in published
        ]
        sources = [published_row.source for published_row in published]
        blocks += [f"Published, {dataset} test set, accuracy in percent:"]
        blocks.append(narrow([head, *([*row, source] for row, source in zip(rows, sources, strict=True))]))
    return "\n\n".join([*blocks, *(paragraph(line) for line in _lines(models))])


def _judged(models: Sequence[ModelFacts]) -> str:
    """On which items which models were judged."""
    names = {how: [model.name for model in models if model.how == how] for how in dict.fromkeys(m.how for m in models)}
    lines = ((", ".join(group), how if how == UNJUDGED else f"judged {how}") for how, group in names.items())
    return "\n".join(paragraph(f"- {group}: {how}", indent="  ") for group, how in lines)


def _named(model: ModelFacts) -> str:
    return f"{model.name} ({model.role})" if _says(model) else model.name


def _costs(published_row: PublishedRow) -> tuple[float | None, ...]:
    return published_row.size_mb, published_row.latency_ms, published_row.gflops


def _told_apart(cell: Cell) -> str:
    """The text of a cell on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split())


def _measured(model: ModelFacts) -> Markup:
    name = element("span", None, model.name, element("small", None, str(model.role)) if _says(model) else None)
    return row(name, _cells(model), kind="ours" if model.role is Role.OURS else None)


def _cells(model: ModelFacts) -> list[Cell]:
    measures = model.measures
    cells: list[Cell] = [figure_cell(measures.get(name), digits=4) for name in ("accuracy", "f1", "mcc", "auc")]
    cells += [number_cell(model.size_bytes, digits=3, factor=1e-6), figure_cell(model.latency_s, factor=1e3)]
    cells += [number_cell(amount, factor=1e-9) for amount in (model.flops, model.papers_flops)]
    energy = model.energy
    cells += [figure_cell(energy.energy_j if energy else None)]
    cells += [figure_cell(energy.co2e_g if energy else None, factor=1e3)]
    return cells


def _says(model: ModelFacts) -> bool:
    return str(model.role).lower() not in model.name.lower()


def _published(published_row: PublishedRow, source: int) -> Markup:
    accuracy, f1 = (None if share is None else share / 100 for share in (published_row.accuracy, published_row.f1))
    cells = [
        number_cell(accuracy, digits=4),
        *(number_cell(value, digits=3) for value in (f1, published_row.mcc, published_row.auc)),
    ]
    cells += [
        number_cell(published_row.size_mb),
        number_cell(published_row.latency_ms),
        NOTHING,
        number_cell(published_row.gflops),
        NOTHING,
        NOTHING,
    ]
    return row(element("span", None, published_row.model, element("sup", None, f" {source}")), cells)


def _lines(models: Sequence[ModelFacts]) -> list[str]:
    """What a reader of the figures must know."""
    lines = ["Brackets are 95 % intervals. MB = 10⁶ bytes of everything that ships; 1 multiply-add = 2 FLOPs."]
    first_lines: dict[float, str] = {}
    for model in models:
        if model.majority is not None:
            first_lines.setdefault(model.majority.value, model.how)
    lines += [
        f"Always answering the commonest label: accuracy {share:.4f} {how}." for share, how in first_lines.items()
    ]
    for session in dict.fromkeys(model.timed_in for model in models if model.latency_s):
        timed = ", ".join(model.name for model in models if model.latency_s and model.timed_in == session)
        lines.append(f"Latency of {timed}: {session or 'session unknown'}.")
    lines += [f"Energy {meter}." for meter in dict.fromkeys(model.energy.meter for model in models if model.energy)]
    lines += [f"{m.name}: {name} undefined, {why}." for m in models for name, why in m.undefined.items()]
    return lines


def _notes(models: Sequence[ModelFacts], sources: Sequence[str]) -> Markup:
    lines = _lines(models)
    if sources:
        lines.append("Published by: " + "; ".join(f"{k} {source}" for k, source in enumerate(sources, start=1)) + ".")
        claims = "; ".join(f"{claimant}: {claim}" for claimant, claim in CLAIMS)
        lines.append(f"Claimed in the papers' abstracts: {claims}. {UNMEASURED}")
    return element("div", {"class": "note"}, [element("p", None, line) for line in lines])
