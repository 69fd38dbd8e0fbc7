"""A hook warns in the documented form, and whatever it reads, the agent goes on."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codewren.agent.write_warning import MOST_FILES
from codewren.cli.main import cli
from index.trees import OTHER, PYTHON, RENAMED, price_tree, write_tree

WARNING = "codewren: whole_cost is under other names a copy of a.py:2 total_price"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(price_tree(tmp_path / "tree"), {".git/HEAD": ""})


def hooked(tree: Path, call: object) -> Result:
    text = call if isinstance(call, str) else json.dumps(call)
    arguments = ["hook", "--root", os.fspath(tree), "--index-dir", os.fspath(tree.parent / "indexes")]
    result = CliRunner().invoke(cli, arguments, input=text, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def call(tree: Path, tool: str, event: str = "PreToolUse", **fields: object) -> dict[str, object]:
    return {
        "session_id": "1", "cwd": os.fspath(tree), "hook_event_name": event, "tool_name": tool, "tool_input": fields,
    }  # fmt: skip


def test_writing_a_function_that_exists_is_warned_of_in_the_documented_form(tree: Path) -> None:
    answer = json.loads(hooked(tree, call(tree, "Write", file_path="new.py", content=RENAMED)).stdout)
    advice = f"{WARNING}. Use or extend what exists, if it fits."
    specific = {"hookEventName": "PreToolUse", "additionalContext": advice}
    assert answer == {"systemMessage": WARNING, "hookSpecificOutput": specific}


@pytest.mark.parametrize("tool", ["Edit", "MultiEdit"])
def test_edits_are_applied_before_they_are_judged(tree: Path, tool: str) -> None:
    change = {"old_string": "def one():\n    return 1\n", "new_string": RENAMED}
    fields = change if tool == "Edit" else {"edits": [change]}
    answer = hooked(tree, call(tree, tool, file_path=os.fspath(tree / "a.py"), **fields)).stdout
    assert WARNING in answer
    harmless = {"old_string": "return 1\n", "new_string": "return 2\n"}
    fields = harmless if tool == "Edit" else {"edits": [harmless]}
    assert hooked(tree, call(tree, tool, file_path="a.py", **fields)).stdout == ""


def test_after_the_write_the_same_is_warned_of(tree: Path) -> None:
    hooked(tree, call(tree, "Write", file_path="a.py", content=PYTHON))
    write_tree(tree, {"new.py": RENAMED})
    answer = json.loads(hooked(tree, call(tree, "Write", "PostToolUse", file_path="new.py", content=RENAMED)).stdout)
    assert answer["hookSpecificOutput"]["hookEventName"] == "PostToolUse"
    change = {"old_string": "x = 1\n", "new_string": RENAMED}
    assert WARNING in hooked(tree, call(tree, "Edit", "PostToolUse", file_path="new.py", **change)).stdout
    after = call(tree, "Write", "PostToolUse", file_path="new.py", content=RENAMED)
    assert hooked(tree, after | {"tool_response": {"originalFile": RENAMED}}).stdout == ""


def test_the_plain_form_is_answered_plainly(tree: Path) -> None:
    answer = json.loads(hooked(tree, {"path": "new.py", "content": RENAMED}).stdout)
    assert answer == {"warning": WARNING.removeprefix("codewren: ")}


def test_what_is_new_is_passed_in_silence(tree: Path) -> None:
    result = hooked(tree, call(tree, "Write", file_path="new.py", content="def f(x):\n    return [y * 2 for y in x]\n"))
    assert result.stdout == result.stderr == ""


def test_the_hook_follows_what_was_written(tree: Path) -> None:
    hooked(tree, {"path": "new.py", "content": OTHER})
    write_tree(tree, {"fresh.py": OTHER.replace("read_lines", "load_rows").replace("lib", "x")})
    (tree / "lib/b.py").unlink()
    answer = hooked(tree, {"path": "new.py", "content": OTHER}).stdout
    assert "fresh.py:2 load_rows" in answer


def test_other_tools_and_events_are_none_of_its_business(tree: Path) -> None:
    assert hooked(tree, call(tree, "Bash", command="ls")).stdout == ""
    assert hooked(tree, call(tree, "Write", "SessionStart")).stdout == ""


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("3", "no JSON object"),
        ('{"tool_name": "Write"}', "no tool_input"),
        ('{"tool_name": "Write", "tool_input": {"file_path": 3, "content": ""}}', "content|file_path"),
        ('{"tool_name": "MultiEdit", "tool_input": {"file_path": "a.py", "edits": 3}}', "no list of objects"),
        ('{"path": "../../etc/passwd", "content": "x"}', "is not below"),
        ('{"path": "new.py"}', "content is NoneType, a string was wanted"),
    ],
)
def test_broken_input_is_one_line_on_standard_error(tree: Path, broken: str, said: str) -> None:
    result = hooked(tree, broken)
    assert result.stdout == "" and len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("codewren hook: ")
    assert any(words in result.stderr for words in said.split("|"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["file_path", "content", "old_string", "new_string", "edits", "replace_all"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=9), st.lists(st.dictionaries(st.text(), st.text()))),
    ),
    tool=st.sampled_from(["Write", "Edit", "MultiEdit", 3, None]),
)
def test_no_call_breaks_the_agent(tree: Path, fields: dict[str, object], tool: object) -> None:
    result = hooked(tree, {"tool_name": tool, "tool_input": fields, "hook_event_name": "PreToolUse"})
    assert len(result.stderr.splitlines()) <= 1 and "crashed" not in result.stderr


def test_a_tree_without_an_index_that_is_too_large_for_a_hook_is_left_to_the_other_verb(tree: Path) -> None:
    write_tree(tree, {f"m{number}.py": "x = 1\n" for number in range(MOST_FILES)})
    result = hooked(tree, {"path": "new.py", "content": RENAMED})
    assert result.stdout == "" and "run: codewren index" in result.stderr


def test_text_that_is_to_be_replaced_has_to_be_there(tree: Path) -> None:
    result = hooked(tree, call(tree, "Edit", file_path="a.py", old_string="nowhere", new_string="x"))
    assert "does not hold the text that is to be replaced" in result.stderr


@pytest.mark.parametrize("options", [["--bogus"], ["--jobs", "0"], ["--index-dir", __file__], ["surplus"]])
def test_a_wrong_option_forbids_no_write(options: list[str]) -> None:
    result = CliRunner().invoke(cli, ["hook", *options], input="{}")
    assert (result.exit_code, result.stdout) == (0, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("codewren hook: ") and options[-1] in line


def test_the_hook_shows_its_help() -> None:
    result = CliRunner().invoke(cli, ["hook", "--help"])
    assert result.exit_code == 0 and result.stdout.startswith("Usage: ")
