"""`codewren hook`."""

import sys
from pathlib import Path
from typing import Any

import click

from codewren.cli.index import Chosen, index_options, opened

LARGEST_CALL_BYTES = 20_000_000


class HarmlessCommand(click.Command):
    """A verb that ends with 0 on a wrong option too: code 2 of a hook before a write forbids the write."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; what is wrong with them is one line on standard error."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            click.echo(f"codewren hook: {error.format_message()}", err=True)
            ctx.exit(0)


@click.command(cls=HarmlessCommand)
@click.option(
    "--root", type=click.Path(path_type=Path), help="The tree; by default the call's, or the current folder's."
)
@index_options
def hook(root: Path | None, **options: Any) -> None:
    """Warn a coding agent when a function that it is about to write exists already.

    Reads a tool call (Claude Code's PreToolUse or PostToolUse of Write, Edit and MultiEdit, or {"path", "content"}) on
    standard input, and prints a warning in the JSON that such hooks answer with, or nothing. It never blocks: the exit
    code is 0 whatever happens, and what goes wrong is one line on standard error.

    \b
      codewren index .        # once; the hook keeps up by itself
      echo '{"path": "a.py", "content": "..."}' | codewren hook
    """  # noqa: D301  click wants the character itself
    try:
        text = _answer(root, Chosen(**options))
    except Exception as error:
        click.echo(f"codewren hook: {' '.join(str(error).split())[:500] or type(error).__name__}", err=True)
        return
    if text:
        click.echo(text)


def _answer(root: Path | None, chosen: Chosen) -> str:
    from codewren.agent.tool_call import read_call
    from codewren.agent.write_warning import answer
    from codewren.core.errors import InputError
    from codewren.index.tree_root import tree_around

    raw = sys.stdin.buffer.read(LARGEST_CALL_BYTES + 1)
    if len(raw) > LARGEST_CALL_BYTES:
        raise InputError(f"the tool call has more than {LARGEST_CALL_BYTES} bytes")
    call = read_call(raw.decode("utf-8", "replace"))
    if call is None:
        return ""
    with opened(root or tree_around(call.folder or None), chosen) as index:
        return answer(index, call)
