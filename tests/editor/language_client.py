"""A client that speaks with the real server, and the texts that tests open in it."""

import ast
import asyncio
from pathlib import Path

from lsprotocol import types
from pytest_lsp import LanguageClient, make_test_lsp_client

SUM = """def summed(items, limit):
    total = 0
    for number, item in enumerate(items):
        if item.price > limit and item.count:
            total += item.price * item.count + number
        elif item.count < 0:
            raise ValueError(item.name)
    return total
"""
RENAMED = SUM.replace("summed", "added").replace("item", "thing").replace("total", "result")
LONELY = """def lonely(a, b):
    if a:
        b = a[0]
    for x in b:
        print(x)
    while a:
        a.pop()
    return {1: a}
"""
REQUEST_C = (Path(__file__).resolve().parents[2] / "examples/request.c").read_text(encoding="utf-8")
LINES_APART = 10  # from the first function to the second
PAIR = f"{SUM}\n\n{RENAMED}\n\n{LONELY}"
TIMEOUT_S = 60


def make_client() -> LanguageClient:
    """A client that forgets no diagnostics: the library's own waiting misses those that come two at a time."""
    client = make_test_lsp_client()
    client.arrived = asyncio.Queue()
    features = client.protocol.fm.features
    keep = features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS]

    def published(params: types.PublishDiagnosticsParams) -> None:
        keep(params)
        client.arrived.put_nowait(params)

    features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = published
    return client


def document(path: Path, text: str, language: str = "python") -> types.TextDocumentItem:
    return types.TextDocumentItem(path.as_uri(), language, 1, text)


async def opened(client: LanguageClient, item: types.TextDocumentItem) -> list[types.Diagnostic]:
    """Open a document; what is published of it first."""
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    return await published(client, item.uri)


async def edited(client: LanguageClient, item: types.TextDocumentItem, text: str, *where: int):
    """Change a document, or a range of it given as four numbers; what is published of the new version."""
    item.version += 1
    change: types.TextDocumentContentChangeEvent = types.TextDocumentContentChangeWholeDocument(text)
    if where:
        edges = types.Range(types.Position(*where[:2]), types.Position(*where[2:]))
        change = types.TextDocumentContentChangePartial(edges, text)
    identifier = types.VersionedTextDocumentIdentifier(item.version, item.uri)
    client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
    return await published(client, item.uri, version=item.version)


async def published(client: LanguageClient, uri: str, *, version: int | None = None, count: int | None = None):
    """The next diagnostics of a document, of a version or as many as wanted."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            params = await client.arrived.get()
            is_wanted = params.uri == uri and version in {None, params.version}
            if is_wanted and count in {None, len(params.diagnostics)}:
                return list(params.diagnostics)


async def actions(client: LanguageClient, item: types.TextDocumentItem, line: int) -> list[types.CodeAction]:
    """What is offered on a line."""
    edges = types.Range(types.Position(line, 0), types.Position(line, 200))
    context = types.CodeActionContext([])
    params = types.CodeActionParams(types.TextDocumentIdentifier(item.uri), edges, context)
    return list(await client.text_document_code_action_async(params) or [])


async def performed(client: LanguageClient, command: types.Command | str) -> None:
    """Run a command as an editor does when an action is chosen.

    The client's library takes an action with a command for a command, whose name is the action's command as text.
    """
    if isinstance(command, str):
        command = types.Command(**ast.literal_eval(command))
    await client.workspace_execute_command_async(types.ExecuteCommandParams(command.command, command.arguments))


async def hovered(client: LanguageClient, item: types.TextDocumentItem, line: int) -> str:
    """The text shown over a line; "" for none."""
    position = types.Position(line, 5)
    answer = await client.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(item.uri), position))
    return answer.contents.value if answer else ""
