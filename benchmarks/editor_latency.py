"""What a keystroke costs the language server: from an edit to the diagnostics, in files of growing length.

    python benchmarks/editor_latency.py
    python benchmarks/editor_latency.py --lines 2000 --file some.c --workspace src/

Each keystroke changes one function, in turn. Three figures a file: the processor time that the server's own code takes
for it (edit, judging, diagnostics, JSON), that of the whole server process, and the time that passes until the client,
on the other end of a pipe, has the diagnostics (on a busy machine this one says little).
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from codewren.editor.client_settings import ClientSettings
from codewren.editor.judging import Judges
from codewren.editor.messages import diagnostics
from codewren.editor.open_documents import Edit, OpenDocuments
from codewren.editor.positions import Position
from codewren.editor.workspace_index import index_workspace
from codewren.index.tree_index import Index
from codewren.syntax.file_names import language_of
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES

LENGTHS = (500, 2_000, 8_000)
STDLIB = Path(sysconfig.get_paths()["stdlib"])
EXAMPLES = ("argparse.py", "typing.py", "inspect.py", "turtle.py", "subprocess.py", "tarfile.py")
TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.0


def text_of(lines: int, file: Path | None) -> tuple[str, str]:
    """A text of about so many lines, and its language: a file, or Python's own modules behind each other."""
    language = language_of(file.name, LANGUAGES) if file else "python"
    sources = [file] if file else [STDLIB / name for name in EXAMPLES]
    rows = [row for source in sources for row in source.read_text(encoding="utf-8", errors="replace").split("\n")]
    return "\n".join((rows * (lines // len(rows) + 1))[:lines]) + "\n", str(language)


def keystroke_lines(text: str, language: str) -> list[int]:
    """Lines, from 0, inside functions."""
    return [one.end_line - 1 for one in extract(text.encode(), language).functions if one.end_line > one.start_line]


def own_cost_s(text: str, language: str, judges: Judges, keystrokes: int) -> list[float]:
    """Processor time of the server's own work for each keystroke."""
    documents, costs = OpenDocuments("utf-16"), []
    judges.judge(documents.open("file:///b", "/b", language, version=0, text=text))
    lines = keystroke_lines(text, language)
    for number in range(keystrokes):
        line = lines[number * 7 % len(lines)]
        started = time.process_time()
        document = documents.change("file:///b", number, [Edit(" ", Position(line, 0), Position(line, 0))])
        assert document is not None
        told = diagnostics(judges.judge(document), lambda _, lines=document.lines: lines)
        json.dumps([str(one) for one in told])
        costs.append(time.process_time() - started)
    return costs


def process_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


async def server_cost_s(text: str, language: str, root: Path, keystrokes: int) -> tuple[float, list[float]]:
    """Mean processor time of the server process for a keystroke, and the time until each one's diagnostics are here."""
    client, arrived = LanguageClient("benchmark", "1"), asyncio.Queue[int | None]()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams) -> None:
        arrived.put_nowait(params.version)

    await client.start_io(sys.executable, "-m", "codewren", "lsp")
    options = {"models": ["clones"], "workspace": False}
    await client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), root_uri=root.as_uri(), initialization_options=options)
    )
    client.initialized(types.InitializedParams())
    uri = (root / "keystrokes").as_uri()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, language, 0, text)))
    await arrived.get()
    lines, waits = keystroke_lines(text, language), []
    pid = client._server.pid  # the library keeps it to itself
    before = process_s(pid)
    for number in range(1, keystrokes + 1):
        position = types.Position(lines[number * 7 % len(lines)], 0)
        change = types.TextDocumentContentChangePartial(types.Range(position, position), " ")
        started = time.perf_counter()
        identifier = types.VersionedTextDocumentIdentifier(number, uri)
        client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
        while await arrived.get() != number:
            pass
        waits.append(time.perf_counter() - started)
    spent = (process_s(pid) - before) / keystrokes
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return spent, waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="*", default=LENGTHS)
    parser.add_argument("--file", type=Path, help="source file whose lines are taken; by default modules of Python")
    parser.add_argument("--workspace", type=Path, default=STDLIB / "asyncio", help="folder that is compared with")
    parser.add_argument("--keystrokes", type=int, default=40)
    arguments = parser.parse_args()
    judges = Judges(ClientSettings(), (str(arguments.workspace.resolve()),))
    judges.load()
    index_workspace(judges, print, lambda: False)
    with Index.open(arguments.workspace) as index:
        print(f"compared with {len(index)} functions; {arguments.keystrokes} keystrokes a file, ms\n")
    print("| lines | own work, median | worst | server process, mean | round trip, median | best |")
    print("|---|---|---|---|---|---|")
    for count in arguments.lines:
        text, language = text_of(count, arguments.file)
        own = own_cost_s(text, language, judges, arguments.keystrokes)
        with tempfile.TemporaryDirectory() as folder:
            spent, waits = asyncio.run(server_cost_s(text, language, Path(folder), arguments.keystrokes))
        figures = [statistics.median(own), max(own), spent, statistics.median(waits), min(waits)]
        print(f"| {text.count(chr(10)):,} | " + " | ".join(f"{1_000 * figure:.1f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
