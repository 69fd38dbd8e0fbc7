"""Draw the README's picture from the figures of `docs/comparison.md`: accuracy against bytes, on BigCloneBench.

    python scripts/draw_pictures.py

It writes `docs/pictures/clones.svg`, which follows the reader's light or dark setting.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPARISON, PICTURE = ROOT / "docs/comparison.md", ROOT / "docs/pictures/clones.svg"
WIDTH, HEIGHT = 800, 416
LEFT, RIGHT, TOP, BOTTOM = 64, 770, 78, 344
SMALLEST_MB, LARGEST_MB = 0.1, 1000.0
LOWEST, HIGHEST = 0.85, 0.99

STYLE = """
  .card { fill: #ffffff; stroke: #d0d7de } .grid { stroke: #d8dee4 }
  text { fill: #57606a; font: 12px system-ui, sans-serif }
  .title { fill: #1f2328; font-size: 16px; font-weight: 600 }
  .ours { fill: #0969da; stroke: #0969da } .theirs { fill: #9a6700; stroke: #9a6700 }
  .teacher { fill: none; stroke: #57606a; stroke-width: 2 }
  text.ours, text.theirs { stroke: none } .ours.bold { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d } .grid { stroke: #21262d }
    text { fill: #9198a1 } .title { fill: #f0f6fc }
    .ours { fill: #58a6ff; stroke: #58a6ff } .theirs { fill: #d29922; stroke: #d29922 }
    .teacher { stroke: #9198a1 }
  }
"""


@dataclass(frozen=True)
class Mark:
    """One model: its row in the comparison, and where its label stands from the point, in pixels.

    Attributes:
        kind: class of the style: ours, theirs or teacher.
        anchor: of the label: start, middle or end.
    """

    row: str
    label: str
    kind: str
    right: float
    down: float
    anchor: str = "start"


MARKS = (
    Mark("clone-java-micro (codewren)", "clone-java-micro", "ours", -4, -20),
    Mark("clone-java-mini (codewren)", "-mini", "ours", 8, 11),
    Mark("clone-java-standard (codewren)", "-standard", "ours", 8, -5),
    Mark("clone-wren (codewren)", "picked by the search, no hand on it", "ours", 9, 7),
    Mark("published-clone-int8 (Compressor)", "Compressor, int8", "theirs", -9, 5, "end"),
    Mark("published-clone-fp32 (Compressor)", "Compressor, as released", "theirs", 9, 5),
    Mark("avatar-clone", "Avatar's printed student, trained here", "theirs", 9, 5),
)


def tables(text: str, dataset: str) -> dict[str, dict[str, str]]:
    """Cells of one data set's tables by row and column."""
    section = re.split(r"(?m)^## ", text.split(f"\n## {dataset}\n", 1)[1])[0]
    cells: dict[str, dict[str, str]] = {}
    for table in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
        header, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        for name, *values in rows:
            cells.setdefault(name, {}).update(zip(header[1:], values, strict=True))
    return cells


def across(size_mb: float) -> float:
    """Pixels from the left of a size; a tenfold is always as wide."""
    share = math.log10(size_mb / SMALLEST_MB) / math.log10(LARGEST_MB / SMALLEST_MB)
    return LEFT + share * (RIGHT - LEFT)


def down(accuracy: float) -> float:
    """Pixels from the top of an accuracy."""
    return BOTTOM - (accuracy - LOWEST) / (HIGHEST - LOWEST) * (BOTTOM - TOP)


def grid() -> list[str]:
    """Lines and numbers of both axes."""
    lines = []
    for size_mb, name in ((0.1, "0.1 MB"), (1, "1 MB"), (10, "10 MB"), (100, "100 MB"), (1000, "1 GB")):
        x = across(size_mb)
        lines.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}"/>')
        lines.append(f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{name}</text>')
    for percent in (86, 90, 94, 98):
        y = down(percent / 100)
        lines.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>')
    return lines


def drawn(mark: Mark, row: dict[str, str]) -> list[str]:
    """A point with its interval, and its label."""
    accuracy, low, high = (float(number) for number in re.findall(r"[\d.]+", row["accuracy"]))
    x, y = across(float(row["size, MB"])), down(accuracy)
    best = mark.label.startswith("clone-java")
    label = (
        f"{mark.label}: {float(row['latency, ms'].split(' [')[0]):.2f} ms a pair on one core" if best else mark.label
    )
    return [
        f'<line class="{mark.kind}" x1="{x:.1f}" y1="{down(high):.1f}" x2="{x:.1f}" y2="{down(low):.1f}"/>',
        f'<circle class="{mark.kind}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
        f'<text class="{mark.kind}{" bold" if best else ""}" x="{x + mark.right:.1f}" y="{y + mark.down:.1f}" '
        f'text-anchor="{mark.anchor}">{label}</text>',
    ]


def teacher(cells: dict[str, dict[str, str]]) -> list[str]:
    """The original: its published accuracy, which is of other items, and what a pair takes it here."""
    x, y = (
        across(float(cells["CodeBERT teacher"]["size, MB"])),
        down(float(cells["CodeBERT teacher"]["accuracy"]) / 100),
    )
    slow_ms = float(cells["original, padded (other)"]["latency, ms"].split(" [")[0].replace(",", ""))
    lines = ("CodeBERT, fine-tuned", "(published, test split)", f"{slow_ms / 1000:.1f} s a pair on one core")
    text = [
        f'<text x="{x:.1f}" y="{y + 22 + 15 * line:.1f}" text-anchor="middle">{words}</text>'
        for line, words in enumerate(lines)
    ]
    return [f'<circle class="teacher" cx="{x:.1f}" cy="{y:.1f}" r="5"/>', *text]


def picture(text: str) -> str:
    """The SVG for the text of the comparison."""
    cells = tables(text, "BigCloneBench")
    points = [line for mark in MARKS for line in drawn(mark, cells[mark.row])]
    title = "Is one function a clone of the other? Accuracy against bytes, BigCloneBench"
    notes = (
        "Validation split, n = 4,000, 95 % intervals, as in docs/comparison.md. Bytes are of all that ships.",
        "One benchmark's idea of a clone: on other code the same models do much worse, as the README says.",
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
            f'<text class="title" x="24" y="36">{title}</text>',
            *grid(),
            *points,
            *teacher(cells),
            *(f'<text x="24" y="{HEIGHT - 30 + 16 * line}">{note}</text>' for line, note in enumerate(notes)),
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(COMPARISON.read_text(encoding="utf-8")), encoding="utf-8")
