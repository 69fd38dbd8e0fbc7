"""`codewren mcp`."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from codewren.cli.index import Chosen, index_options, opened, updated
from codewren.core.errors import MissingExtraError


@click.command()
@click.argument("root", default=".", metavar="[ROOT]", type=click.Path(path_type=Path))
@index_options
def mcp(root: Path, **options: Any) -> None:
    """Serve a coding agent about the tree ROOT, over the Model Context Protocol on standard input and output.

    Tools: find_similar, check_duplicates (of a diff, or of a text not saved yet), explain, scan. The index of the tree
    is built first. Paths outside ROOT are refused; nothing touches the network. Needs the extra `mcp`.

    \b
      claude mcp add codewren -- codewren mcp /path/to/project
    """  # noqa: D301  click wants the character itself
    if find_spec("mcp") is None:
        raise MissingExtraError("mcp", "mcp")
    from codewren import __version__
    from codewren.agent.tool_server import server

    chosen = Chosen(**options)
    with opened(root, chosen) as index:
        updated(index, chosen)
        os.chdir(index.root)
        server(index, __version__).run("stdio")
