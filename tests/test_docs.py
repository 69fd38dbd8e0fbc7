"""Documents name files, verbs and links that exist."""

import re
from pathlib import Path

import pytest

from codewren.cli.main import VERBS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_the_papers_map_names_existing_files_and_functions():
    text = (ROOT / "docs/papers.md").read_text()
    named = re.findall(r"`([\w/]+\.py)(?::(\w+))?`", text)
    assert len(named) > 20
    for path, name in named:
        places = [ROOT / "src/codewren" / path, ROOT / "tests" / path]
        found = [place for place in places if place.exists()]
        assert found, path
        assert not name or re.search(rf"(def|class) {name}\b", found[0].read_text()), f"{path}:{name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_between_documents_resolve(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_commands_use_verbs_and_recipes_that_exist(path):
    text = path.read_text()
    for verb in re.findall(r"^\$? ?codewren ([a-z]+)", text, flags=re.MULTILINE):
        assert verb in VERBS, verb
    for recipe in re.findall(r"recipes/[\w/.-]+\.toml", text):
        assert (ROOT / recipe).exists(), recipe


def test_the_readme_is_short_and_lists_the_tree_as_it_is():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    packages = {p.name for p in (ROOT / "src/codewren").iterdir() if (p / "__init__.py").exists()}
    assert set(re.findall(r"^  (\w+)/ ", text, flags=re.MULTILINE)) == packages
