"""The model card of a run in Markdown: what `codewren report --card` writes beside the page."""

import re

from codewren.report.draw.markup import visible
from codewren.report.facts import ModelFacts, RunFacts, Table
from codewren.report.page import described
from codewren.report.table import markdown
from codewren.report.verdict import verdict

SHOWN = ("accuracy", "precision", "recall", "f1", "mcc", "auc", "ece", "brier", "agreement")


def run_card(facts: RunFacts) -> str:
    """What the model is for, how good, how fast, how faithful, where it comes from, and what nobody measured."""
    parts = [
        f"# {plain(facts.task.name)}: {plain(facts.student.name)}",
        plain(described(facts)),
        "## In short",
        *(f"- {plain(line)}" for line in verdict(facts)),
        f"## Quality ({plain(facts.student.how)})",
        _quality(facts),
        *(_table(one) for one in facts.tables),
        *_listed("## Mind", facts.warnings),
        *_listed("## Not measured", [f"{name}: {how}" for name, how in facts.missing.items()]),
        "## Intended use and limits",
        _limits(facts),
        "## Provenance",
        markdown([["what", "value"], *([plain(name), plain(value)] for name, value in facts.provenance)]),
    ]
    if facts.commands:
        parts += ["Made again by:", _code(facts.commands)]
    return "\n\n".join(_compact(parts)) + "\n"


def plain(text: object) -> str:
    r"""Text that Markdown shows as it is, on one line.

    >>> plain("a|b <i>\n[x](y)")
    'a\\|b &lt;i&gt; \\[x\\](y)'
    """
    line = " ".join(visible(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", line)


def _compact(parts: list[str]) -> list[str]:
    """List items belong together: one blank line less between them."""
    joined: list[str] = []
    for part in parts:
        if part.startswith("- ") and joined and joined[-1].rsplit("\n", 1)[-1].startswith("- "):
            joined[-1] += f"\n{part}"
        else:
            joined.append(part)
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


def _table(given: Table) -> str:
    lines = [[plain(cell) for cell in line] for line in (given.header, *given.rows)]
    note = f"\n\n{plain(given.note)}" if given.note else ""
    return f"### {plain(given.title)}\n\n{markdown(lines)}{note}"


def _listed(title: str, lines: tuple[str, ...] | list[str]) -> list[str]:
    return [title, *(f"- {plain(line)}" for line in lines)] if lines else []


def _limits(facts: RunFacts) -> str:
    limit = f"At most {facts.limit:,} tokens of a function are read. " if facts.limit else ""
    return (
        f"{limit}Figures hold for code like the data it was judged on; on other projects expect less. A finding is a "
        "hint for a reader, not a proof."
    )


def _code(lines: tuple[str, ...]) -> str:
    return "\n".join(f"    {' '.join(visible(line).split())}" for line in lines)
