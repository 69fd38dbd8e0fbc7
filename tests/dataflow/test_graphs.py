"""Graphs of tricky functions, worked out by hand: the contract of `data_flow`.

`x@3 <- a@1 b@2` reads: x in line 3 comesFrom a in line 1 and b in line 2; `=` stands for computedFrom. `i@3.2` is the
second i of line 3. Nodes without sources are not listed: they are those that stand on a right side only.
"""

from collections import Counter
from pathlib import Path

import pytest

from codewren.dataflow import data_flow

FOLDER = Path(__file__).parent / "flows"


def cases():
    for path in sorted(FOLDER.glob("*.txt")):
        for text in path.read_text(encoding="utf-8").removeprefix("## ").split("\n## "):
            title, _, rest = text.partition("\n")
            source, _, expected = rest.partition("\n--\n")
            yield pytest.param(path.stem, source, expected.split("\n"), id=f"{path.stem}: {title}")


def edges(flow):
    """The graph in the notation above."""
    source = flow.source.encode()
    lines = [source.count(b"\n", 0, token.start) + 1 for token in flow.tokens]
    words = [(token.text, line) for token, line in zip(flow.tokens, lines, strict=True)]
    total, seen, names = Counter(words), Counter(), []
    for text, line in words:
        seen[text, line] += 1
        names.append(f"{text}@{line}" + (f".{seen[text, line]}" if total[text, line] > 1 else ""))
    for node in flow.nodes:
        if node.sources:
            sign = "=" if node.relation == "computedFrom" else "<-"
            yield f"{names[node.token]} {sign} " + " ".join(names[flow.nodes[one].token] for one in node.sources)


@pytest.mark.parametrize(("language", "source", "expected"), list(cases()))
def test_the_graph_is_the_one_worked_out_by_hand(language, source, expected):
    flow = data_flow(source, language)
    assert not flow.has_errors
    assert list(edges(flow)) == [line for line in expected if line]


def test_every_language_has_twenty_cases():
    counted = Counter(case.values[0] for case in cases())
    assert set(counted) == {"c", "cpp", "java", "python"}
    assert min(counted.values()) >= 20
