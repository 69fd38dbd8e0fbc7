"""The functions of a workspace's files, judged in the background and kept in the cache of scans."""

import os
from collections.abc import Callable, Sequence

from codewren.core.errors import CodewrenError
from codewren.editor.judging import Judges, LoadedModel
from codewren.scan.scan import scanned_languages
from codewren.scan.schedule import ScannedFile, Schedule, default_cache_folder, predict_all
from codewren.scan.source_files import MAX_FILE_BYTES, SourceFile, walk


def read_workspace(judges: Judges, remark: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    """Let open functions be compared with those of all files; how many files were read.

    Runs in a thread of its own: what it replaces, it replaces at once.
    """
    pairs = [model for model in judges.models if model.neighbourhood is not None]
    if not judges.settings.workspace or not judges.roots or not pairs:
        return 0
    try:
        return max(_read(model, judges, remark, is_stopped) for model in pairs)
    except CodewrenError as error:
        remark(str(error))
        return 0


def _read(model: LoadedModel, judges: Judges, remark: Callable[[str], None], is_stopped: Callable[[], bool]) -> int:
    most = judges.settings.max_workspace_files
    languages = scanned_languages(model.judge.task, None)
    walked = walk([root for root in judges.roots if os.path.isdir(root)], languages, judges.settings.exclude)  # noqa: PTH112
    files: Sequence[SourceFile] = walked.files
    if len(files) > most:
        remark(f"{len(files)} files in the workspace; only the first {most} are compared with (maxWorkspaceFiles)")
        files = files[:most]
    scanned: list[ScannedFile] = []
    schedule = Schedule(MAX_FILE_BYTES, 1, default_cache_folder(), remark)  # one job: a process with threads forks none
    results = predict_all(files, model.predictor, schedule)
    for file in results:
        if is_stopped():
            results.close()
            return 0
        scanned.append(file)
    if model.neighbourhood is not None:
        model.neighbourhood.set_workspace(scanned)
    return len(scanned)
