"""The papers' table: effectiveness, size, latency, GFLOPs, energy and CO2 of every model, ours and theirs."""

from collections.abc import Sequence

from codewren.report.facts import ModelFacts, Role
from codewren.report.markup import Markup, element
from codewren.report.parts import NOTHING, Cell, band, body, figure_cell, number_cell, row, table
from codewren.report.published_figures import CLAIMS, PublishedRow, published_rows

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
    "CO₂e, g per 1,000",
)


def papers_table(models: Sequence[ModelFacts], dataset: str) -> Markup:
    """Measured models first; published figures below, in a body of their own, and said to be so."""
    measured = [band(f"measured here, {how}", len(HEADER)) for how in dict.fromkeys(m.how for m in models)]
    rows = []
    for how, head in zip(dict.fromkeys(m.how for m in models), measured, strict=True):
        rows += [head, *(_measured(model) for model in models if model.how == how)]
    published = published_rows(dataset)
    bodies = [body(rows)]
    if published:
        title = f"published, {dataset} test set: other items and other machines, not comparable line by line"
        bodies.append(body([band(title, len(HEADER)), *(_published(one) for one in published)], kind="published"))
    return element(
        "div",
        None,
        table("Effectiveness, size, speed and energy", HEADER, *bodies),
        _notes(models, dataset if published else ""),
    )


def _measured(model: ModelFacts) -> Markup:
    measures = model.measures
    cells: list[Cell] = [figure_cell(measures.get(name)) for name in ("accuracy", "f1", "mcc", "auc")]
    cells.append(number_cell(model.size_bytes, digits=3, factor=1e-6))
    cells.append(figure_cell(model.latency_s, digits=3, factor=1e3))
    cells += [number_cell(one, digits=4, factor=1e-9) for one in (model.flops, model.papers_flops)]
    energy = model.energy
    cells += [figure_cell(one, digits=3) for one in ((energy.energy_j, energy.co2e_g) if energy else (None, None))]
    name = element("span", None, model.name, element("small", None, str(model.role)) if _says(model) else None)
    return row(name, cells, kind="ours" if model.role is Role.OURS else None)


def _says(model: ModelFacts) -> bool:
    return str(model.role).lower() not in model.name.lower()


def _published(one: PublishedRow) -> Markup:
    percent = None if one.accuracy is None else one.accuracy / 100
    f1 = None if one.f1 is None else one.f1 / 100
    cells = [number_cell(value, digits=digits) for value, digits in ((percent, 4), (f1, 3), (one.mcc, 3), (one.auc, 3))]
    cells += [number_cell(one.size_mb, digits=2), number_cell(one.latency_ms, digits=0), NOTHING]
    cells += [number_cell(one.gflops, digits=3), NOTHING, NOTHING]
    return row(element("span", None, one.model, element("small", None, one.source)), cells)


def _notes(models: Sequence[ModelFacts], dataset: str) -> Markup:
    meters = dict.fromkeys(model.energy.meter for model in models if model.energy)
    lines = ["Brackets are 95 % intervals. MB = 10⁶ bytes of everything that ships; 1 multiply-add = 2 FLOPs."]
    lines += [f"Energy {meter}." for meter in meters]
    lines += [f"{m.name}: {name} undefined, {why}." for m in models for name, why in m.undefined.items()]
    if dataset:
        claims = "; ".join(f"{who}: {what}" for who, what in CLAIMS)
        lines.append(
            f"Claimed in the papers' abstracts: {claims}. Neither paper's repository measures energy or CO₂, so those "
            "cells stay empty."
        )
    return element("div", {"class": "note"}, [element("p", None, line) for line in lines])
