"""The page that judges code, opened from a disk by a browser without a network."""

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

import codewren
from c_builds import ROOT
from chromium import PATH, Chromium

TWIN = "int twin(int *xs, int n) {\n  int s = 0;\n  for (int i = 0; i < n; i++) s += xs[i];\n  return s;\n}\n"
OTHER = 'void other(const char *p) {\n  printf("%s", p);\n  exit(1);\n}\n'
HOSTILE = 'int a</script><img src=x onerror="document.title=1">(int x) {\n  return "<b>" + x;\n}\n'
READY = "document.documentElement.dataset.ready === 'yes'"
EMPTY = {"source": " ", "left": " ", "right": " "}


@pytest.fixture(scope="module")
def site() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "scripts/build_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if PATH is None:
        pytest.skip("no Chromium here")
    with Chromium(tmp_path_factory.mktemp("profile")) as driven:
        yield driven


@pytest.fixture
def opened(site: ModuleType, browser: Chromium, tmp_path: Path) -> Callable[[Mapping[str, str]], Chromium]:
    """The page whose fields hold these texts; an error of a script, or a word on the console, fails."""

    def open_page(examples: Mapping[str, str]) -> Chromium:
        path = tmp_path / "page.html"
        path.write_text(site.page(examples), encoding="utf-8")
        browser.open(path)
        browser.wait(READY)
        browser.go_offline()
        assert not browser.complaints
        return browser

    return open_page


def shown(browser: Chromium, selector: str) -> list[str]:
    """Texts of the elements that a selector finds."""
    return browser.value(f"[...document.querySelectorAll({selector!r})].map((element) => element.textContent)")


def test_functions_have_the_probabilities_of_python(opened: Callable[[Mapping[str, str]], Chromium]) -> None:
    browser = opened({**EMPTY, "source": f"#include <x.h>\n{TWIN}\n{OTHER}"})
    rows = codewren.load("vulnerability-c-micro").predict_proba([TWIN.strip(), OTHER.strip()])
    expected = sorted(zip((row[1] for row in rows), ("twin", "other"), strict=True), reverse=True)
    assert shown(browser, ".name") == [name for _, name in expected]
    assert shown(browser, ".share") == [f"{100 * share:.1f} %" for share, _ in expected]
    chosen = {"twin": TWIN, "other": OTHER}[expected[0][1]]
    assert shown(browser, "#lines span") == chosen.rstrip("\n").split("\n")


def test_what_is_typed_without_a_network_is_judged(opened: Callable[[Mapping[str, str]], Chromium]) -> None:
    browser = opened(EMPTY)
    assert shown(browser, "#judge-status") == ["No functions here yet."]
    browser.fill("source", OTHER)
    browser.wait("document.querySelector('.name')?.textContent === 'other'")
    browser.fill("source", "")
    browser.wait("document.querySelector('.name') === null")
    assert not browser.complaints


def test_clones_between_two_texts_are_listed(opened: Callable[[Mapping[str, str]], Chromium]) -> None:
    renamed = TWIN.replace("twin", "sum").replace("xs", "values")
    browser = opened({**EMPTY, "left": TWIN, "right": OTHER + renamed})
    assert shown(browser, "#clones-status")[0].startswith("1 and 2 functions, 1 pairs")
    assert shown(browser, "#pairs td")[:2] == ["twin, lines 1–5", "sum, lines 5–9"]
    browser.value("document.getElementById('tab-clones').click(); null")
    assert browser.value("document.getElementById('judge').hidden && !document.getElementById('clones').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(opened: Callable[[Mapping[str, str]], Chromium], scheme: str) -> None:
    browser = opened({**EMPTY, "source": OTHER})
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    colors = "(({ color, backgroundColor }) => [color, backgroundColor])(getComputedStyle(document.body))"
    ink, ground = (luminance(color) for color in browser.value(colors))
    assert (ink < ground) == (scheme == "light")
    assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) > 7  # WCAG 2.2, level AAA


def luminance(color: str) -> float:
    """Relative luminance of `rgb(r, g, b)`."""
    shares = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_text_is_never_taken_for_the_pages_own_code(opened: Callable[[Mapping[str, str]], Chromium]) -> None:
    browser = opened({"source": HOSTILE, "left": HOSTILE, "right": HOSTILE})
    assert browser.value("document.title") == "codewren in your browser"
    assert browser.value("document.querySelector('img')") is None


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


def test_lists_and_tables_stand_apart_from_the_text_before(site: ModuleType) -> None:
    text = "Words:\n- a\n- b\n\nMore:\n|a|\n|-|\n```\nx\n- not a list\n```\n"
    assert site.spaced_blocks(text) == "Words:\n\n- a\n- b\n\nMore:\n\n|a|\n|-|\n```\nx\n- not a list\n```\n"
