"""What source, tests and documents cite exists: sections of the specification, documents, recipes, decisions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import DOCUMENTS, ROOT, python_files

SPEC = ROOT / "docs/spec.md"
TEXTS = sorted(
    {
        *python_files("src", "tests", "benchmarks", "examples", "native", "scripts"),
        *(path for path in DOCUMENTS if path.name != "CHANGELOG.md"),
        *(
            path
            for folder in ("native", "recipes", "src")
            for path in (ROOT / folder).rglob("*.*")
            if path.suffix in {".h", ".cpp", ".toml", ".pyi"}
        ),
        *ROOT.glob("*.toml"),
    }
)
MADE_UP = {"recipes/x.toml", "recipes/clone.toml"}  # examples of what a user may call a recipe of their own
CITED_SECTION = re.compile(r"SPEC (\d+(?:\.\d+)?)")
CITED_PATH = re.compile(r"(?<!\w/)\b(?:docs|recipes)/[\w./-]*[\w/]")  # no part of an address
CITED_DECISION = re.compile(r"\bADR[ -](\d{4})")


def sections() -> set[str]:
    """Numbers of the specification's headings."""
    return set(re.findall(r"^#+ (\d+(?:\.\d+)?)\.? ", SPEC.read_text(encoding="utf-8"), flags=re.MULTILINE))


def citations(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for path in TEXTS:
        if path != Path(__file__):
            for citation in pattern.findall(path.read_text(encoding="utf-8")):
                yield citation, str(path.relative_to(ROOT))


def test_cited_sections_of_the_specification_exist() -> None:
    cited = list(citations(CITED_SECTION))
    dangling = [f"SPEC {number} in {path}" for number, path in cited if number not in sections()]
    assert len(cited) > 20
    assert not dangling, f"no such section in docs/spec.md: {dangling}"


def test_cited_documents_and_recipes_exist() -> None:
    dangling = [
        f"{target} in {path}"
        for target, path in citations(CITED_PATH)
        if target not in MADE_UP and not (ROOT / target).exists() and not list(ROOT.glob(f"{target}*"))
    ]
    assert not dangling, f"no such file: {dangling}"


def test_cited_decisions_exist() -> None:
    dangling = [
        f"ADR {number} in {path}"
        for number, path in citations(CITED_DECISION)
        if not list((ROOT / "docs/adr").glob(f"{number}-*.md"))
    ]
    assert not dangling, f"no such decision: {dangling}"


@pytest.mark.parametrize("number", ["1.5", "2.4", "3.4", "4.1"])
def test_the_specification_keeps_its_section_numbers(number: str) -> None:
    assert number in sections()
