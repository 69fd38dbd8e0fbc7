"""What a student's limit of tokens costs, and whether windows of a long function, pooled, give it back.

    python benchmarks/length_limit.py vulnerability-c-micro vulnerability-c-mini

Nothing is trained. A window is as long as the student reads, `<s>` and `</s>` around it; the log odds of the windows of
a function are averaged, or the largest counts. On Devign's validation functions beyond 1,616 characters, and on
functions that Debian patched for a CVE with their fixed versions.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codewren.bundle.read import Bundle
from codewren.compress.bundle_to_onnx import bundle_student
from codewren.compress.hint_figures import LONG_TEXT
from codewren.data.readers import read_rows
from codewren.measure.intervals import mcnemar
from codewren.measure.review import auc, equal_length_auc
from codewren.predict.predictor import find_bundle
from codewren.predict.tokenizer import Tokenizer
from codewren.train.processes import one_thread

SHARED = Path(__file__).resolve().parents[2] / "shared/data"
DEVIGN, DEBIAN = SHARED / "devign/valid.jsonl.xz", SHARED / "debian_cve/functions.jsonl.xz"
ALL_TOKENS = 1 << 20
TOGETHER = 64  # windows in a batch
Floats = NDArray[np.float64]
POOLS: dict[str, Callable[[Floats], float]] = {
    "first 400": lambda odds: float(odds[0]),
    "mean of windows": lambda odds: float(odds.mean()),
    "largest of windows": lambda odds: float(odds.max()),
}


class Windows:
    """Log odds of every window of a function."""

    def __init__(self, path: Path) -> None:
        bundle = Bundle.read(path)
        self.student, self.tokenizer = bundle_student(bundle), Tokenizer(bundle.tokenizer)
        self.length = bundle.config.max_sequence_length
        self.positive = bundle.task.positive_index

    def odds(self, texts: Sequence[str]) -> list[Floats]:
        """For each text the log odds of its windows, of which the first is what the student reads."""
        parts = [self._parts(text) for text in texts]
        flat = [window for own in parts for window in own]
        order = sorted(range(len(flat)), key=lambda index: len(flat[index]))
        values = np.zeros(len(flat))
        with one_thread(), torch.inference_mode():
            for start in range(0, len(flat), TOGETHER):
                some = order[start : start + TOGETHER]
                ids = torch.tensor([token for index in some for token in flat[index]])
                lengths = torch.tensor([len(flat[index]) for index in some])
                vectors = self.student.encode(ids, lengths)
                logits = self.student.head(vectors, torch.arange(len(some))[:, None]).double().numpy()
                values[some] = logits[:, self.positive] - logits[:, 1 - self.positive]
        ends = np.cumsum([0, *map(len, parts)])
        return [values[ends[k] : ends[k + 1]] for k in range(len(parts))]

    def _parts(self, text: str) -> list[list[int]]:
        begin, *ids, end = self.tokenizer.encode(text, ALL_TOKENS)
        step = self.length - 2
        return [[begin, *ids[start : start + step], end] for start in range(0, max(1, len(ids)), step)]


def devign(windows: Windows) -> dict[str, Any]:
    """Accuracy on long functions, and how many are longer than what the student reads."""
    rows = [row for row in read_rows(DEVIGN) if len(row.text("func")) > LONG_TEXT]
    labels = np.array([row.value("target") == 1 for row in rows])
    odds = windows.odds([row.text("func") for row in rows])
    answers = {name: (np.array(list(map(pool, odds))) > 0).astype(np.int64) for name, pool in POOLS.items()}
    figures: dict[str, Any] = {"functions": len(rows), "cut": int(sum(len(own) > 1 for own in odds))}
    figures["majority"] = float(max(labels.mean(), 1 - labels.mean()))
    for name, pool in POOLS.items():
        figures[name] = {
            "accuracy": float((answers[name] == labels).mean()),
            "auc": auc(np.array(list(map(pool, odds))), labels),
            "p": mcnemar(labels.astype(np.int64), answers["first 400"], answers[name]).p_value,
        }
    return figures


def debian(windows: Windows) -> dict[str, Any]:
    """What becomes of pairs that are exactly equal, and of the order of all functions."""
    rows = list(read_rows(DEBIAN))
    labels = np.array([row.value("target") == 1 for row in rows])
    packages = np.array([str(row.value("package")) for row in rows])
    lines = np.array([row.text("func").count("\n") + 1.0 for row in rows])
    odds = windows.odds([row.text("func") for row in rows])
    patched = [k for k, row in enumerate(rows) if row.values.get("fixed")]
    fixed = windows.odds([rows[k].text("fixed") for k in patched])
    figures: dict[str, Any] = {"functions": len(rows), "cut": int(sum(len(own) > 1 for own in odds))}
    figures |= {"patched": len(patched), "patched and cut": int(sum(len(odds[k]) > 1 for k in patched))}
    for name, pool in POOLS.items():
        scores = np.array(list(map(pool, odds)))
        steps = scores[patched] - np.array(list(map(pool, fixed)))
        members = [packages == package for package in np.unique(packages)]
        figures[name] = {
            "auc": auc(scores, labels),
            "equal_length": equal_length_auc((scores[own], labels[own], lines[own]) for own in members),
            "above": float((steps > 0).mean()),
            "ties": int((np.abs(steps) < 1e-9).sum()),
        }
    return figures


def main() -> None:
    """Print the figures of each bundle as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+")
    for name in parser.parse_args().bundles:
        windows = Windows(find_bundle(name))
        print(json.dumps({"bundle": name, "devign": devign(windows), "debian": debian(windows)}, indent=1), flush=True)


if __name__ == "__main__":
    main()
