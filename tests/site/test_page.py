"""The page that judges code, opened from a disk by a browser without a network."""

import html
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

import codewren
from c_builds import ROOT

OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND"),
    *("--virtual-time-budget=30000", "--enable-logging=stderr", "--dump-dom"),
)
TWIN = "int twin(int *xs, int n) {\n  int s = 0;\n  for (int i = 0; i < n; i++) s += xs[i];\n  return s;\n}\n"
OTHER = 'void other(const char *p) {\n  printf("%s", p);\n  exit(1);\n}\n'
HOSTILE = 'int a</script><img src=x onerror="document.title=1">(int x) {\n  return "<b>" + x;\n}\n'


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "scripts/build_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def opened(site: ModuleType, tmp_path: Path) -> Callable[[Mapping[str, str]], str]:
    """What stands in the page after a while, when its fields hold these texts; an error of a script fails."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []

    def open_page(examples: Mapping[str, str]) -> str:
        path = tmp_path / "page.html"
        path.write_text(site.page(examples), encoding="utf-8")
        command = [browser, *OPTIONS, *sandbox, f"--user-data-dir={tmp_path / 'profile'}", path.as_uri()]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        said = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
        assert not said
        assert 'data-ready="yes"' in ended.stdout
        return ended.stdout

    return open_page


def shown(page: str, name: str) -> list[str]:
    """Texts of the elements of a class."""
    return [html.unescape(text) for text in re.findall(rf'class="{name}">([^<]*)<', page)]


def status(page: str, name: str) -> str:
    match = re.search(rf'id="{name}-status"[^>]*>([^<]*)<', page)
    assert match
    return match[1]


def test_functions_have_the_probabilities_of_python(opened: Callable[[Mapping[str, str]], str]) -> None:
    page = opened({"source": f"#include <x.h>\n{TWIN}\n{OTHER}", "left": "", "right": ""})
    predictor = codewren.load("vulnerability-c-micro")
    rows = predictor.predict_proba([TWIN.strip(), OTHER.strip()])
    expected = sorted(zip((row[1] for row in rows), ("twin", "other"), strict=True), reverse=True)
    assert shown(page, "name") == [name for _, name in expected]
    assert shown(page, "share") == [f"{100 * share:.1f} %" for share, _ in expected]
    assert len(re.findall(r'<span title="[-\d.]+ points"', page)) in {len(TWIN.splitlines()), len(OTHER.splitlines())}


def test_clones_between_two_texts_are_listed(opened: Callable[[Mapping[str, str]], str]) -> None:
    page = opened({"source": "", "left": TWIN, "right": OTHER + TWIN.replace("twin", "sum").replace("xs", "values")})
    assert status(page, "clones").startswith("1 and 2 functions, 1 pairs")
    assert re.search(r"<td>twin, lines 1–5</td><td>sum, lines 5–9</td>", page)


def test_a_text_is_never_taken_for_the_pages_own_code(opened: Callable[[Mapping[str, str]], str]) -> None:
    page = opened({"source": HOSTILE, "left": HOSTILE, "right": HOSTILE})
    assert "<title>codewren in your browser</title>" in page
    assert "<img" not in page


def test_an_empty_page_says_so(opened: Callable[[Mapping[str, str]], str]) -> None:
    assert status(opened({"source": " ", "left": " ", "right": " "}), "judge") == "No functions here yet."


def test_the_page_is_small_and_names_nothing_outside(site: ModuleType) -> None:
    page = site.page()
    assert len(page.encode()) <= site.MOST_PAGE_BYTES
    assert not re.findall(r'(?:src|href|action)="(?!data:)[^"]*"', page)
    assert "default-src 'none'" in page
    assert "connect-src" not in page


@pytest.mark.slow
def test_the_site_is_built_and_its_links_lead_somewhere(site: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs mkdocs-material, the extra docs")
    site.build_documents(tmp_path / "site")
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        for target in re.findall(r'(?:src|href)="([^"#?]+)', page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:|/|\.$", target):
                assert (page.parent / target).exists(), f"{page.relative_to(tmp_path)}: {target}"
