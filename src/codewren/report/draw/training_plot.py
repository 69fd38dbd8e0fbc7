"""How a student's training went: its validation score and its loss, epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

from codewren.core.markup import Markup
from codewren.report.draw.svg import LEFT, RIGHT, TOP, WIDTH, Scale, axes, figure, marker, number, path, scale

_HALF = 150.0  # height of one of the two panels


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of a training log."""

    epoch: int
    loss: float
    score: float


def training_plot(name: str, epochs: Sequence[Epoch], *, metric: str, shipped: int | None = None) -> Markup:
    """Two panels over the same epochs: the validation score, the kept epoch ringed, and the training loss."""
    x = Scale(0.6, max(epoch.epoch for epoch in epochs) + 0.4, LEFT, WIDTH - RIGHT)
    scores = scale([epoch.score for epoch in epochs], _HALF, TOP, margin=0.12)
    losses = scale([epoch.loss for epoch in epochs], 2 * _HALF + 30, _HALF + 48, margin=0.12)
    ticks = [number(tick) if tick == int(tick) else "" for tick in x.ticks()]
    marks: list[Markup] = []
    for y, label, values in (
        (scores, metric, [epoch.score for epoch in epochs]),
        (losses, "loss", [epoch.loss for epoch in epochs]),
    ):
        marks += axes(x, y, x_label="epoch" if y is losses else "", y_label=label, x_texts=ticks)
        positions = [(x(epoch.epoch), y(value)) for epoch, value in zip(epochs, values, strict=True)]
        marks.append(path(positions, "curve series0"))
        for epoch, value, position in zip(epochs, values, positions, strict=True):
            hover = f"epoch {epoch.epoch}: {label} {value:.4f}"
            marks.append(marker(*position, "fill series0", title=hover, radius=3.5))
            marks += [marker(*position, "ring", radius=8)] if epoch.epoch == shipped and y is scores else []
    chosen = "" if shipped is None else f" Epoch {shipped} was kept (ringed): it was chosen on this split."
    description = f"Validation {metric} and training loss after each of {len(epochs)} epochs.{chosen}"
    return figure(name, "Training", description, *marks, height=2 * _HALF + 74)
