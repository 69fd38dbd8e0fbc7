"""The model card in Markdown: inside a bundle, and of a run beside the page of `codewren report --card`."""

import re
from collections.abc import Iterator, Sequence

from codewren.bundle.tensors import parameter_count
from codewren.core.markup import visible
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DecisionSection
from codewren.core.student_config import StudentConfig
from codewren.measure.quality import Quality
from codewren.report.facts import ModelFacts, Role, RunFacts, Table
from codewren.report.page import described
from codewren.report.table import markdown
from codewren.report.verdict import verdict

SHOWN = ("accuracy", "precision", "recall", "f1", "mcc", "auc", "ece", "brier", "agreement")


def model_card(facts: RunFacts) -> str:
    """What the model is for, how good, how fast, how faithful, where it comes from, and what nobody measured."""
    blocks = [
        f"# {plain(facts.task.name)}: {plain(facts.student.name)}",
        plain(described(facts)),
        *_listed("## In short", verdict(facts) if facts.student.size_bytes else ()),
        f"## Quality ({plain(facts.student.how)})",
        _quality(facts),
        *(_table(table) for table in facts.tables),
        *_listed("## Mind", facts.warnings),
        *_listed("## Not measured", [f"{name}: {how}" for name, how in facts.missing.items()]),
        "## Limits and intended use",
        _limits(facts),
        "## Provenance",
        markdown([["what", "value"], *([plain(name), plain(value)] for name, value in facts.provenance)]),
    ]
    if facts.commands:
        blocks += ["Made again by:", _code(facts.commands)]
    return "\n\n".join(_compact(blocks)) + "\n"


def bundle_card(recipe: Recipe, config: StudentConfig, quality: Quality) -> str:
    """The card of a student as it is exported: what is known before anything but its quality is measured."""
    how = f"on the valid split, n = {quality.n:,}"
    measures = {measure.name: measure for measure in quality.measures}
    student = ModelFacts("student", Role.OURS, how, measures, majority=quality.majority)
    origin = [
        ("parameters", f"{parameter_count(config, recipe.task):,}"),
        ("distilled from", f"the logits of a {recipe.teacher.kind} teacher"),
        ("on the splits", ", ".join(recipe.distil.train_on)),
        *([("licence of the data", recipe.data.license)] if recipe.data.license else []),
    ]
    facts = RunFacts(
        recipe.task.name,
        recipe.task,
        config,
        (student,),
        limit=config.max_sequence_length,
        warnings=tuple(_reservations(recipe.decision)),
        provenance=tuple(origin),
    )
    return model_card(facts)


def _reservations(decision: DecisionSection) -> Iterator[str]:
    yield "The epoch was chosen on this split, so these figures are slightly optimistic."
    if decision != DecisionSection():
        yield "Temperature and threshold were fitted on it as well; figures that depend on them are out of fold."
    if decision.alert_budget is not None:
        yield f"Scans alert above a threshold that at most {decision.alert_budget:.3g} of a background exceeds."


def seeds_section(table: str, *, joules: Sequence[float], meter: str) -> str:
    """What a seed study adds to the card of the student that ships: all seeds, and what training took.

    Args:
        table: Markdown, one line a seed, then mean and standard deviation.
        joules: of distillation, one a seed; may be empty.
        meter: what they were measured or modelled by.
    """
    energy = ""
    if joules:
        energy = f"\nDistillation took {sum(joules) / len(joules):,.0f} J a seed ({meter}).\n"
    return f"\n## Seeds\nThe same recipe with other seeds.\n\n{table}\n{energy}"


def plain(text: object) -> str:
    r"""Text that Markdown shows as it is, on one line.

    >>> plain("a|b <i>\n[x](y)")
    'a\\|b &lt;i&gt; \\[x\\](y)'
    """
    line = " ".join(visible(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)


def _compact(blocks: Sequence[str]) -> list[str]:
    """List items belong together: one blank line less between them."""
    joined: list[str] = []
    for block in blocks:
        if block.startswith("- ") and joined and joined[-1].rsplit("\n", 1)[-1].startswith("- "):
            joined[-1] += f"\n{block}"
        else:
            joined.append(block)
    return joined


def _quality(facts: RunFacts) -> str:
    models = [model for model in facts.models if model.measures or model.size_bytes]
    if not models:
        return "Nothing of it is measured yet."
    lines = [["figure, 95 % interval", *(plain(model.name) for model in models)]]
    lines += [[name, *(_figure(model, name) for model in models)] for name in SHOWN]
    lines.append(["bytes", *(f"{model.size_bytes:,}" if model.size_bytes else "-" for model in models)])
    lines.append(["ms an item", *(f"{1e3 * m.latency_s.value:.3f}" if m.latency_s else "-" for m in models)])
    lines.append(["J per 1,000", *(f"{m.energy.energy_j.value:.3g}" if m.energy else "-" for m in models)])
    return markdown([line for line in lines if any(cell != "-" for cell in line[1:])])


def _figure(model: ModelFacts, name: str) -> str:
    return str(model.measures[name]).replace("[", "\\[").replace("]", "\\]") if name in model.measures else "-"


def _table(table: Table) -> str:
    lines = [[plain(cell) for cell in line] for line in (table.header, *table.rows)]
    note = f"\n\n{plain(table.note)}" if table.note else ""
    return f"### {plain(table.title)}\n\n{markdown(lines)}{note}"


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"- {plain(line)}" for line in lines)] if lines else []


def _limits(facts: RunFacts) -> str:
    limit = f"At most {facts.limit:,} tokens of a function are read. " if facts.limit else ""
    return (
        f"{limit}Figures hold for code like the data it was judged on; on other projects expect less. A finding is a "
        "hint for a reader, not a proof."
    )


def _code(lines: tuple[str, ...]) -> str:
    return "\n".join(f"    {' '.join(visible(line).split())}" for line in lines)
