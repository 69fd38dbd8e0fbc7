"""Documents name files, verbs and links that exist; what they show is what comes out."""

import re
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import pytest

from codewren.cli.main import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "findings").rglob("*.md")])
SESSIONS = re.findall(r"^\$ codewren (.+)\n((?:(?!```).*\n)*)", README, flags=re.MULTILINE)


@pytest.mark.parametrize("document", ["papers.md", "architecture.md"])
def test_maps_of_the_code_name_existing_files_and_functions(document):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)(?::(\w+))?`", text)
    assert len(named) > 20
    for path, name in named:
        folders = [ROOT / "src/codewren", ROOT / "tests", ROOT]
        existing = [folder / path for folder in folders if (folder / path).exists()]
        assert existing, path
        assert not name or re.search(rf"(def|class) {name}\b", existing[0].read_text(encoding="utf-8")), (
            f"{path}:{name}"
        )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_resolve(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_use_verbs_recipes_and_scripts_that_exist(path):
    text = path.read_text(encoding="utf-8")
    for verb in re.findall(r"^\$? ?codewren ([a-z]+)", text, flags=re.MULTILINE):
        assert verb in VERBS, verb
    for script in re.findall(r"(?<![\w/])(?:recipes|benchmarks|scripts|examples)/[\w/.-]+\.(?:toml|py|c|java)", text):
        assert (ROOT / script).exists(), script


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_has_80_to_100_lines():
    assert 80 <= len(README.splitlines()) <= 100


@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_sessions_of_the_readme_print_what_they_show(command, shown):
    run = subprocess.run(
        [sys.executable, "-m", "codewren", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout + run.stderr == shown
    assert run.returncode == 1


def test_the_readme_shows_two_sessions():
    assert len(SESSIONS) == 2


def test_the_snippet_of_the_readme_prints_what_it_says(tmp_path, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (printed,) = re.findall(r"print\(.*\)  # (.+)", snippet)
    (tmp_path / "snippet.py").write_text(snippet, encoding="utf-8")
    run_path(str(tmp_path / "snippet.py"))
    assert capsys.readouterr().out.strip() == printed


def test_the_picture_shows_the_figures_of_the_comparison():
    draw = run_path(str(ROOT / "scripts/draw_pictures.py"))
    text = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    assert draw["PICTURE"].read_text(encoding="utf-8") == draw["picture"](text), "run python scripts/draw_pictures.py"


def test_the_architecture_page_has_every_package():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    packages = {p.name for p in (ROOT / "src/codewren").iterdir() if (p / "__init__.py").exists()}
    assert set(re.findall(r"^  (\w+)/ ", text, flags=re.MULTILINE)) == packages


def test_the_index_links_every_document():
    text = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", text)}
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"}
    assert pages <= linked, pages - linked
