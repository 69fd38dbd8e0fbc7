"""Figures that others published about the papers' models, on the papers' own test sets: never measured here.

Source: SPEC 1.4, 3.1, 3.2, 3.3, which name where each figure was found.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A model as published. Effectiveness in percent of the test set, None where no source could be recovered.

    Attributes:
        gflops: by the papers' formula.
        source: who published the figures, in words.
    """

    model: str
    dataset: str
    accuracy: float | None
    source: str
    f1: float | None = None
    mcc: float | None = None
    auc: float | None = None
    size_mb: float | None = None
    gflops: float | None = None
    latency_ms: float | None = None


_MORPH = "re-run by the authors of MORPH, median of 10"
_CHECKPOINT = "the released checkpoint, evaluated on the test set by us"
_LOST = "in the paper, not recoverable here"

PUBLISHED_ROWS = (
    PublishedRow(
        "CodeBERT teacher",
        "Devign",
        61.42,
        "MORPH, table IV; latency: Compressor's introduction, a laptop",
        size_mb=501,
        gflops=138.4,
        latency_ms=1500,
    ),
    PublishedRow("GraphCodeBERT teacher", "Devign", 61.42, "MORPH, table IV (equal to CodeBERT's, maybe a slip)"),
    PublishedRow("BiLSTM", "Devign", None, _LOST, size_mb=7.46),
    PublishedRow("Compressor 3 MB", "Devign", 59.44, _CHECKPOINT, 45.3, 0.171, 0.628, size_mb=3.06, gflops=2.25),
    PublishedRow("Avatar, version 1", "Devign", 61.46, _CHECKPOINT, 48.8, 0.216, 0.650, size_mb=3.00, gflops=0.807),
    PublishedRow("Avatar", "Devign", 59.55, _MORPH, size_mb=3.0, gflops=0.89),
    PublishedRow("MORPH 3 MB", "Devign", 59.57, "MORPH, table III", size_mb=3.0, gflops=0.72),
    PublishedRow(
        "CodeBERT teacher",
        "BigCloneBench",
        96.10,
        "MORPH, table IV; latency: Compressor's introduction, a laptop",
        size_mb=501,
        gflops=138.4,
        latency_ms=1500,
    ),
    PublishedRow("GraphCodeBERT teacher", "BigCloneBench", 96.85, "MORPH, table IV"),
    PublishedRow("BiLSTM", "BigCloneBench", None, _LOST, size_mb=7.46),
    PublishedRow("Compressor 3 MB", "BigCloneBench", 95.37, _CHECKPOINT, 95.3, 0.909, size_mb=3.06, gflops=2.25),
    PublishedRow("Avatar, version 1", "BigCloneBench", 91.47, _CHECKPOINT, 91.3, 0.831, size_mb=3.00, gflops=0.807),
    PublishedRow("Avatar", "BigCloneBench", 89.55, _MORPH, size_mb=3.0, gflops=1.45),
    PublishedRow("MORPH 3 MB", "BigCloneBench", 96.43, "MORPH, table III", size_mb=3.0, gflops=1.33),
)

CLAIMS = (
    ("Compressor", "3 MB, 160 times smaller; CodeBERT 4.31 times, GraphCodeBERT 4.15 times faster"),
    ("Avatar, version 1", "3 MB, 160 times smaller; latency 62, 53 and 186 times lower; 0.8 GFLOPs, 173 times fewer"),
    (
        "Avatar",
        "energy up to 184 times, CO2 up to 157 times, latency up to 76 times lower; mean loss of effectiveness 1.67 %",
    ),
)
"""What the abstracts claim; neither paper's repository measures energy or CO2."""


def published_rows(dataset: str) -> tuple[PublishedRow, ...]:
    """Rows of one data set of the papers, none for any other."""
    return tuple(row for row in PUBLISHED_ROWS if row.dataset == dataset)
