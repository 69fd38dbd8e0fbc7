"""docs/scanning.md, docs/ci.md and the pre-commit hook say only what the command line takes."""

import re
import shlex
from pathlib import Path

import pytest

from codewren.cli.main import cli
from codewren.cli.scan import scan
from codewren.scan import source_files as walk
from codewren.syntax import grammars
from codewren.syntax.file_names import SUFFIXES

ROOT = Path(__file__).resolve().parents[2]
GUIDE = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("scanning.md", "ci.md"))
COMMANDS = [line.strip().removeprefix("- run: ").removeprefix("- ") for line in GUIDE.splitlines()]
COMMANDS = [line.split("||")[0].strip() for line in COMMANDS if line.startswith("codewren ")]
HOOK_ARGUMENTS = re.findall(r"args: \[(.*)\]", GUIDE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_is_one(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    subcommand = cli.get_command(None, verb)  # type: ignore[arg-type]
    assert subcommand is not None
    subcommand.make_context(verb, arguments)


def test_the_guide_has_commands_and_hooks() -> None:
    assert len(COMMANDS) >= 6
    assert len(HOOK_ARGUMENTS) == 2


@pytest.mark.parametrize("arguments", HOOK_ARGUMENTS)
def test_the_hooks_arguments_are_options(arguments: str) -> None:
    scan.make_context("scan", [*arguments.split(", "), "changed.c"])


def test_the_hook_of_the_repository_is_the_one_of_the_guide() -> None:
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (identity,) = re.findall(r"^- id: (\S+)$", hook, re.MULTILINE)
    assert GUIDE.count(f"- id: {identity}\n") == 2
    assert "entry: codewren scan\n" in hook


def test_every_option_is_in_the_guide() -> None:
    hidden = {"--jobs", "--help"}
    for parameter in scan.params:
        for option in parameter.opts:
            if option.startswith("--") and option not in hidden:
                assert option in GUIDE, option


def test_the_limits_of_the_guide_are_those_of_the_code() -> None:
    words = " ".join(GUIDE.split())
    assert f"over {walk.MAX_FILE_BYTES // 1_000_000} MB" in words
    assert f"more than {grammars.DEEPEST_NESTING} deep" in words
    assert f"{grammars.PARSE_LIMIT_S:.0f} s of processor time" in words
    assert all(f"`{folder}`" in GUIDE for folder in walk.SKIPPED_FOLDERS)
    assert all(suffix in GUIDE for suffix in SUFFIXES)
