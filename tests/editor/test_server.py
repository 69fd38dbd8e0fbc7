"""The language server as an editor meets it: a process that speaks over standard input and output."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from editor.language_client import (
    LINES_APART,
    LONELY,
    PAIR,
    RENAMED,
    REQUEST_C,
    SUM,
    actions,
    document,
    edited,
    hovered,
    make_client,
    opened,
    performed,
    published,
)

pytestmark = pytest.mark.asyncio
CACHE = tempfile.TemporaryDirectory(prefix="codewren-cache-")  # of indexes; the user's own is left alone
SERVER = ClientServerConfig(
    server_command=[sys.executable, "-m", "codewren", "lsp"],
    client_factory=make_client,
    server_env={**os.environ, "XDG_CACHE_HOME": CACHE.name},
)


def capabilities(*encodings: types.PositionEncodingKind) -> types.ClientCapabilities:
    return types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(configuration=True),
        window=types.WindowClientCapabilities(show_document=types.ShowDocumentClientCapabilities(support=True)),
        general=types.GeneralClientCapabilities(position_encodings=list(encodings)) if encodings else None,
    )


def start(root: Path, *encodings: types.PositionEncodingKind, **options: object) -> types.InitializeParams:
    return types.InitializeParams(
        capabilities=capabilities(*encodings),
        workspace_folders=[types.WorkspaceFolder(root.as_uri(), root.name)],
        initialization_options=options,
    )


@pytest_lsp.fixture(config=SERVER)
async def client(lsp_client: LanguageClient, tmp_path: Path):
    """An editor that compares open documents with each other."""
    await lsp_client.initialize_session(start(tmp_path, models=["clones", "vulnerability-c"], workspace=False))
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(config=SERVER)
async def wide_client(lsp_client: LanguageClient, tmp_path: Path):
    """An editor with a workspace of two files, one of them a copy of what will be opened."""
    (tmp_path / "copied.py").write_text(RENAMED)
    (tmp_path / "other.py").write_text(LONELY)
    await lsp_client.initialize_session(start(tmp_path))
    yield
    await lsp_client.shutdown_session()


@pytest_lsp.fixture(config=SERVER, params=["utf-8", "utf-16", "utf-32"])
async def spoken_client(request: pytest.FixtureRequest, lsp_client: LanguageClient, tmp_path: Path):
    """An editor that counts columns in one encoding."""
    encoding = types.PositionEncodingKind(request.param)
    result = await lsp_client.initialize_session(start(tmp_path, encoding, workspace=False))
    assert result.capabilities.position_encoding == encoding
    lsp_client.encoding = request.param
    yield
    await lsp_client.shutdown_session()


async def test_a_renamed_copy_is_marked_with_the_other_place(client: LanguageClient, tmp_path: Path):
    told = await opened(client, document(tmp_path / "a.py", PAIR))
    ranges = [(one.range.start.line, one.range.start.character, one.range.end.character) for one in told]
    assert ranges == [(0, 4, 10), (LINES_APART, 4, 9)]
    assert [one.related_information[0].location.range.start.line for one in told] == [LINES_APART, 0]
    assert {one.severity for one in told} == {types.DiagnosticSeverity.Information}
    assert told[0].message == f"summed is a renamed copy of added (a.py:{LINES_APART + 1})"


async def test_an_alarm_of_a_model_of_functions_is_a_warning(client: LanguageClient, tmp_path: Path):
    told = await opened(client, document(tmp_path / "request.c", REQUEST_C, "c"))
    assert [(one.range.start.line + 1, one.code, one.severity) for one in told] == [
        (12, "vulnerability", types.DiagnosticSeverity.Warning),
        (25, "vulnerability", types.DiagnosticSeverity.Warning),
    ]


async def test_an_edit_is_answered_by_the_diagnostics_of_its_version(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", PAIR)
    await opened(client, item)
    moved = await edited(client, item, "# 😋\n\n", 0, 0, 0, 0)
    assert [one.range.start.line for one in moved] == [2, LINES_APART + 2]
    gone = await edited(client, item, "    limit = {limit: [item for item in items if not item]}\n" * 9, 3, 0, 7, 0)
    assert gone == []
    back = await edited(client, item, PAIR)
    assert len(back) == 2


async def test_a_copy_in_another_open_document_is_marked(client: LanguageClient, tmp_path: Path):
    other = document(tmp_path / "b.py", RENAMED)
    assert await opened(client, other) == []
    told = await opened(client, document(tmp_path / "a.py", SUM))
    assert told[0].related_information[0].location.uri == other.uri


async def test_a_copy_in_a_file_of_the_workspace_is_marked(wide_client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", SUM)
    wide_client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    (told,) = await published(wide_client, item.uri, count=1)
    where = told.related_information[0].location
    assert (where.uri, where.range.start.line) == ((tmp_path / "copied.py").as_uri(), 0)


async def test_a_file_that_was_closed_is_compared_as_it_is_on_disk(wide_client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", SUM)
    await opened(wide_client, document(tmp_path / "copied.py", LONELY + RENAMED))
    wide_client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    (told,) = await published(wide_client, item.uri, count=1)
    assert told.related_information[0].location.range.start.line == LONELY.count("\n")
    other = types.TextDocumentIdentifier((tmp_path / "copied.py").as_uri())
    wide_client.text_document_did_close(types.DidCloseTextDocumentParams(other))
    (told,) = await edited(wide_client, item, SUM + "\n")
    assert told.related_information[0].location.range.start.line == 0


async def test_a_file_that_changed_on_disk_is_compared_as_it_is_now(wide_client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", SUM)
    wide_client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    await published(wide_client, item.uri, count=1)
    (tmp_path / "copied.py").unlink()
    event = types.FileEvent((tmp_path / "copied.py").as_uri(), types.FileChangeType.Deleted)
    wide_client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    assert await edited(wide_client, item, SUM + "\n") == []


async def test_closing_a_document_takes_its_diagnostics_away(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", PAIR)
    await opened(client, item)
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(item.uri)))
    assert await published(client, item.uri) == []


@pytest.mark.parametrize(
    ("above", "line"),
    [("x = 1\f\n", 1), ("x = 1\f# \u2028 \x85\r\n", 1), ("'😋𝒳'\n\f\n", 2), ("# a\r# b\r\n", 2)],
    ids=["form feed", "unicode line ends", "astral", "carriage return"],
)
async def test_lines_are_those_of_the_editor(client: LanguageClient, tmp_path: Path, above: str, line: int):
    item = document(tmp_path / "a.py", above + PAIR)
    told = await opened(client, item)
    assert [one.range.start.line for one in told] == [line, line + LINES_APART]
    told = await edited(client, item, "shorter", line, 4, line, 10)  # the name of the first function
    assert told[0].message.startswith("shorter is a renamed copy")
    assert told[0].range.end.character == 4 + len("shorter")


async def test_columns_count_in_the_encoding_agreed_on(spoken_client: LanguageClient, tmp_path: Path):
    body = "{ int b = a; b++; b += 2; b += 3;\n b += 4;\n b -= a * 2;\n b *= 2;\n b *= 3;\n return b;\n}\n"
    text = f"/* 😋é */ int first(int a) {body}/* € */ int second(int a) {body}"
    told = await opened(spoken_client, document(tmp_path / "a.c", text, "c"))
    columns = [one.range.start.character for one in told]
    before = ["/* 😋é */ int ", "/* € */ int "]
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[spoken_client.encoding]
    assert columns == [
        len(start.encode(f"{spoken_client.encoding}-le".replace("8-le", "8"))) // width for start in before
    ]


async def test_silencing_writes_the_comment_that_a_scan_reads(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", PAIR)
    await opened(client, item)
    silence = (await actions(client, item, 0))[0]
    (edit,) = silence.edit.changes[item.uri]
    assert edit.new_text == "# codewren: ignore[clone]\n"
    left = await edited(client, item, edit.new_text, 0, 0, 0, 0)
    assert left == []  # the other function has no other clone than the silent one


async def test_an_added_finding_is_known_to_the_editor_and_to_a_scan(client: LanguageClient, tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_text(PAIR)
    item = document(path, PAIR)
    await opened(client, item)
    add = next(one for one in await actions(client, item, 0) if "known findings" in one.title)
    await performed(client, add.command)
    assert await published(client, item.uri) == []
    entries = json.loads((tmp_path / "codewren.baseline.json").read_text())["findings"]
    assert [(entry["path"], entry["name"]) for entry in entries] == [("a.py", "summed")]


async def test_the_other_place_is_opened_by_the_editor(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", PAIR)
    await opened(client, item)
    show = next(one for one in await actions(client, item, 0) if one.title.startswith("Open added"))
    await performed(client, show.command)
    (shown,) = client.shown_documents
    assert (shown.uri, shown.selection.start.line) == (item.uri, LINES_APART)


async def test_hovering_over_a_name_shows_what_carries_the_finding(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "request.c", REQUEST_C, "c")
    await opened(client, item)
    text = await hovered(client, item, 11)
    assert "read_request" in text
    lines = REQUEST_C.splitlines()
    told = [line for line in text.splitlines() if line.startswith("- line ")]
    assert told
    for line in told:
        number = int(line.split()[2])
        assert lines[number - 1].strip()[:60] in line
    assert await hovered(client, item, 0) == ""


@pytest.mark.parametrize(
    "text",
    ["\0", "(" * 5_000, "def f(:\n" * 400, "\ud83d", "é" * 600_000, "\f\r\u2028"],
    ids=["nul", "deep", "broken", "half a pair", "large", "odd lines"],
)
async def test_a_broken_document_does_not_end_the_server(client: LanguageClient, tmp_path: Path, text: str):
    await opened(client, document(tmp_path / "broken.py", text))
    assert len(await opened(client, document(tmp_path / "a.py", PAIR))) == 2


async def test_messages_about_what_is_not_open_are_survived(client: LanguageClient, tmp_path: Path):
    stranger = document(tmp_path / "never.py", "")
    where = types.TextDocumentIdentifier(stranger.uri)
    change = types.TextDocumentContentChangeWholeDocument("x = 1\n")
    identifier = types.VersionedTextDocumentIdentifier(9, stranger.uri)
    client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))
    client.text_document_did_close(types.DidCloseTextDocumentParams(where))
    assert await actions(client, stranger, 0) == []
    assert await hovered(client, stranger, 0) == ""
    await performed(client, types.Command("", "codewren.addToBaseline", arguments=[stranger.uri, "ff"]))
    await performed(client, types.Command("", "codewren.openOther", arguments=[stranger.uri, "ff", 3]))
    assert len(await opened(client, document(tmp_path / "a.py", PAIR))) == 2


async def test_settings_may_change_while_the_server_runs(client: LanguageClient, tmp_path: Path):
    item = document(tmp_path / "a.py", PAIR)
    await opened(client, item)
    client.set_configuration({"codewren": {"enable": False}})
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    assert await published(client, item.uri) == []
    client.set_configuration({"codewren": {"enable": True, "modles": []}})
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
    assert len(await published(client, item.uri)) == 2
    assert any("did you mean 'models'" in message.message for message in client.log_messages)
