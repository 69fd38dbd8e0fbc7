"""Several runs on one page: their models in one table, paired tests between them, seeds summed up, then each run."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from codewren.core.markup import Markup, element, joined
from codewren.measure.intervals import mcnemar
from codewren.report.draw.pareto_plot import pareto_plot
from codewren.report.facts import UNJUDGED, ModelFacts, Role, RunFacts
from codewren.report.page import forests, model_points, page, run_sections
from codewren.report.papers_table import papers_table
from codewren.report.parts import body, number_cell, row, section, table
from codewren.report.verdict import ALPHA, compared

ALL_PAIRS = 5
SEED_FIGURES = ("accuracy", "f1", "mcc", "auc", "ece")


def comparison_page(runs: Sequence[RunFacts], *, title: str = "") -> str:
    """The report of several runs; by default the title says how many."""
    groups = grouped(runs)
    links = [element("a", {"href": f"#group{k}"}, _named(group)) for k, group in enumerate(groups)]
    links += [element("a", {"href": f"#run{k}"}, facts.name) for k, facts in enumerate(runs)]
    together = [section(f"group{k}", _named(group), *_group(group, f"group{k}-")) for k, group in enumerate(groups)]
    apart = [
        section(f"run{k}", f"Run {facts.name}", run_sections(facts, f"run{k}-", level=3))
        for k, facts in enumerate(runs)
    ]
    nav = element("nav", {"aria-label": "Parts of the page"}, links)
    lead = "Only models that were judged on the same items are tested against each other."
    return page(title or f"{len(runs)} runs side by side", lead, nav, together, apart)


def grouped(runs: Sequence[RunFacts]) -> list[list[RunFacts]]:
    """Runs of the same task and data set together, in the order given."""
    groups: dict[tuple[str, str], list[RunFacts]] = {}
    for facts in runs:
        groups.setdefault((facts.task.name, facts.dataset or facts.data_sha256), []).append(facts)
    return list(groups.values())


def _named(group: Sequence[RunFacts]) -> str:
    first = group[0]
    return f"{first.task.name}, {first.dataset}" if first.dataset else first.task.name


def _group(group: Sequence[RunFacts], prefix: str) -> list[Markup]:
    models = merged(group)
    content = [papers_table(models, group[0].dataset)]
    majority = next((facts.majority for facts in group if facts.majority is not None), None)
    content += forests(models, prefix, majority=majority, imbalanced=any(facts.imbalanced for facts in group))
    points = model_points(models, group[0].metric)
    if points:
        floor = majority if group[0].metric == "accuracy" else None
        content.append(pareto_plot(f"{prefix}pareto", points, metric=group[0].metric, majority=floor))
    return [*content, *_tests(group), *_seeds(group)]


def merged(group: Sequence[RunFacts]) -> list[ModelFacts]:
    """Models of all runs; the same teacher or baseline of several runs once, different ones under their runs' names."""
    rows: list[ModelFacts] = []
    own_hashes = {facts.student.sha256 for facts in group if facts.student.measures} - {""}
    for facts in group:
        for model in facts.models:
            if model in rows or (model.how == UNJUDGED and model.sha256 in own_hashes):
                continue
            clash = any(model.name == other.name for other in rows)
            rows.append(replace(model, name=f"{model.name} of {facts.name}") if clash else model)
    return sorted(rows, key=lambda model: list(Role).index(model.role))


def paired_tests(group: Sequence[RunFacts]) -> list[str]:
    """Sentences on the paired tests between the runs' students, corrected for their number (Bonferroni)."""
    answered = [facts for facts in group if facts.labels is not None and facts.student.name in facts.answers]
    pairs = (
        list(combinations(answered, 2)) if len(answered) <= ALL_PAIRS else [(run, answered[0]) for run in answered[1:]]
    )
    pairs = [(a, b) for a, b in pairs if a.data_sha256 == b.data_sha256]
    lines = []
    for a, b in pairs:
        assert a.labels is not None  # judged, above
        result = mcnemar(a.labels, a.answers[a.student.name], b.answers[b.student.name])
        lines.append(compared(a.name, b.name, result, alpha=ALPHA / len(pairs)))
    if len(lines) > 1:
        lines.append(f"With {len(pairs)} tests on the same items, p must be below {ALPHA / len(pairs):.2g}.")
    return lines


def _tests(group: Sequence[RunFacts]) -> list[Markup]:
    lines = [element("p", None, line) for line in paired_tests(group)]
    return [element("h3", None, "Paired tests"), *lines] if lines else []


def _seeds(group: Sequence[RunFacts]) -> list[Markup]:
    """Mean and spread over runs whose recipes differ by the seed only."""
    families: dict[str, list[RunFacts]] = {}
    for facts in group:
        if facts.family:
            families.setdefault(facts.family, []).append(facts)
    header = ("measure", "runs", "mean", "standard deviation", "least", "greatest")
    tables = []
    for members in families.values():
        if len({facts.seed for facts in members}) < 2:
            continue
        caption = (
            f"Seeds {', '.join(str(facts.seed) for facts in members)}: {', '.join(facts.name for facts in members)}"
        )
        rows = [_spread(name, members) for name in SEED_FIGURES]
        tables.append(table(caption, header, body([line for line in rows if line is not None])))
    return [element("h3", None, "Seeds"), joined(tables)] if tables else []


def _spread(name: str, members: Sequence[RunFacts]) -> Markup | None:
    values = [facts.student.measures[name].value for facts in members if name in facts.student.measures]
    if len(values) < 2:
        return None
    figures = (statistics.fmean(values), statistics.stdev(values), min(values), max(values))
    return row(name, [number_cell(len(values), digits=0), *(number_cell(value, digits=4) for value in figures)])
