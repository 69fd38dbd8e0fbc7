"""How a student's training went: its validation score and its loss, epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

from codewren.report.draw.markup import Markup
from codewren.report.draw.svg import LEFT, RIGHT, TOP, WIDTH, Scale, axes, figure, marker, number, path, scale

_HALF = 150.0  # height of one of the two panels


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of a training log."""

    epoch: int
    loss: float
    score: float


def training_plot(name: str, epochs: Sequence[Epoch], *, metric: str, kept: int | None = None) -> Markup:
    """Two panels over the same epochs: the validation score, the kept epoch ringed, and the training loss."""
    x = Scale(0.6, max(one.epoch for one in epochs) + 0.4, LEFT, WIDTH - RIGHT)
    scores = scale([one.score for one in epochs], _HALF, TOP, margin=0.12)
    losses = scale([one.loss for one in epochs], 2 * _HALF + 30, _HALF + 48, margin=0.12)
    ticks = [number(tick) if tick == int(tick) else "" for tick in x.ticks()]
    parts: list[Markup] = []
    for y, label, values in (
        (scores, metric, [one.score for one in epochs]),
        (losses, "loss", [one.loss for one in epochs]),
    ):
        parts += axes(x, y, x_label="epoch" if y is losses else "", y_label=label, x_texts=ticks)
        places = [(x(one.epoch), y(value)) for one, value in zip(epochs, values, strict=True)]
        parts.append(path(places, "curve series0"))
        for one, value, place in zip(epochs, values, places, strict=True):
            said = f"epoch {one.epoch}: {label} {value:.4f}"
            parts.append(marker(*place, "fill series0", title=said, radius=3.5))
            parts += [marker(*place, "ring", radius=8)] if one.epoch == kept and y is scores else []
    chosen = "" if kept is None else f" Epoch {kept} was kept (ringed): it was chosen on this split."
    what = f"Validation {metric} and training loss after each of {len(epochs)} epochs.{chosen}"
    return figure(name, "Training", what, *parts, height=2 * _HALF + 74)
