"""`codewren graph`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codewren.core.errors import InputError, nearest

if TYPE_CHECKING:
    from codewren.dataflow.draw import Drawn
    from codewren.dataflow.graph import Mode
    from codewren.syntax.functions import Function


@click.command()
@click.argument("file")
@click.option("--function", "wanted", help="Only the function of this name, also one inside another.")
@click.option("--language", help="c, cpp, java or python; by default as the name of the file says.")
@click.option("--format", "form", type=click.Choice(["text", "json", "dot", "svg"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option(
    "--mode",
    type=click.Choice(["repaired", "papers"]),
    default="repaired",
    show_default=True,
    help="papers: as the papers' released code, defects included (java and c).",
)
def graph(file: str, wanted: str | None, language: str | None, form: str, out: Path | None, mode: "Mode") -> None:
    """Show the data flow of each function in FILE, or on standard input (-): which value comes from where.

    The graph is what GraphCodeBERT reads beside the code. A text without a function is shown as a whole; svg draws the
    source with an arc for every edge.
    """
    from codewren.dataflow import draw

    language = language or _language(file)
    functions = _drawn(_read(file), language, mode, wanted)
    if form == "json":
        shown = json.dumps(_as_json(file, language, mode, functions), indent=2, ensure_ascii=False)
    elif form == "text":
        shown = "\n\n".join(_table(drawn) for drawn in functions)
    else:
        shown = draw.dot(functions) if form == "dot" else draw.svg(functions)
    if out is None:
        click.echo(shown)
    else:
        from codewren.core.files import write_bytes

        write_bytes(out, (shown + "\n").encode("utf-8", "replace"))
        click.echo(f"{out}: {len(functions)} functions", err=True)


def _language(file: str) -> str:
    from codewren.dataflow.extract import LANGUAGES
    from codewren.syntax.file_names import language_of

    found = language_of(file, LANGUAGES)
    if found is None:
        raise InputError(f"{file}: the name does not tell the language; give --language, one of {', '.join(LANGUAGES)}")
    return found


def _read(file: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        content.decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {error.start} is not UTF-8; convert the file to UTF-8 first") from None
    return content


def _drawn(content: bytes, language: str, mode: "Mode", wanted: str | None) -> "list[Drawn]":
    """The graphs of the functions that are asked for."""
    from codewren.dataflow import data_flow
    from codewren.dataflow.draw import Drawn
    from codewren.dataflow.extract import LANGUAGES
    from codewren.syntax.functions import extract

    if language not in LANGUAGES:
        raise InputError(f"no data flow for language {language!r}; {nearest(language, LANGUAGES)}")
    functions = extract(content, language).functions
    if wanted is not None:
        functions = _named(functions, wanted)
    elif functions:
        functions = _outermost(functions)
    else:
        return [Drawn("(whole text)", 1, 0, data_flow(content.decode(), language, mode=mode))]
    return [
        Drawn(
            function.name,
            function.start_line,
            function.start_byte,
            data_flow(content[function.start_byte : function.end_byte].decode("utf-8", "replace"), language, mode=mode),
        )
        for function in functions
    ]


def _named(functions: "Sequence[Function]", wanted: str) -> "tuple[Function, ...]":
    """Functions of that name, with what it is qualified by or without."""
    found = tuple(
        function
        for function in functions
        if wanted == function.name or function.name.endswith((f".{wanted}", f"::{wanted}"))
    )
    if not found:
        names = {function.name for function in functions}
        hint = nearest(wanted, names) if names else "the file has none"
        raise InputError(f"no function {wanted!r}; {hint}")
    return found


def _outermost(functions: "Sequence[Function]") -> "tuple[Function, ...]":
    """Functions that are not inside another, whose graph shows them, too."""
    outermost, end = [], -1
    for function in functions:
        if function.end_byte > end:
            outermost.append(function)
            end = function.end_byte
    return tuple(outermost)


def _table(drawn: "Drawn") -> str:
    """One line for each node: where it stands, its text, and where its value comes from."""
    from codewren.dataflow.draw import Places

    flow, places = drawn.flow, Places(drawn)
    at = ["{}:{}".format(*places.of(flow.tokens[node.token].start)) for node in flow.nodes]
    names = [" ".join(node.name.split()) for node in flow.nodes]
    rows: list[tuple[str, str, str, str]] = [("where", "token", "relation", "from")]
    rows += [
        (at[index], names[index], node.relation if node.sources else "", _sources(node.sources, names, at))
        for index, node in enumerate(flow.nodes)
    ]
    head = f"{drawn.name}  line {drawn.first_line}, {len(flow.nodes)} nodes, {len(flow.edges)} edges"
    if flow.has_errors:
        head += ", with text the parser could not follow"
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (
        f"  {where:>{widths[0]}}  {token:<{widths[1]}}  {relation:<{widths[2]}}  {sources}".rstrip()
        for where, token, relation, sources in rows
    )
    return "\n".join([head, *lines])


def _sources(sources: Sequence[int], names: Sequence[str], at: Sequence[str]) -> str:
    return ", ".join(f"{names[source]} {at[source]}" for source in sources)


def _as_json(file: str, language: str, mode: str, functions: "Sequence[Drawn]") -> dict[str, Any]:
    """Everything, with offsets in the bytes of the file."""
    from codewren.dataflow.draw import Places

    made = []
    for drawn in functions:
        flow, places = drawn.flow, Places(drawn)
        tokens = []
        for token in flow.tokens:
            line, column = places.of(token.start)
            start, end = token.start + drawn.first_byte, token.end + drawn.first_byte
            tokens.append({"text": token.text, "start": start, "end": end, "line": line, "column": column})
        nodes = [
            {"token": node.token, "name": node.name, "relation": node.relation, "sources": list(node.sources)}
            for node in flow.nodes
        ]
        made.append({"name": drawn.name, "has_errors": flow.has_errors, "tokens": tokens, "nodes": nodes})
    return {"file": file, "language": language, "mode": mode, "functions": made}
