"""One page that needs nothing but itself: no script, no request; for the screen, by day and night, and for paper."""

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files

from codewren.core.markup import Markup, element, joined
from codewren.measure.estimate import Measure
from codewren.report.draw.forest_plot import forest_plot
from codewren.report.draw.latency_plot import latency_plot
from codewren.report.draw.length_plot import length_plot
from codewren.report.draw.pareto_plot import Group, Point, pareto_plot
from codewren.report.draw.reliability import reliability_plot
from codewren.report.draw.svg import byte_text, plot_style, second_text, spelt
from codewren.report.draw.training_plot import training_plot
from codewren.report.facts import ModelFacts, Role, RunFacts
from codewren.report.papers_table import papers_table
from codewren.report.parts import missing, pairs, section, text_table
from codewren.report.verdict import ratio_of, times_faster, verdict

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
GROUPS = {Role.TEACHER: Group.TEACHER, Role.OURS: Group.STUDENT}


def page(title: str, lead: str, *content: object) -> str:
    """A whole document around its sections."""
    style = Markup(plot_style() + files("codewren.report").joinpath("page.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("title", None, title),
        element("style", None, style),
    )
    header = element("header", None, element("h1", None, title), element("p", {"class": "lead"}, lead))
    body = element("body", None, header, element("main", None, *content))
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, head, body)}\n"


def run_page(facts: RunFacts) -> str:
    """The report of one run."""
    title = f"{facts.task.name}: {facts.student.name}"
    return page(title, described(facts), contents(facts, ""), run_sections(facts, ""))


def described(facts: RunFacts) -> str:
    """What the model is, in one line."""
    unit = "pairs of functions" if facts.task.functions_per_item == 2 else "single functions"
    where = f" of {facts.dataset}" if facts.dataset else ""
    sentence = f"Judges {unit}{where} ({facts.task.language or 'any language'}): {' or '.join(facts.task.labels)}."
    c = facts.config
    if c is None:
        return sentence
    shape = f"{c.num_hidden_layers} layer{'s' if c.num_hidden_layers > 1 else ''}, hidden size {c.hidden_size}"
    words = f"{c.tokenizer} vocabulary of {c.vocab_size:,}, {c.max_sequence_length} tokens, {c.storage} weights"
    return f"{sentence} A student of {shape}, {words}."


_CONTENTS = (
    ("summary", "Summary"),
    ("models", "All models"),
    ("front", "Size against effectiveness"),
    ("training", "Training"),
    ("calibration", "Calibration"),
    ("latency", "Latency"),
    ("items", "Items and slices"),
    ("fidelity", "Fidelity"),
    ("provenance", "Provenance"),
)


def contents(facts: RunFacts, prefix: str) -> Markup:
    """Links to the sections of a run."""
    links = [element("a", {"href": f"#{prefix}{name}"}, title) for name, title in _CONTENTS]
    return element("nav", {"aria-label": f"Sections of {facts.name}"}, links)


def run_sections(facts: RunFacts, prefix: str, *, level: int = 2) -> Markup:
    """Every section of a run; ids start with `prefix`, which must be the run's own on a page of several."""
    makers = (_summary, _models, _front, _training, _calibration, _latency, _items, _fidelity, _provenance)
    return joined(
        section(prefix + name, title, *make(facts, prefix), level=level)
        for (name, title), make in zip(_CONTENTS, makers, strict=True)
    )


Content = list[Markup]


def _summary(facts: RunFacts, _prefix: str) -> Content:
    sentences = [element("p", None, line) for line in verdict(facts)]
    warned = [element("div", {"class": "warning"}, [element("p", None, line) for line in facts.warnings])]
    warned = warned if facts.warnings else []
    note = "The weights of the best epoch were chosen on this split, so its figures are slightly optimistic."
    chosen = [element("p", {"class": "note"}, note)] if facts.history else []
    return [element("div", {"class": "verdict"}, sentences), _tiles(facts), *warned, *chosen]


def _tiles(facts: RunFacts) -> Markup:
    student, teacher = facts.student, facts.teacher
    tiles = []
    if student.size_bytes is not None:
        tiles.append(("Size", byte_text(student.size_bytes), _smaller(teacher, student)))
    for name in ("f1", "mcc") if facts.imbalanced else ("accuracy", "f1"):
        measure = student.measures.get(name)
        tiles += [(spelt(name), f"{measure.value:.4f}", f"{measure.low:.4f} to {measure.high:.4f}")] if measure else []
    if student.latency_s is not None:
        tiles.append(("Latency", second_text(student.latency_s.value), _faster(facts)))
    if student.energy is not None:
        meter = student.energy.meter.split(",")[0].split(";")[0]
        tiles.append(("Energy of 1,000 items", f"{student.energy.energy_j.value:.3g} J", meter))
    return element("div", {"class": "tiles"}, [_tile(*tile) for tile in tiles])


def _tile(name: str, value: str, note: str) -> Markup:
    inside = (element("dt", None, name), element("dd", None, value), element("dd", None, note))
    return element("dl", {"class": "tile"}, inside)


def _smaller(teacher: ModelFacts | None, student: ModelFacts) -> str:
    times = ratio_of(teacher.size_bytes if teacher else None, student.size_bytes)
    return f"{times:,.0f} times smaller than the teacher" if times else "of the whole file"


def _faster(facts: RunFacts) -> str:
    times = times_faster(facts)
    return f"{times:,.0f} times faster than the teacher" if times else "median, one item at a time, one thread"


def _models(facts: RunFacts, prefix: str) -> Content:
    gaps = [("teacher", "Teacher"), ("baseline", "BiLSTM baseline"), ("energy", "Energy and CO₂")]
    return [
        papers_table(facts.models, facts.dataset),
        *forests(facts.models, prefix, majority=facts.majority, imbalanced=facts.imbalanced),
        *(missing(title, facts.missing[name]) for name, title in gaps if name in facts.missing),
    ]


def forests(models: Sequence[ModelFacts], prefix: str, *, majority: float | None, imbalanced: bool) -> Content:
    """Intervals side by side, where there are two models or more: MCC as well where the labels are imbalanced."""
    how = Counter(model.how for model in models if model.measures).most_common(1)
    models = [model for model in models if how and model.how == how[0][0]]  # other items are no fair neighbours
    plots = []
    for metric in ("accuracy", "mcc") if imbalanced else ("accuracy",):
        rows: list[tuple[str, Measure]] = [(m.name, m.measures[metric]) for m in models if metric in m.measures]
        if len(rows) > 1:
            base = majority if metric == "accuracy" else None
            plots.append(forest_plot(f"{prefix}forest-{metric}", rows, majority=base))
    return plots


def _front(facts: RunFacts, prefix: str) -> Content:
    points = [*facts.points, *model_points(facts.models, facts.metric)]
    if any(p.group is Group.CHOSEN for p in points):
        points = [p for p in points if p.group is not Group.STUDENT or p.name != facts.student.name]
    content = [missing("Search", facts.missing["search"])] if "search" in facts.missing else []
    if points:
        content.insert(0, pareto_plot(f"{prefix}pareto", points, metric=facts.metric, majority=_floor(facts)))
    if facts.noise is not None:
        note = f"Seeds differ by {100 * facts.noise:.2f} points (standard deviation): smaller differences mean nothing."
        content.append(element("p", {"class": "note"}, note))
    return content


def _floor(facts: RunFacts) -> float | None:
    return facts.majority if facts.metric == "accuracy" else None


def model_points(models: Sequence[ModelFacts], metric: str) -> list[Point]:
    """Models with a size and this metric as points of the plot."""
    return [
        Point(
            model.name,
            model.size_bytes,
            model.measures[metric].value,
            GROUPS.get(model.role, Group.BASELINE),
            model.measures[metric].low,
            model.measures[metric].high,
            model.latency_s.value if model.latency_s else None,
        )
        for model in models
        if model.size_bytes and metric in model.measures
    ]


def _training(facts: RunFacts, prefix: str) -> Content:
    if not facts.history:
        return [missing("Training curve", facts.missing.get("training", "it came with no log"))]
    return [training_plot(f"{prefix}curve", facts.history, metric=facts.metric, shipped=facts.kept_epoch)]


def _calibration(facts: RunFacts, prefix: str) -> Content:
    if not facts.reliability:
        return [missing("Reliability", facts.missing.get("calibration", "run codewren evaluate"))]
    plot = reliability_plot(f"{prefix}reliability", facts.reliability, labels=len(facts.task.labels))
    figures = [
        (f"{model.name}: {spelt(name)}", str(model.measures[name]))
        for model in facts.models
        for name in ("ece", "brier")
        if name in model.measures
    ]
    return [plot, pairs(figures)]


def _latency(facts: RunFacts, prefix: str) -> Content:
    content = [latency_plot(f"{prefix}times", facts.times_s)] if facts.times_s else []
    content += [text_table(table) for table in facts.tables if table.section == "latency"]
    content += [pairs(facts.machine)] if facts.machine else []
    content += [missing("Latency", facts.missing["bench"])] if "bench" in facts.missing else []
    return content or [missing("Latency", "run codewren bench")]


def _items(facts: RunFacts, prefix: str) -> Content:
    content = [length_plot(f"{prefix}lengths", facts.lengths, limit=facts.limit)] if facts.lengths else []
    content += [text_table(table) for table in facts.tables if table.section == "items"]
    content += [missing("Length of the functions", facts.missing["items"])] if "items" in facts.missing else []
    return content


def _fidelity(facts: RunFacts, _prefix: str) -> Content:
    content = [text_table(table) for table in facts.tables if table.section == "fidelity"]
    agreement = [(m.name, str(m.measures["agreement"])) for m in facts.models if "agreement" in m.measures]
    if agreement:
        content.insert(0, pairs([(f"{name}: agrees with the teacher on", share) for name, share in agreement]))
    content += [missing("Flips under harmless edits", facts.missing["fidelity"])] if "fidelity" in facts.missing else []
    return content


def _provenance(facts: RunFacts, _prefix: str) -> Content:
    content = [pairs(facts.provenance)]
    if facts.recipe:
        content.append(element("p", None, "The recipe, resolved; what it does not name has its default:"))
        content.append(element("pre", None, facts.recipe))
    if facts.commands:
        content.append(element("p", None, "Commands that make this again:"))
        content.append(element("pre", None, "\n".join(facts.commands)))
    return content
