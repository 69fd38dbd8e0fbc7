"""Damaged bundles for `run.py`, read by the C library and by Python: both refuse, or both give the same answer.

Where they differ in what they refuse is counted by kind: the C library takes no half surrogate pairs, and no students
of data flow; Python takes no labels that its enumerations cannot name.

    CODEWREN_LIBRARY=build/c/libcodewren.so python scripts/damage/run.py c_bundles build/damage/c.json --cases 100000
"""

import math
import os
import random
import sys
from pathlib import Path

from bundles import Cases as StudentCases
from hint import Cases as HintCases
from similarity import Cases as SimilarityCases
from strange import strange_text
from tiny_task import ROOT

from codewren.bundle.open import open_bundle
from codewren.core.errors import CodewrenError
from codewren.predict.predictor import predictor_of

sys.path.insert(0, str(ROOT / "scripts"))
from c_library import CLibrary, CModel, StatusError

LIBRARY = Path(os.environ.get("CODEWREN_LIBRARY", ROOT / "build/c/libcodewren.so"))
LONGEST_MESSAGE = 400
FORESEEN = (1, 4, 5)  # bad bundle, no memory, unsupported


class Cases:
    """As for Python, with a second reader."""

    def __init__(self) -> None:
        self.kinds = {"student": StudentCases(), "similarity": SimilarityCases(), "hint": HintCases()}
        self.library = CLibrary(LIBRARY)

    def close(self) -> None:
        for cases in self.kinds.values():
            cases.close()

    def run(self, rng: random.Random) -> str:
        name = rng.choice(list(self.kinds))
        kind, content = self.kinds[name].content(rng)
        path = self.kinds[name].folder / "c.wren"
        path.write_bytes(content)
        texts = [strange_text(rng, 30).encode("utf-8", "replace").decode() for _ in range(2)]
        ours, theirs = self.from_c(content, texts), from_python(path, texts)
        if isinstance(ours, str) or isinstance(theirs, str):
            both = isinstance(ours, str) and isinstance(theirs, str)
            only, said = ("C", ours) if isinstance(ours, str) else ("Python", theirs)
            if both or "line_trees" in str(said):  # lines are explained in Python alone: C leaves their trees unread
                return f"{name}, {kind}: refused"
            return f"{name}, {kind}: {only} alone refused: {said!s:.60}"
        if len(ours) != len(theirs) or not all(
            math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12) for a, b in zip(ours, theirs, strict=True)
        ):
            raise AssertionError(f"C says {ours[:4]}, Python {theirs[:4]}")
        return f"{name}, {kind}: answered"

    def from_c(self, content: bytes, texts: list[str]) -> "list[float] | str":
        """Probabilities of all columns, or what is refused."""
        try:
            model = self.library.load(content)
            rows = model.predict(texts)
            if model.functions_per_item == 2:
                check_pairs(model, texts)
            return [number for row in rows for number in row]
        except StatusError as error:
            said = str(error)
            if error.status not in FORESEEN or not said or "\n" in said or len(said) >= LONGEST_MESSAGE:
                raise AssertionError(f"status {error.status}: {said!r}") from error
            return said


def check_pairs(model: CModel, texts: list[str]) -> None:
    """Pairs and neighbours are in range, whatever the weights."""
    vectors = model.encode(texts)
    found = model.pairs(vectors, 0.0)
    if model.has_neighbours:
        found += model.neighbours(vectors, vectors, 3)
    if not all(0 <= first < 2 and 0 <= second < 2 and 0 <= share <= 1 for first, second, share in found):
        raise AssertionError(f"pairs {found}")


def from_python(path: Path, texts: list[str]) -> "list[float] | str":
    """The same of Python."""
    try:
        predictor = predictor_of(open_bundle(path), threads=1)
        pair = predictor.task.functions_per_item == 2
        items = [(texts[0], texts[1])] if pair else texts
        return [number for row in predictor.predict_proba(items) for number in row]
    except CodewrenError as error:
        return str(error).partition(": ")[2]
