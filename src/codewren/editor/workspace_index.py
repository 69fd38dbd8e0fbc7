"""The functions of a workspace on disk: the index that `codewren similar` and agents use, too.

It is built by a process of its own: parsing the files of strangers takes all cores and may end badly, and typing must
notice neither.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codewren.core.errors import CodewrenError
from codewren.editor.judging import Judges, LoadedModel
from codewren.editor.neighbours import NEAREST, Candidate, is_comparable
from codewren.index.tree_index import Index
from codewren.scan.clones import Member
from codewren.scan.scan import cores
from codewren.scan.source_files import walk
from codewren.syntax.grammars import LANGUAGES

LOOK_EVERY_S = 0.1
LONGEST_COMPLAINT = 500
"""Characters of what the process says when it fails."""


@dataclass(slots=True)
class WorkspaceIndex:
    """The index of one folder of the workspace; queries and small updates come from one thread."""

    index: Index
    _late: set[str] = field(default_factory=set)

    def candidates(self, members: Sequence[Member]) -> list[list[Candidate]]:
        """For each function those with the nearest vectors that are large enough."""
        vectors = b"".join(member.record.vector(member.number) for member in members)
        return [
            [(self._absolute(other), probability) for other, probability in row if is_comparable(other)]
            for row in self.index.nearest(vectors, k=NEAREST)
        ]

    def refresh(self, path: str) -> None:
        """Follow one file; later, if a process reads the whole folder just now."""
        if os.path.realpath(path).startswith(os.path.join(self.index.root, "")):  # noqa: PTH118
            self._late.add(path)
            self.catch_up()

    def catch_up(self) -> None:
        """Follow the files that changed while the folder was read."""
        if self._late and not self.index.update(sorted(self._late), wait_s=0).is_busy:
            self._late.clear()

    def _absolute(self, member: Member) -> Member:
        source = member.file.source
        path = os.path.join(self.index.root, source.path)  # noqa: PTH118
        return member._replace(file=member.file._replace(source=source._replace(path=path)))


def index_workspace(judges: Judges, remark: Callable[[str], None], is_stopped: Callable[[], bool]) -> bool:
    """Let open functions be compared with those of all files; whether that is done and not stopped.

    What an index holds from earlier is compared with at once. Runs in a thread of its own.
    """
    pairs = [model for model in judges.models if model.neighbourhood is not None]
    if not judges.settings.workspace or not pairs:
        for model in pairs:
            _set_workspace(model, ())
        return False
    try:
        roots = [root for root in judges.roots if os.path.isdir(root) and _is_small_enough(root, judges, remark)]  # noqa: PTH112
        for model in pairs:
            _set_workspace(model, [_opened(root, model, judges, remark) for root in roots])
            for root in roots:
                _build(root, model, judges, remark=remark, is_stopped=is_stopped)
    except CodewrenError as error:
        remark(str(error))
        return False
    return not is_stopped()


def _set_workspace(model: LoadedModel, sources: Sequence[WorkspaceIndex]) -> None:
    if model.neighbourhood is not None:
        model.neighbourhood.set_workspace(sources)


def _is_small_enough(root: str, judges: Judges, remark: Callable[[str], None]) -> bool:
    count, most = len(walk([root], LANGUAGES, judges.settings.exclude).files), judges.settings.max_workspace_files
    if count > most:
        remark(f"{root}: {count} files, so it is not compared with; exclude some, or raise maxWorkspaceFiles ({most})")
    return count <= most


def _opened(root: str, model: LoadedModel, judges: Judges, remark: Callable[[str], None]) -> WorkspaceIndex:
    exclude = judges.settings.exclude
    return WorkspaceIndex(Index.open(root, model=model.predictor.path, exclude=exclude, remark=remark))


def _build(
    root: str, model: LoadedModel, judges: Judges, *, remark: Callable[[str], None], is_stopped: Callable[[], bool]
) -> None:
    # -P: a workspace may hold modules of the names that Python's own have.
    command = [sys.executable, "-P", "-m", "codewren", "index", root, "--model", str(model.predictor.path)]
    command += ["--no-config", "--quiet", "--jobs", str(max(1, cores() // 2))]
    command += [f"--exclude={pattern}" for pattern in judges.settings.exclude]
    nothing = subprocess.DEVNULL
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=complaints) as process,
    ):
        while process.poll() is None:
            if is_stopped():
                process.terminate()
                return
            time.sleep(LOOK_EVERY_S)
        if process.returncode:
            complaints.seek(0)
            said = complaints.read(LONGEST_COMPLAINT).decode("utf-8", "replace").strip()
            remark(f"{root} is compared with as far as its index goes: {said}")
