"""The language server as an editor meets it: a process that speaks over standard input and output."""

import asyncio
import sys
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

pytestmark = pytest.mark.asyncio
BODY = """
    total = 0
    for number, item in enumerate(items):
        if item.price > limit and item.count:
            total += item.price * item.count + number
        elif item.count < 0:
            raise ValueError(item.name)
    return total
"""
SUM = f"def summed(items, limit):{BODY}"
RENAMED = SUM.replace("summed", "added").replace("item", "thing").replace("total", "result")
OTHER = """def lonely(a, b):
    if a:
        b = a[0]
    for x in b:
        print(x)
    while a:
        a.pop()
    return {1: a}
"""
C = (Path(__file__).resolve().parents[2] / "examples/request.c").read_text(encoding="utf-8")


def python(path: Path, text: str) -> types.TextDocumentItem:
    return types.TextDocumentItem(path.as_uri(), "python", 1, text)


async def opened(client: LanguageClient, item: types.TextDocumentItem) -> list[types.Diagnostic]:
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    return await published(client, item.uri, item.version)


async def published(client: LanguageClient, uri: str, version: int | None, *, count: int | None = None):
    """The diagnostics of a version of a document, as soon as there are `count`."""
    while True:
        params = await asyncio.wait_for(client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS), 60)
        if params.uri == uri and params.version == version and count in {None, len(params.diagnostics)}:
            return params.diagnostics


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, "-m", "codewren", "lsp"]))
async def client(lsp_client: LanguageClient, tmp_path: Path):
    (tmp_path / "work").mkdir()
    capabilities = types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(configuration=True),
        window=types.WindowClientCapabilities(show_document=types.ShowDocumentClientCapabilities(support=True)),
    )
    folder = types.WorkspaceFolder((tmp_path / "work").as_uri(), "work")
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[folder],
            initialization_options={"models": ["clones", "vulnerability-c"], "workspace": False},
        )
    )
    yield
    await lsp_client.shutdown_session()


async def test_a_renamed_copy_is_marked_with_the_other_place(client: LanguageClient, tmp_path: Path):
    path = tmp_path / "work/a.py"
    found = await opened(client, python(path, f"{SUM}\n\n{RENAMED}\n\n{OTHER}"))
    assert [(one.range.start.line, one.range.start.character, one.range.end.character) for one in found] == [
        (0, 4, 10),
        (10, 4, 9),
    ]
    assert [one.related_information[0].location.range.start.line for one in found] == [10, 0]
    assert {one.severity for one in found} == {types.DiagnosticSeverity.Information}
