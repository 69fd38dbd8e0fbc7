"""The front of a search as a text table."""

from codewren.core.pareto import Candidate, ParetoFront
from codewren.core.student_config import StudentConfig

HEADER = ("", "bytes", "effectiveness", "ms", "MFLOPs", "layers", "hidden", "inner", "heads", "vocabulary", "length")


FLIPS = "flips"


def front_table(front: ParetoFront, *, chosen: StudentConfig | None = None) -> str:
    """One line a candidate, smallest first, `*` at the chosen one and `~` where effectiveness is only predicted."""
    rows = [HEADER, *(_row(candidate, chosen=candidate.config == chosen) for candidate in front.candidates)]
    if any(candidate.scores.flips is not None for candidate in front.candidates):
        rows = [(*row[:3], text, *row[3:]) for row, text in zip(rows, _flips(front), strict=True)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def _flips(front: ParetoFront) -> list[str]:
    """The column that only a search which measures flips has."""
    known = [candidate.scores.flips for candidate in front.candidates]
    return [FLIPS, *("-" if flips is None else f"{flips:.4f}" for flips in known)]


def _row(candidate: Candidate, *, chosen: bool) -> tuple[str, ...]:
    scores, config = candidate.scores, candidate.config
    effectiveness = "-" if scores.effectiveness is None else f"{scores.effectiveness:.4f}"
    if scores.effectiveness is not None and not scores.measured:
        effectiveness = f"~{effectiveness}"
    return (
        "*" if chosen else "",
        f"{scores.size_bytes:,}",
        effectiveness,
        "-" if scores.latency_s is None else f"{1e3 * scores.latency_s:.3f}",
        "-" if scores.flops is None else f"{scores.flops / 1e6:.2f}",
        str(config.num_hidden_layers),
        str(config.hidden_size),
        str(config.intermediate_size),
        str(config.num_attention_heads),
        f"{config.tokenizer} {config.vocab_size:,}",
        f"{config.max_sequence_length}",
    )
