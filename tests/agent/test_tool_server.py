"""The tools over the protocol: a real process, and the client of the SDK itself."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.trees import OTHER, PYTHON, RENAMED, price_tree, write_tree

anyio = pytest.importorskip("anyio")
mcp = pytest.importorskip("mcp")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(price_tree(tmp_path / "tree"), {"tests/test_a.py": PYTHON})


def command(tree: Path) -> list[str]:
    return ["-m", "codewren", "mcp", os.fspath(tree), "--index-dir", os.fspath(tree.parent / "indexes"), "-q"]


def called(tree: Path, calls: Sequence[tuple[str, dict[str, object]]]) -> list[object]:
    """What the server answers: a value, or the text of an error."""

    async def talk() -> list[object]:
        answers: list[object] = []
        async with mcp.Client(mcp.StdioServerParameters(command=sys.executable, args=command(tree))) as client:
            for tool, arguments in calls:
                result = await client.call_tool(tool, arguments)
                answers.append(result.content[0].text if result.is_error else result.structured_content)
        return answers

    return anyio.run(talk)


def test_tools_answer_over_the_protocol(tree: Path) -> None:
    copy = {"path": "new.py", "text": RENAMED}
    diff = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,11 @@\n" + "".join(f"+{line}\n" for line in RENAMED.split("\n"))
    similar, at_line, duplicates, of_diff, with_tests, scanned, explained = called(
        tree,
        [
            ("find_similar", {"text": RENAMED, "language": "python", "top": 2}),
            ("find_similar", {"path": "a.py", "line": 4, "top": 1}),
            ("check_duplicates", copy),
            ("check_duplicates", {"diff": diff}),
            ("find_similar", {"text": PYTHON, "language": "python", "include_tests": True}),
            ("scan", {"include_tests": True}),
            ("explain", {"path": "a.py", "line": 4}),
        ],
    )
    (function,) = similar["functions"]
    assert [match["name"] for match in function["matches"]] == ["total_price", "Prices.totalPrice"]
    assert function["matches"][0]["place"] == "a.py:2-10" and function["matches"][0]["kind"] == "renamed"
    assert [match["name"] for match in at_line["functions"][0]["matches"]] == ["Prices.totalPrice"]
    (duplicate,) = duplicates["duplicates"]
    assert duplicate["place"] == "new.py:2" and duplicate["original"]["name"] == "total_price"
    assert of_diff == duplicates
    assert "tests/test_a.py:2-10" in [match["place"] for match in with_tests["functions"][0]["matches"]]
    assert [place["path"] for place in scanned["findings"][0]["places"]] == [
        "a.py", "src/Prices.java", "tests/test_a.py",
    ]  # fmt: skip
    assert explained["name"] == "total_price" and 0 <= explained["probability"] <= 1
    assert all(2 <= line["line"] <= 10 and line["log_odds"] > 0 for line in explained["lines_that_count"])
    assert explained["caution"] == "the model never saw python: a guess"


def test_errors_are_told_to_the_agent_and_paths_are_confined(tree: Path) -> None:
    outside, nothing, both, nowhere, still = called(
        tree,
        [
            ("find_similar", {"path": "../../etc/passwd"}),
            ("find_similar", {}),
            ("check_duplicates", {"path": "a.py"}),
            ("explain", {"path": "a.py", "line": 99}),
            ("find_similar", {"path": "lib/b.py", "line": 3}),
        ],
    )
    assert "is not below" in outside and "nothing to look for" in nothing
    assert "either a diff" in both and "no function at line 99" in nowhere
    assert still["functions"][0]["name"] == "read_lines"


def test_an_answer_follows_what_was_written_since(tree: Path) -> None:
    async def talk() -> list[str]:
        async with mcp.Client(mcp.StdioServerParameters(command=sys.executable, args=command(tree))) as client:
            write_tree(tree, {"late.py": OTHER.replace("read_lines", "late_lines")})
            await anyio.sleep(2.1)
            result = await client.call_tool("find_similar", {"path": "lib/b.py", "line": 3})
            return [match["name"] for match in result.structured_content["functions"][0]["matches"]]

    assert "late_lines" in anyio.run(talk)


def test_standard_output_holds_nothing_but_the_protocol(tree: Path) -> None:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    served = subprocess.run(
        [sys.executable, *command(tree)], input=json.dumps(request) + "\n", capture_output=True, text=True, check=True
    )
    (line,) = served.stdout.splitlines()
    assert json.loads(line)["result"]["serverInfo"]["name"] == "codewren"


def test_an_argument_that_no_tool_has_is_refused_by_name(tree: Path) -> None:
    misspelt, scanned = called(
        tree, [("find_similar", {"path": "a.py", "lines": 4}), ("scan", {"path": "lib", "model": "vulnerability-c"})]
    )
    assert isinstance(misspelt, str) and "lines" in misspelt and "not permitted" in misspelt
    assert scanned["functions"] == 0 and "nothing to scan" in scanned["remarks"][0]
