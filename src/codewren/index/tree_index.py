"""`codewren.Index`: which functions of a tree are like this one, from a file on disk that follows the tree."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from codewren.core.errors import InputError
from codewren.index.catalog import Catalog
from codewren.index.damage import DamagedIndexError
from codewren.index.index_folder import CATALOG, LOCK, SEGMENT_SUFFIX, index_folder
from codewren.index.lock import locked
from codewren.index.query import Filters, Query, Search, answers, nearest_members
from codewren.index.results import Answer, Update
from codewren.index.update import Limits, Progress, Tree, Updater
from codewren.index.view import View
from codewren.predict.predictor import load
from codewren.predict.similarity import SimilarityPredictor
from codewren.scan.clones import Member

Found = TypeVar("Found")
DEFAULT_MODEL = "clones-mini"
WAIT_S = 600.0  # for another process that builds the same index


class Index:
    """The functions of a tree, ready to be searched.

    Threads may share it: queries go on in the state they began with, while an update makes the next one. Processes may
    share its folder: one writes at a time, and all see what it wrote at their next query.

    >>> with Index.open("src", folder="/tmp/codewren-doctest") as index:  # doctest: +SKIP
    ...     index.update()
    ...     index.query("def f(a): return sorted(set(a))", language="python")
    """

    def __init__(self, tree: Tree, predictor: SimilarityPredictor, remark: Callable[[str], None]) -> None:
        """Use `Index.open`."""
        self._tree = tree
        self._predictor = predictor
        self._remark = remark
        self._mutex = threading.RLock()
        self._view = View(Catalog(), {})
        self._catalog_stamp: tuple[int, int, int] | None = None
        self._is_open = True

    @classmethod
    def open(
        cls,
        tree: str | os.PathLike[str] = ".",
        *,
        model: str | os.PathLike[str] = DEFAULT_MODEL,
        exclude: Iterable[str] = (),
        exclude_root: str | os.PathLike[str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        remark: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Open the index of a folder, or of the folder that a file is in; it is empty until its first `update`.

        Args:
            tree: the folder.
            model: a bundle with a similarity encoder: a path, or the name of one that ships.
            exclude: patterns in the syntax of `.gitignore`.
            exclude_root: folder that they are relative to; by default the current one.
            folder: where indexes lie; by default in the user's cache folder.
            remark: told what a person should know, such as a damaged index that is built again.

        Raises:
            BundleError: no such model, or it is damaged.
            InputError: no such folder, or the model is no similarity encoder.
        """
        root = Path(os.path.realpath(tree))
        root = root.parent if root.is_file() else root
        if not root.is_dir():
            raise InputError(f"{os.fspath(tree)}: no such folder")
        predictor = load(model)
        if not isinstance(predictor, SimilarityPredictor):
            raise InputError(f"{predictor.path}: no similarity encoder; give clones-mini, -micro or -standard")
        excluded, around = tuple(exclude), os.path.realpath(exclude_root or os.curdir)
        told_apart = (*excluded, around) if excluded else ()  # what a pattern with a slash means depends on the folder
        place = index_folder(root, predictor.bundle.sha256, told_apart, Path(folder) if folder else None)
        return cls(Tree(root, excluded, around, place), predictor, remark)

    @property
    def root(self) -> Path:
        """Real path of the tree; paths of matches are relative to it."""
        return self._tree.root

    @property
    def folder(self) -> Path:
        """Where the index lies."""
        return self._tree.folder

    @property
    def predictor(self) -> SimilarityPredictor:
        """The encoder in use."""
        return self._predictor

    def __len__(self) -> int:
        """Number of functions, of 25 tokens or more."""
        return self._newest().functions

    @property
    def files(self) -> int:
        """Number of files of the tree that are known."""
        return len(self._newest().catalog.entries)

    def update(
        self,
        paths: Sequence[str | os.PathLike[str]] | None = None,
        *,
        jobs: int = 1,
        most_files: int | None = None,
        is_thorough: bool = False,
        wait_s: float = WAIT_S,
        progress: Progress = lambda *_: None,
    ) -> Update:
        """Follow the tree: read files whose size, time or number changed, encode those whose content did.

        Args:
            paths: the files that may have changed, or are gone; None looks at the whole tree.
            jobs: processes that encode; above 1 it forks, which a program with threads should not.
            most_files: where more files have to be read, nothing is done, and the answer says so.
            is_thorough: look at the checksum of every vector first; a damaged index is built again.
            wait_s: how long to wait for another process that updates the same index.
            progress: called with the number of files done and of all that have to be read.

        An index that holds something stays usable where nothing can be written, and the answer says why.

        Raises:
            InputError: the index is empty and cannot be written, or it is closed.
        """
        only = None if paths is None else tuple(os.fspath(path) for path in paths)
        with self._mutex:
            self._check_open()
            try:
                _make_folder(self.folder)
                with locked(self.folder / LOCK, wait_s) as is_ours:
                    view = self._newest()
                    if not is_ours:
                        return Update(0, 0, len(view.catalog.entries), view.functions, is_busy=True)
                    return self._followed(view, Limits(only, jobs, most_files), progress, is_thorough=is_thorough)
            except InputError as error:
                view = self._newest()
                if not isinstance(error.__cause__, OSError) or not view.catalog.entries:
                    raise
                return Update(0, 0, len(view.catalog.entries), view.functions, unwritten=str(error))

    def _followed(self, view: View, limits: Limits, progress: Progress, *, is_thorough: bool) -> Update:
        """Follow the tree from a view on; of a damaged index from nothing."""
        updater = Updater(self._tree, view, self._predictor)
        try:
            if is_thorough:
                view.check()
            return updater.run(limits, progress)
        except DamagedIndexError as error:
            self._discard(error)
            updater = Updater(self._tree, self._view, self._predictor)
            return updater.run(Limits(None, limits.jobs, None), progress)
        finally:
            self._view, self._catalog_stamp = updater.view, self._stamp()

    def forget(self) -> None:
        """Delete what is on disk; the next update reads every file.

        Raises:
            InputError: another process is updating it.
        """
        with self._mutex:
            _make_folder(self.folder)
            with locked(self.folder / LOCK, 0) as is_ours:
                if not is_ours:
                    raise InputError(f"another process is updating {self.folder}; try again when it is done")
                self._empty()

    def query(
        self,
        text: str | bytes,
        *,
        language: str | None = None,
        path: str | os.PathLike[str] | None = None,
        line: int | None = None,
        k: int = 5,
        filters: Filters = Filters(),  # noqa: B008  frozen
    ) -> list[Answer]:
        """The functions most like each function of a text, which need not be a file.

        Args:
            text: source text; where no function is found in it, it is taken as one.
            language: one of `codewren.syntax.grammars.LANGUAGES`; by default what the end of `path` says.
            path: the file of the tree that the text is, or will be: its functions do not match themselves.
            line: ask about the innermost function around this line only.
            k: how many matches a function at most.
            filters: which matches count.

        Raises:
            InputError: the text is no ordinary source text, the language is unknown, no function is at the line, or
                `k` is below 1.
        """
        query = Query.of(text, language, None if path is None else self._inside(path), line)
        return self._answered(lambda view: answers(query, Search(view, self._predictor, k, filters)))

    def nearest(
        self,
        vectors: bytes,
        *,
        k: int = 5,
        filters: Filters = Filters(),  # noqa: B008  frozen
    ) -> list[list[tuple[Member, float]]]:
        """The functions most like each of some `encode`d functions, and the probability that they are clones.

        Paths are relative to the tree; a function that is in the tree finds itself, too.

        Raises:
            InputError: vectors of another model.
        """
        return self._answered(lambda view: nearest_members(vectors, Search(view, self._predictor, k, filters)))

    def close(self) -> None:
        """Let go of the mapped files."""
        with self._mutex:
            self._is_open = False
            self._view = View(Catalog(), {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Index({os.fspath(self.root)!r}, model={self._predictor.path.name!r}, functions={len(self)})"

    def _answered(self, search: Callable[[View], Found]) -> Found:
        """What a search finds; a damaged index is built again, once."""
        try:
            return search(self._newest())
        except DamagedIndexError as error:
            self._discard(error)
        self.update()
        return search(self._newest())

    def _newest(self) -> View:
        """The state on disk: another process may have written a newer one."""
        with self._mutex:
            self._check_open()
            stamp = self._stamp()
            if stamp is not None and stamp != self._catalog_stamp:
                known = {segment.name: segment for segment in self._view.segments if segment}
                try:
                    self._view = View.open(self.folder, self._predictor.vector_bytes, known)
                    self._catalog_stamp = stamp
                except FileNotFoundError:
                    self._view = View(Catalog(), {})
                except DamagedIndexError as error:
                    self._discard(error)
            return self._view

    def _discard(self, error: DamagedIndexError) -> None:
        """Begin with nothing: an index costs time only."""
        self._remark(f"the index was damaged ({error}) and is built again")
        self._empty()

    def _empty(self) -> None:
        with self._mutex:
            self._view, self._catalog_stamp = View(Catalog(), {}), None
            for path in (self.folder / CATALOG, *self.folder.glob(f"*{SEGMENT_SUFFIX}")):
                _remove(path)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = (self.folder / CATALOG).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _inside(self, path: str | os.PathLike[str]) -> str:
        """A path from the root of the tree; one that is not below it is none of its files."""
        return self._tree.relative(os.path.realpath(path))

    def _check_open(self) -> None:
        if not self._is_open:
            raise InputError("the index is closed; open it again")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"cannot remove {path}: {error.strerror}; name another folder for the index") from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; name another folder for the index") from error
