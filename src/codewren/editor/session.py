"""One editor's session: its documents, what was said of them, and the work that is still to do.

Documents are judged one after another in a thread of their own, so that the server answers meanwhile. A document that
is edited again before its turn is judged once, as it is then; a judgement of an old version is dropped.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from codewren.editor.judging import Judgement, Judges
from codewren.editor.open_documents import OpenDocument, OpenDocuments
from codewren.editor.positions import LineIndex
from codewren.editor.workspace_index import index_workspace

Answer = TypeVar("Answer")
WAIT_SHARE = 0.5
"""Of the time that judging a document took the last time: how long to wait for the next keystroke."""
LONGEST_WAIT_S = 1.0


@dataclass(slots=True)
class Session:
    """The state of one session.

    Attributes:
        publish: called with each judgement.
        remark: called with what the user should know.
        documents: that are open.
        judges: what judges them.
        judgements: the last one of each document.
        is_ready: whether the models are loaded.
    """

    publish: Callable[[Judgement], None]
    remark: Callable[[str], None]
    documents: OpenDocuments = field(default_factory=OpenDocuments)
    judges: Judges = field(default_factory=Judges)
    judgements: dict[str, Judgement] = field(default_factory=dict)
    is_ready: bool = False
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "codewren-judge"))
    _waiting: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _last_cost_s: dict[str, float] = field(default_factory=dict)
    _stop_reading: threading.Event = field(default_factory=threading.Event)
    _reading: threading.Thread | None = None
    _told: set[str] = field(default_factory=set)

    def lines_of(self, path: str) -> LineIndex | None:
        """The text of an open file."""
        for document in self.documents.by_uri.values():
            if path in {document.path, document.uri}:
                return document.lines
        return None

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do something where documents are judged, after what waits there already."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def load_models(self) -> None:
        """Load what the settings name, judge what is open, and read the workspace in the background."""
        for remark in await self.run(self.judges.load):
            self.tell_once(remark)
        self.is_ready = True
        self.judge_all()
        self.read_workspace()

    def judge_soon(self, uri: str) -> None:
        """Judge a document when it rests; work on an older version of it is given up.

        Before the models are loaded, nothing is said: that would look like a clean document.
        """
        if not self.is_ready:
            return
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self._waiting[uri] = asyncio.ensure_future(self._judge(uri))

    def judge_all(self, *, but: str = "") -> None:
        """Judge all open documents, or all others: what one holds is compared with the rest."""
        for uri in self.documents.by_uri:
            if uri != but:
                self.judge_soon(uri)

    def close(self, uri: str) -> None:
        """Forget a document; what is compared with it is compared with its file from now on."""
        document = self.documents.by_uri.get(uri)
        if document is None:
            return
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self.documents.close(uri)
        self.judgements.pop(uri, None)
        self._last_cost_s.pop(uri, None)
        self.publish(Judgement(document))
        self._worker.submit(self.judges.close, document.path or document.uri)

    def refresh(self, path: str) -> None:
        """A file that is not open has changed."""
        if self.lines_of(path) is None:
            self._worker.submit(self.judges.refresh, path)

    def read_workspace(self) -> None:
        """Bring the index of the workspace up to date in the background, then judge what is open again."""
        self._stop_reading.set()
        self._stop_reading = stop = threading.Event()
        loop = asyncio.get_running_loop()

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(self.tell_once, text)

        async def take() -> None:
            await self.run(self.judges.catch_up)
            self.judge_all()

        def read() -> None:
            if index_workspace(self.judges, tell, stop.is_set):
                loop.call_soon_threadsafe(lambda: asyncio.ensure_future(take()))

        self._reading = threading.Thread(target=read, name="codewren-workspace", daemon=True)
        self._reading.start()

    def stop(self) -> None:
        """End all work."""
        self._stop_reading.set()
        if self._reading is not None:
            self._reading.join(LONGEST_WAIT_S)  # it ends the process that it started
        self._worker.shutdown(wait=False, cancel_futures=True)

    def tell_once(self, text: str) -> None:
        """Tell the user something that is worth saying once."""
        if text not in self._told:
            self._told.add(text)
            self.remark(text)

    async def _judge(self, uri: str) -> None:
        await asyncio.sleep(min(LONGEST_WAIT_S, WAIT_SHARE * self._last_cost_s.get(uri, 0.0)))
        document = self.documents.by_uri.get(uri)
        if document is None:
            return
        judgement = await asyncio.get_running_loop().run_in_executor(self._worker, self._timed, document)
        if self.documents.by_uri.get(uri) is document:
            self.judgements[uri] = judgement
            self.publish(judgement)
            if judgement.remark:
                self.tell_once(judgement.remark)

    def _timed(self, document: OpenDocument) -> Judgement:
        started = time.perf_counter()
        try:
            return self.judges.judge(document)
        except Exception as error:  # one document's trouble is no reason to leave the others
            return Judgement(document, remark=f"{document.uri}: not judged ({type(error).__name__}: {error})")
        finally:
            self._last_cost_s[document.uri] = time.perf_counter() - started
