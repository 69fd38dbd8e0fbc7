"""The page of findings: valid, closed to a stranger's text, small, and usable by keyboard in a real browser."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest

from chromium import NEEDS_CHROMIUM, Chromium
from codewren.core.task import CLONE, VULNERABILITY
from codewren.scan.finding import CloneKind, Finding, FindingExplanation, Location, TellingLine
from codewren.scan.formats.html import MOST_FINDINGS, left_out, render
from codewren.scan.formats.origin import Origin
from codewren.scan.result import ScanResult
from codewren.scan.source_files import Note

ORIGIN = Origin("clones-mini.wren", "0" * 64, "1.2.3", "/home/somebody/project")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e\x01"
FUNCTION = (
    "int {0}(int n) {{\n    int {1} = 0;\n    for (int i = 0; i < n; i++)\n        {1} += i;\n    return {1};\n}}\n"
)


def clone(number: int, folder: str = "src", kind: CloneKind = CloneKind.RENAMED) -> Finding:
    """Two functions in two files, which are written."""
    Path(folder).mkdir(exist_ok=True)
    paths = [f"{folder}/a{number}.c", f"{folder}/b{number}.c"]
    for path, name, variable in zip(paths, (f"total{number}", f"sum{number}"), ("sum", "all"), strict=True):
        Path(path).write_text(FUNCTION.format(name, variable))
    first, second = Location(paths[0], 1, 6, f"total{number}"), Location(paths[1], 1, 6, f"sum{number}", kind)
    return Finding("clone", 0.9, first, f"{number:032x}", (second,), kind)


def scanned(*findings: Finding, task=CLONE) -> ScanResult:
    lines = {location.path: 20 for finding in findings for location in finding.locations}
    return ScanResult(task, 0.5, list(findings), files=len(lines), functions=2 * len(lines), function_lines=lines)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(page: str) -> ET.Element:
    """What must hold for every page: strict HTML, nothing from elsewhere, one script and the policy that names it."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree = parser.parse(page)
    assert tree.get("lang") == "en"
    (script,) = tree.iter("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    (policy,) = (meta.get("content") for meta in tree.iter("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    tags = {node.tag for node in tree.iter() if isinstance(node.tag, str)}
    assert tags.isdisjoint({"img", "iframe", "object", "embed", "link", "base", "a"})
    for node in tree.iter():
        for name in node.attrib:
            assert not str(name).startswith("on"), (node.tag, name)
            assert name not in {"src", "href", "style", "action", "formaction"}, (node.tag, name)
    assert not re.search(r"url\(|@import|https?://", page)
    ids = [node.get("id") for node in tree.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    for field in ("input", "select"):
        assert all(any(node in label.iter() for label in tree.iter("label")) for node in tree.iter(field))
    for table in tree.iter("table"):
        assert "".join(table.find("caption").itertext())
    return tree


def text_of(node: ET.Element) -> str:
    return " ".join("".join(node.itertext()).split())


def articles(tree: ET.Element) -> list[ET.Element]:
    return [node for node in tree.iter("details") if node.get("class") == "finding"]


def test_clones_stand_side_by_side_and_only_what_differs_is_marked():
    tree = check(render(scanned(clone(1)), ORIGIN))
    (table,) = (node for node in tree.iter("table") if node.get("class") == "code both")
    rows = [[text_of(cell) for cell in row] for row in table.find("tbody")]
    assert rows[1] == ["2", "int sum = 0;", "2", "int all = 0;"]
    assert {mark.text for mark in table.iter("mark")} == {"total1", "sum1", "sum", "all"}


def test_exact_copies_are_shown_once():
    tree = check(render(scanned(clone(1, kind=CloneKind.EXACT)), ORIGIN))
    tables = [node.get("class") for node in tree.iter("table") if "code" in node.get("class", "")]
    assert tables == ["code"]
    assert not list(tree.iter("mark"))


def test_classes_come_in_the_order_of_lines_that_could_go():
    small, large = clone(1), clone(2)
    grown = [replace(location, end_line=300) for location in large.locations]
    large = replace(large, location=grown[0], others=(grown[1],))
    tree = check(render(scanned(small, large), ORIGIN))
    assert [int(node.get("data-saved")) for node in articles(tree)] == [300, 6]


def test_findings_of_functions_show_their_code_by_probability():
    one = replace(clone(1), others=(), kind=None, label="vulnerable")
    two = replace(clone(2), others=(), kind=None, label="vulnerable", probability=0.99)
    tree = check(render(scanned(one, two, task=VULNERABILITY), ORIGIN))
    assert "Functions judged vulnerable in project" in text_of(tree.find("body"))
    assert [text_of(node.find("summary")).split()[0] for node in articles(tree)] == ["0.99", "0.90"]
    assert "int sum = 0;" in text_of(articles(tree)[0])


def test_lines_that_speak_for_a_finding_are_marked_with_their_score():
    lines = (TellingLine(2, 1.25, "int sum = 0;"), TellingLine(4, -0.5, "sum += i;"))
    explanation = FindingExplanation(10, 40, lines, "overflow", "written past the end")
    finding = replace(clone(1), others=(), kind=None, explanation=explanation)
    tree = check(render(scanned(finding, task=VULNERABILITY), ORIGIN))
    telling = [text_of(node) for node in tree.iter("tr") if node.get("class") == "telling"]
    assert telling == ["2 int sum = 0; +1.2", "4 sum += i; -0.5"]
    text = text_of(articles(tree)[0])
    assert "overflow" in text
    assert "written past the end" in text
    assert "first 10 of 40 tokens" in text


def test_a_strangers_text_is_text_wherever_it_stands():
    source = Path("hostile.c")
    source.write_text(f"int f() {{ /* {HOSTILE} */\n  return 1; // {HOSTILE}\n}}\n")
    places = [Location("hostile.c", 1, 3, HOSTILE), Location(f"{HOSTILE}/\udce9.c", 1, 3, HOSTILE, CloneKind.EDITED)]
    finding = Finding(HOSTILE, 0.5, places[0], "", (places[1],), CloneKind.EDITED)
    lone = Finding("clone", 0.5, places[0], "", (), None)
    result = scanned(finding, lone)
    result.notes = [Note(HOSTILE, HOSTILE)]
    result.remarks, result.gaps = [HOSTILE], [HOSTILE]
    page = render(result, replace(ORIGIN, model=HOSTILE, root=f"/x/{HOSTILE}"))
    tree = check(page)
    assert page.count("<script>") == 1
    assert "\u202e" not in page
    assert "</script><script>alert(1)</script>" in "".join(tree.find("body").itertext())


def test_files_that_are_gone_leave_their_finding():
    finding = clone(1)
    Path("src/a1.c").unlink()
    assert "can no longer be read" in text_of(check(render(scanned(finding), ORIGIN)))


def test_an_incomplete_scan_says_so_first_and_an_empty_one_that_nothing_was_found():
    result = scanned()
    result.gaps = ["a.c: binary"]
    text = text_of(check(render(result, ORIGIN)).find("body"))
    assert text.index("no verdict") < text.index("Nothing was found")


def test_500_classes_of_long_functions_are_at_most_2_mb():
    body = "".join(f'    call_number_{i}(argument, {i}, other_argument + {i}, "text {i}");\n' for i in range(120))
    Path("src").mkdir()
    Path("src/a.c").write_text("int f(void) {\n" + body + "}\n")
    Path("src/b.c").write_text("int g(void) {\n" + body.replace("call", "invoke").replace("other", "some") + "}\n")
    places = (Location("src/a.c", 1, 122, "f"), Location("src/b.c", 1, 122, "g", CloneKind.EDITED, 0.8))
    many = [Finding("clone", 0.9, places[0], f"{i}", (places[1],) * 40, CloneKind.EDITED) for i in range(500)]
    page = render(scanned(*many), ORIGIN)
    assert 1_000_000 < len(page.encode()) <= 2_000_000
    assert page.count('<details class="finding"') == 500
    assert re.search(r"The code of \d+ findings is left out", page)


def test_more_findings_than_a_page_holds_are_counted():
    one = clone(1)
    result = scanned(*[one] * (MOST_FINDINGS + 5))
    assert "5 more findings are left out" in render(result, ORIGIN)
    assert left_out(result) == ["the page holds the first 1000 findings; 5 are left out"]
    assert left_out(scanned(one)) == []


SHOWN = "document.getElementById('shown').textContent"
FOCUS = "document.activeElement"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory):
    with Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def browser(chromium: Chromium, tmp_path: Path):
    findings = [*(clone(i, "src") for i in range(5)), *(clone(i, "lib", CloneKind.EXACT) for i in range(5, 8))]
    Path("page.html").write_text(render(scanned(*findings), ORIGIN))
    chromium.open(tmp_path / "page.html")
    yield chromium
    assert chromium.complaints == []


@NEEDS_CHROMIUM
def test_filters_work_without_a_server(browser: Chromium):
    assert browser.value(SHOWN) == "8 of 8 shown"
    browser.press("/")
    browser.type("total3")
    assert browser.value(SHOWN) == "1 of 8 shown"
    assert browser.value("[...document.querySelectorAll('#findings > li')].filter(li => li.offsetHeight).length") == 1
    browser.value("document.querySelector('button[type=reset]').click()")
    browser.value("new Promise(done => setTimeout(done, 20))")
    assert browser.value(SHOWN) == "8 of 8 shown"
    browser.value("document.querySelector('input[value=exact]').click()")
    assert browser.value(SHOWN) == "5 of 8 shown"


@NEEDS_CHROMIUM
def test_everything_can_be_reached_and_used_by_keyboard(browser: Chromium):
    browser.press("j")
    assert browser.value(f"{FOCUS}.parentElement.id") == "f1"
    for _ in range(3):
        browser.press("j")
    assert browser.value(f"[{FOCUS}.parentElement.id, {FOCUS}.parentElement.open]") == ["f4", False]
    browser.press("Enter")
    assert browser.value(f"{FOCUS}.parentElement.open")
    browser.press("k")
    assert browser.value(f"{FOCUS}.parentElement.id") == "f3"
    browser.value("document.activeElement.blur(), scrollTo(0, 0)")
    seen = set()
    for _ in range(60):
        browser.press("Tab")
        seen.add(browser.value(f"{FOCUS}.className.baseVal ?? {FOCUS}.name ?? {FOCUS}.tagName"))
    assert {"cell", "text", "kind", "least", "order"} <= seen


@NEEDS_CHROMIUM
def test_a_folder_of_the_map_filters_by_keyboard(browser: Chromium):
    browser.value("document.querySelector('.cell[data-folder^=\"lib/\"]').focus()")
    browser.press("Enter")
    assert browser.value(SHOWN).startswith("1 of 8 shown in lib/")
    assert browser.value(f"{FOCUS}.getAttribute('aria-pressed')") == "true"
    browser.press(" ")
    assert browser.value(SHOWN) == "8 of 8 shown"


@NEEDS_CHROMIUM
def test_the_page_prints_with_all_code_unfolded_and_folds_again(browser: Chromium):
    assert browser.pdf().startswith(b"%PDF")
    opened = "[...document.querySelectorAll('details.finding')].filter(one => one.open).length"
    assert browser.value(f"dispatchEvent(new Event('beforeprint')), {opened}") == 8
    assert browser.value(f"dispatchEvent(new Event('afterprint')), {opened}") == 3


@NEEDS_CHROMIUM
def test_readers_who_prefer_dark_get_light_letters_on_dark_ground(browser: Chromium):
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"

    def brightness() -> list[int]:
        return [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in browser.value(colours)]

    paper, ink = brightness()
    assert paper > 700 > 150 > ink
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    paper, ink = brightness()
    browser.ask("Emulation.setEmulatedMedia", features=[])
    assert paper < 150 < 600 < ink


@NEEDS_CHROMIUM
def test_a_hostile_page_runs_nothing(chromium: Chromium, tmp_path: Path):
    Path("x.c").write_text(f"int f() {{ // {HOSTILE}\n}}\n")
    finding = Finding("clone", 0.5, Location("x.c", 1, 2, HOSTILE), "", (Location(HOSTILE, 1, 2, HOSTILE),), None)
    Path("page.html").write_text(render(scanned(finding), replace(ORIGIN, model=HOSTILE)))
    chromium.open(tmp_path / "page.html")
    assert chromium.value(SHOWN) == "1 of 1 shown"
    assert chromium.complaints == []
