"""Trees of seven languages, drawn: copies are found with the encoder that ships, known ones stay known."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codewren.predict.predictor import load
from codewren.scan.changes import Changes
from codewren.scan.finding import Finding
from codewren.scan.known import new_findings, write_baseline
from codewren.scan.result import ScanOptions
from codewren.scan.scan import scan

PREDICTOR = load("clones-micro")
HEADS = {
    "c": ("c", "static int {name}(int {args}) {{", ""),
    "cpp": ("cpp", "int Shop::{name}(const int {args}) {{", ""),
    "java": ("java", "class {name}Box {{\n  public int {name}(int {args}) throws Error {{", "}"),
    "python": ("py", "def {name}({args}):", ""),
    "javascript": ("js", "function {name}({args}) {{", ""),
    "typescript": ("ts", "export function {name}({args}): number {{", ""),
    "go": ("go", "func {name}({args} int) int {{", ""),
}
WORDS = st.sampled_from("order total price queue token frame pixel lemma route cache shard batch".split())  # noqa: SIM905
STATEMENTS = (
    "{a} = {b} * {n} + load_{w}({a})",
    "{w}.append({a} - {n})",
    "{b} = {w}.find({a}, {b} + {n})",
    "log_{w}(\"{w} {n}\", {b})",
    "{a} = merge_{w}({a}, {b}, {n})",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A function, before it is set in a language."""

    language: str
    name: str
    arguments: tuple[str, str]
    statements: tuple[str, ...]

    def text(self, rng: random.Random | None = None) -> str:
        """As source; with `rng` set otherwise, with comments."""
        _, head, tail = HEADS[self.language]
        is_python = self.language == "python"
        end, sign = ("", "#") if is_python else (";", "//")
        step = "    " if rng is None else rng.choice(("  ", "        "))
        lines = [head.format(name=self.name, args=", ".join(self.arguments))]
        for statement in self.statements:
            lines.append(f"{step}{statement}{end}")
            if rng is not None and rng.random() < 0.5:
                lines[-1] += f"  {sign} the caller's case {rng.randrange(99)}"
        lines.append(f"{step}return {self.arguments[0]} + {self.arguments[1]}{end}")
        closed = lines if is_python else [*lines, "}" + tail]
        return ("\n" if rng is None or is_python else "\n\n").join(closed) + "\n"

    def file_name(self, copy: int = 0) -> str:
        return f"{self.name}{copy}.{HEADS[self.language][0]}"


@st.composite
def functions(draw: st.DrawFn) -> Made:
    words = draw(st.lists(WORDS, min_size=7, max_size=9))
    first, second = f"{words[0]}_left", f"{words[1]}_right"
    statements = tuple(
        draw(st.sampled_from(STATEMENTS)).format(a=first, b=second, w=word, n=draw(st.integers(2, 99)))
        for word in words[2:] + words[:3]
    )
    return Made(draw(st.sampled_from(sorted(HEADS))), f"fit_{'_'.join(words[:3])}", (first, second), statements)


TREES = st.lists(functions(), min_size=2, max_size=5, unique_by=lambda made: made.name)


@pytest.fixture(autouse=True)
def _no_git_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def written(folder: Path, made: Made, copy: int, rng: random.Random | None = None) -> str:
    path = folder / made.file_name(copy)
    path.write_text(made.text(rng), encoding="utf-8")
    return path.name


def found(folder: Path, *, since: str | None = None) -> list[Finding]:
    with chdir(folder):
        changes = None if since is None else Changes.since(since)
        return scan(["."], PREDICTOR, ScanOptions(jobs=1, changes=changes)).findings


def classes(findings: Sequence[Finding]) -> Iterator[set[str]]:
    for finding in findings:
        yield {location.path for location in finding.locations}


@settings(max_examples=60, deadline=None)
@given(functions(), st.integers(0, 99))
def test_a_function_is_above_the_alert_threshold_with_itself_in_any_layout(made: Made, seed: int) -> None:
    threshold = PREDICTOR.bundle.decision.alert_threshold
    assert threshold is not None
    pairs = [(made.text(), made.text()), (made.text(), made.text(random.Random(seed)))]
    rows = PREDICTOR.predict_proba(pairs, languages=[made.language] * 2)
    assert min(row[1] for row in rows) > threshold
    assert rows[0] == rows[1]


@settings(max_examples=15, deadline=None)
@given(TREES, st.integers(0, 99))
def test_every_copy_in_a_mixed_tree_is_in_a_class_with_its_original(tree: list[Made], seed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = [{written(folder, made, 0), written(folder, made, 1, random.Random(seed))} for made in tree]
        together = list(classes(found(folder)))
        assert all(any(pair <= members for members in together) for pair in copies)


@settings(max_examples=10, deadline=None)
@given(TREES, st.integers(0, 99))
def test_what_is_left_of_a_known_class_stays_known(tree: list[Made], seed: int) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for made in tree:
            for copy in range(4):
                written(folder, made, copy, rng if copy % 2 else None)
        known = folder / "known.json"
        write_baseline(known, found(folder))
        for made in tree:
            for copy in rng.sample(range(4), rng.randrange(3)):
                (folder / made.file_name(copy)).unlink()
        left = found(folder)
        assert left
        assert new_findings(known, left) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@settings(max_examples=5, deadline=None)
@given(TREES, st.integers(0, 99))
def test_a_new_copy_of_unchanged_code_is_found_among_changes(tree: list[Made], seed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for made in tree:
            written(folder, made, 0)
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        for command in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "one")):
            subprocess.run(["git", *command], cwd=folder, check=True)
        assert found(folder, since="HEAD") == []
        new = written(folder, tree[0], 1, random.Random(seed))
        together = list(classes(found(folder, since="HEAD")))
        assert any({new, tree[0].file_name()} <= members for members in together)
