"""The front of a search as a picture: bytes against effectiveness, latency as colour."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codewren.core.errors import InputError, MissingExtraError
from codewren.core.files import write_bytes
from codewren.core.pareto import Candidate, ParetoFront
from codewren.core.student_config import StudentConfig

_INK, _MUTED, _CHOSEN = "#222222", "#8a8a8a", "#c8102e"


def plot_front(
    path: Path,
    front: ParetoFront,
    *,
    chosen: StudentConfig | None = None,
    others: Sequence[Candidate] = (),
    teacher: float | None = None,
    metric: str = "effectiveness",
) -> None:
    """Write the front as SVG, byte for byte the same for the same front.

    `others` are named students to compare with (the published ones), `teacher` is the teacher's effectiveness: its size
    would leave the picture, so it is a line.

    Raises:
        InputError: no candidate has an effectiveness, or the file cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    known = [one for one in front.candidates if one.scores.effectiveness is not None]
    if not known:
        raise InputError("the front has no effectiveness to plot: this strategy trains nothing")
    figure, axes = _canvas()
    if teacher is not None:
        axes.axhline(teacher, color=_MUTED, linestyle="--", linewidth=1)
        axes.annotate(f"teacher {teacher:.3f}", (1, teacher), xycoords=("axes fraction", "data"), **_label("right"))
    _draw(figure, axes, known)
    sizes = [one.scores.size_bytes for one in (*known, *others)]
    middle = math.sqrt(min(sizes) * max(sizes))  # of a logarithmic axis: names of what lies beyond it go to the left
    for other in others:
        if other.scores.effectiveness is not None:
            place = other.scores.size_bytes, other.scores.effectiveness
            axes.plot(*place, marker="s", color=_MUTED, linestyle="none")
            axes.annotate(other.name, place, **_label("right" if place[0] > middle else "left"))
    for one in known:
        if one.config == chosen:
            ring = one.scores.size_bytes, one.scores.effectiveness
            axes.plot(*ring, marker="o", markersize=13, fillstyle="none", color=_CHOSEN, linestyle="none")
            named = _label("right" if ring[0] > middle else "left")
            axes.annotate("chosen", ring, **{**named, "color": _CHOSEN})
    axes.set_xscale("log")
    axes.set_xlabel("bytes of the shipped file")
    axes.set_ylabel(metric)
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    write_bytes(path, picture.getvalue())


def _canvas() -> tuple[Any, Any]:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train") from None
    mpl.rcParams.update({"svg.hashsalt": "codewren", "svg.fonttype": "none"})
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#eeeeee")
    axes.set_axisbelow(True)
    return figure, axes


def _draw(figure: Any, axes: Any, candidates: Sequence[Candidate]) -> None:
    sizes = [one.scores.size_bytes for one in candidates]
    values = [one.scores.effectiveness for one in candidates]
    latencies = [one.scores.latency_s for one in candidates]
    axes.step(sizes, _best_so_far([value or 0.0 for value in values]), where="post", color=_MUTED, linewidth=1)
    if None not in latencies:
        dots = axes.scatter(sizes, values, c=[1e3 * (one or 0.0) for one in latencies], cmap="viridis", zorder=3)
        figure.colorbar(dots, label="ms a function")
    else:
        axes.scatter(sizes, values, color=_INK, zorder=3)
    doubtful = [one for one in candidates if one.scores.uncertainty]
    if doubtful:
        axes.errorbar(
            [one.scores.size_bytes for one in doubtful],
            [one.scores.effectiveness for one in doubtful],
            yerr=[one.scores.uncertainty for one in doubtful],
            fmt="none",
            ecolor=_MUTED,
            elinewidth=0.8,
        )


def _best_so_far(values: Sequence[float]) -> list[float]:
    best: list[float] = []
    for value in values:
        best.append(max(value, best[-1] if best else value))
    return best


def _label(side: str) -> dict[str, Any]:
    offset = (-9, 4) if side == "right" else (9, -4)
    return {"xytext": offset, "textcoords": "offset points", "ha": side, "fontsize": 8, "color": _INK}
