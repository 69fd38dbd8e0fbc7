"""The language server: the protocol's messages become calls of a session.

pygls keeps documents too, but cuts lines as `str.splitlines` does, so that a form feed moves every later edit; its
handlers of documents are replaced.
"""

import os
import sys
from collections.abc import Generator
from contextlib import suppress
from typing import Any, BinaryIO, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method
from pygls.uris import to_fs_path

from codewren.core.errors import CodewrenError
from codewren.editor.bounded_input import BoundedInput
from codewren.editor.client_settings import SECTION, updated
from codewren.editor.code_actions import ADD_TO_BASELINE, OPEN_OTHER, code_actions
from codewren.editor.hovers import hover_text
from codewren.editor.judging import EditorFinding, Judgement
from codewren.editor.messages import diagnostics, other_place
from codewren.editor.open_documents import Edit
from codewren.editor.positions import Position
from codewren.editor.project_defaults import ProjectDefaults
from codewren.editor.session import Session
from codewren.scan.known import write_baseline
from codewren.scan.source_lines import NOTEBOOK
from codewren.syntax.file_names import SUFFIXES, language_of
from codewren.syntax.grammars import LANGUAGES

LANGUAGE_IDS = {**{name: name for name in LANGUAGES}, "javascriptreact": "javascript", "typescriptreact": "tsx"}
"""Languages by the names that editors give them."""
_WATCHED = f"**/*.{{{','.join(sorted(suffix[1:] for suffix in SUFFIXES))}}}"


class _Protocol(LanguageServerProtocol):
    """Hands document messages on without keeping texts of its own."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_OPEN], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> Generator[Any, Any, None]:
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE], (params,), None


class EditorServer(LanguageServer):
    """A server with its session."""

    def __init__(self, version: str) -> None:
        super().__init__("codewren", version, protocol_cls=_Protocol, max_workers=2)
        self.session = Session(self._publish, self._remark)
        self.first_settings: object = None

    def finding(self, uri: str, fingerprint: str) -> EditorFinding | None:
        """A finding that was published."""
        judgement = self.session.judgements.get(uri)
        findings = judgement.findings if judgement else ()
        return next((one for one in findings if one.finding.fingerprint == fingerprint), None)

    def can_show(self) -> bool:
        """Whether the editor opens a place when it is asked to."""
        window = self.client_capabilities.window
        return bool(window and window.show_document and window.show_document.support)

    async def pull_settings(self) -> None:
        """Ask the editor for its settings, where it answers such questions."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.configuration:
            asked = types.ConfigurationParams([types.ConfigurationItem(section=SECTION)])
            try:
                answers = await self.workspace_configuration_async(asked)
            except JsonRpcException as error:
                self.session.tell_once(f"codewren: the editor does not tell its settings ({error})")
                return
            self.take_settings(answers[0] if answers else None)

    def take_settings(self, values: object) -> None:
        """Change what the editor says, which is all it wants changed, and tell what it says wrongly."""
        defaults = self._project_defaults()
        self.session.judges.folders = defaults.folders
        begun, _ = updated(defaults.settings, self.first_settings)
        self.session.judges.settings, remarks = updated(begun, values)
        for remark in remarks:
            self.session.tell_once(f"codewren: {remark}")

    def _project_defaults(self) -> ProjectDefaults:
        roots = self.session.judges.roots
        try:
            return ProjectDefaults.of(roots[0]) if roots else ProjectDefaults()
        except CodewrenError as error:
            self.session.tell_once(f"codewren: {error}")
            return ProjectDefaults()

    def _publish(self, judgement: Judgement) -> None:
        document = judgement.document
        is_open = document.uri in self.session.documents.by_uri
        told = diagnostics(judgement, self.session.lines_of) if is_open else []
        version = document.version if is_open else None
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, told, version))

    def _remark(self, text: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Warning, text))


def make_server(version: str) -> EditorServer:
    """A server with all its features, which `start_io` starts."""
    server = EditorServer(version)
    _add_life(server)
    _add_documents(server)
    _add_questions(server)
    _add_commands(server)
    return server


def serve(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Speak the protocol until the editor goes away."""
    from codewren import __version__

    server = make_server(__version__)
    try:
        server.start_io(cast(BinaryIO, BoundedInput(stdin)), stdout)
    finally:
        server.session.stop()


def _add_life(server: EditorServer) -> None:
    session = server.session

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        encoding = str(getattr(server.workspace.position_encoding, "value", server.workspace.position_encoding))
        session.documents.encoding = "utf-8" if encoding == "utf-8" else "utf-32" if encoding == "utf-32" else "utf-16"
        session.judges.roots = _roots(params)
        if session.judges.roots:
            with suppress(OSError):
                os.chdir(session.judges.roots[0])  # models and patterns are relative to it, as for a scan
        server.first_settings = params.initialization_options
        server.take_settings(params.initialization_options)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        await server.pull_settings()
        await session.load_models()
        _watch_files(server)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        server.take_settings(params.settings)
        await server.pull_settings()
        await session.load_models()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        folders = {to_fs_path(uri) for uri in server.workspace.folders}
        session.judges.roots = tuple(sorted(folder for folder in folders if folder))
        session.read_workspace()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        for change in params.changes:
            if path := to_fs_path(change.uri):
                session.refresh(path)

    @server.feature(types.SHUTDOWN)
    def shutdown(*_: object) -> None:
        session.stop()


def _roots(params: types.InitializeParams) -> tuple[str, ...]:
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    paths = [to_fs_path(uri) for uri in uris] or [params.root_path]
    return tuple(path for path in paths if path)


def _watch_files(server: EditorServer) -> None:
    workspace = server.client_capabilities.workspace
    watching = workspace.did_change_watched_files if workspace else None
    if watching and watching.dynamic_registration:
        options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(_WATCHED)])
        watch = types.Registration("codewren-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        server.client_register_capability(types.RegistrationParams([watch]))


def _add_documents(server: EditorServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        path = to_fs_path(item.uri) if item.uri.startswith("file:") else None
        language = LANGUAGE_IDS.get(item.language_id)
        if language is None and not item.uri.endswith(NOTEBOOK):  # whose text is JSON; its cells have a language
            language = language_of(path or item.uri, LANGUAGES)
        if language is not None:
            session.documents.open(item.uri, path, language, version=item.version, text=item.text)
            session.judge_soon(item.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        if session.documents.change(document.uri, document.version, map(_edit, params.content_changes)):
            session.judge_soon(document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        session.judge_all()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        session.close(params.text_document.uri)


def _edit(change: types.TextDocumentContentChangeEvent) -> Edit:
    if isinstance(change, types.TextDocumentContentChangePartial):
        start, end = change.range.start, change.range.end
        return Edit(change.text, Position(start.line, start.character), Position(end.line, end.character))
    return Edit(change.text)


def _add_questions(server: EditorServer) -> None:
    session = server.session

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        judgement = _current(server, params.text_document.uri)
        if judgement is None:
            return None
        position = Position(params.position.line, params.position.character)
        text = await session.run(lambda: hover_text(session.judges, judgement, position, session.lines_of))
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if text else None

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        judgement = _current(server, params.text_document.uri)
        if judgement is None:
            return []
        baseline = session.judges.settings.baseline
        return code_actions(judgement, params.range, can_show=server.can_show(), baseline=baseline)


def _current(server: EditorServer, uri: str) -> Judgement | None:
    """The judgement of a document, if it is of the version that is open."""
    judgement = server.session.judgements.get(uri)
    document = server.session.documents.by_uri.get(uri)
    return judgement if judgement and judgement.document is document else None


def _add_commands(server: EditorServer) -> None:
    session = server.session

    @server.command(ADD_TO_BASELINE)
    async def add_to_baseline(uri: str, fingerprint: str) -> None:
        found, document = server.finding(uri, fingerprint), session.documents.by_uri.get(uri)
        path = session.judges.baseline(document.path) if document and document.path else None
        model = next((model for model in session.judges.models if found and model.judge.task == found.task), None)
        if found is None or path is None or model is None:
            return
        try:
            write_baseline(path, [found.finding], model.origin(), is_scanned=lambda _: False)
        except CodewrenError as error:
            server.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"codewren: {error}"))
        session.judge_all()

    @server.command(OPEN_OTHER)
    async def open_other(uri: str, fingerprint: str, number: int) -> None:
        found = server.finding(uri, fingerprint)
        if found is None or not 0 <= number < len(found.others):
            return
        path, span = found.others[number]
        where = other_place(path, span, found.finding.others[number], session.lines_of)
        shown = types.ShowDocumentParams(where.uri, take_focus=True, selection=where.range)
        await server.window_show_document_async(shown)


def private_output() -> BinaryIO:
    """Standard output for the protocol alone: what anything else prints goes to standard error from now on."""
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    return protocol
