"""The comment of a pull request, read by a Markdown parser that is not ours."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from codewren.core.task import CLONE, VULNERABILITY, Task
from codewren.scan.finding import CloneKind, Differences, Finding, FindingExplanation, Location, TellingLine
from codewren.scan.formats.markdown import LONGEST, MOST_ROWS, render
from codewren.scan.formats.origin import Origin
from codewren.scan.result import ScanResult

ORIGIN = Origin("clones-mini.wren", "0" * 64, "1.2.3", "/repository")
OURS = re.compile(r"<!-- codewren [a-z-]+ -->|</?(details|summary|code|sub|br)>|&#\d+;")


def clone(path: str = "src/a.c", name: str = "total", kind: CloneKind = CloneKind.EDITED) -> Finding:
    differences = Differences(1, ("- sum += i;", "+ all += i;"))
    other = Location("src/b.c", 5, 14, "other", kind, 0.9, differences=differences)
    return Finding("clone", 0.9, Location(path, 1, 10, name), "f", (other,), kind)


def scanned(*findings: Finding, task: Task = CLONE, revision: str | None = None) -> ScanResult:
    return ScanResult(task, 0.5, list(findings), revision=revision)


def tokens(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    return [child for token in parsed for child in (token, *(token.children or ()))]


def test_the_first_line_names_the_comment_for_those_who_write_it_anew():
    assert render(scanned(), ORIGIN).splitlines()[0] == "<!-- codewren clone -->"
    assert render(scanned(task=VULNERABILITY), ORIGIN).splitlines()[0] == "<!-- codewren vulnerability -->"


@pytest.mark.parametrize(
    ("result", "title"),
    [
        (scanned(), "### codewren: no class of clones"),
        (scanned(clone()), "### codewren: 1 class of clones"),
        (
            scanned(clone(), clone(), revision="origin/main"),
            "### codewren: 2 classes of clones in what changed since `origin/main`",
        ),
        (scanned(task=VULNERABILITY), "### codewren: no function judged `vulnerable`"),
    ],
)
def test_the_title_counts_and_says_against_what(result: ScanResult, title: str):
    assert title in render(result, ORIGIN).splitlines()


def test_a_class_is_a_row_and_what_differs_is_folded_below():
    text = render(scanned(clone()), ORIGIN)
    cells = [token.content for token in tokens(text) if token.type == "inline"]
    assert "`src/a.c:1` `total`<br>`src/b.c:5` `other`" in cells
    (fence,) = (token for token in tokens(text) if token.type == "fence")
    assert fence.info == "diff"
    assert fence.content.splitlines() == ["# src/b.c:5 other", "- sum += i;", "+ all += i;"]


def test_a_function_is_a_row_with_the_lines_that_speak_for_it():
    explanation = FindingExplanation(5, 9, (TellingLine(3, 1.5, "gets(x);"),), "overflow", "")
    finding = replace(clone(), others=(), kind=None, explanation=explanation)
    text = render(scanned(finding, task=VULNERABILITY), ORIGIN)
    assert "| 0.90 | `total` | `src/a.c:1` |" in text
    (fence,) = (token.content for token in tokens(text) if token.type == "fence")
    assert fence.splitlines()[0].split() == ["3", "+1.5", "gets(x);"]
    assert "first 5 of 9 tokens" in fence


HOSTILE = [
    "a|b", "`", "``` \n# x", "@everyone #1", "</details><img src=x>", "<script>", "](http://evil)", "\\|",
    "\u202egnp.exe", "|`|``|", "x" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_is_code_and_nothing_else(text: str):
    finding = clone(f"{text}/a.c", text)
    other = replace(finding.others[0], path=text, name=text, differences=Differences(1, (f"- {text}", f"+ {text}")))
    comment = render(scanned(replace(finding, others=(other,)), revision=text), replace(ORIGIN, model=text))
    seen = tokens(comment)
    assert all(OURS.sub("", token.content).strip() in {"", text[:0]} for token in seen if token.type == "html_inline")
    blocks = [OURS.sub("", token.content) for token in seen if token.type == "html_block"]
    assert not any("<" in block.replace("<details>", "") for block in blocks), blocks
    plain = "".join(token.content for token in seen if token.type == "text")
    assert not re.search(r"everyone|evil|script|img", plain)
    assert not {"link_open", "image", "h1"} & {token.type for token in seen}
    assert len([token for token in seen if token.type == "heading_open"]) == 1
    rows = [token for token in seen if token.type == "tr_open"]
    cells = [token for token in seen if token.type in {"td_open", "th_open"}]
    assert (len(rows), len(cells)) == (2, 6)
    assert "\u202e" not in comment


def test_a_comment_never_exceeds_what_github_takes_and_says_what_is_left_out():
    long = clone("src/" + "x" * 280 + ".c", "n" * 280)
    many = replace(long, others=(replace(long.others[0], path="y" * 280, name="z" * 280),) * 9)
    comment = render(scanned(*[many] * 500), ORIGIN)
    assert LONGEST * 0.9 < len(comment) <= LONGEST
    rows = comment.count("\n| edited |")
    assert f"{500 - rows} more are left out" in comment
    assert comment.endswith("</sub>\n")
    short = render(scanned(*[clone()] * (MOST_ROWS + 3)), ORIGIN)
    assert "3 more are left out" in short


def test_an_incomplete_scan_says_so_above_all_findings():
    result = scanned(clone())
    result.gaps = ["a.c: binary"]
    comment = render(result, ORIGIN)
    assert comment.index("Incomplete scan") < comment.index("| edited |")
