"""Which files a scan looks at, and reading them."""
# Tens of thousands of paths a second: pathlib takes ten times as long as os.path.
# ruff: noqa: PTH100, PTH109, PTH112, PTH113, PTH114, PTH118, PTH120, PTH123, PTH206

import os
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.scan.gitignore import Rules, as_bytes, is_ignored, parse_rules
from codewren.syntax.file_names import language_of

MAX_FILE_BYTES = 5_000_000
UNKNOWN_KIND = "not a file of a known language by its name"
SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", ".venv", ".tox", "node_modules", "__pycache__"})
TESTS = (
    *(f"{folder}/" for folder in ("test", "tests", "testing", "testdata", "testsuite", "__tests__", "spec", "specs")),
    *("test_*.py", "*_test.py", "*_tests.py", "conftest.py", "*_test.go", "*_test.c", "*_test.cc", "*_test.cpp"),
    *("*_unittest.cc", "*Test.java", "*Tests.java", "*TestCase.java", "*.test.*", "*.spec.*"),
)
"""Patterns of files that hold tests, in the syntax of `.gitignore`."""
_BY_NAME = attrgetter("name")
_ENVIRONMENT_MARK = "pyvenv.cfg"  # what tells a virtual environment, whatever its name

Layers = tuple[Rules, ...]


_UNSAVED: ContextVar[Mapping[str, bytes]] = ContextVar("unsaved", default=MappingProxyType({}))


@contextmanager
def unsaved(path: str, content: bytes) -> Iterator[None]:
    """Inside the block a file has these bytes, whatever is on disk under its name: an editor's buffer."""
    token = _UNSAVED.set({os.path.abspath(path): content})
    try:
        yield
    finally:
        _UNSAVED.reset(token)


class SourceFile(NamedTuple):
    """A file to scan.

    Attributes:
        path: as it was named, or found below what was named.
        language: one of `codewren.syntax.grammars.LANGUAGES`.
        named: the user gave this very path.
    """

    path: str
    language: str
    named: bool = False


class Note(NamedTuple):
    """A file or folder that was left out, and why."""

    path: str
    reason: str


class Walked(NamedTuple):
    """What a walk found.

    Attributes:
        files: to scan, each once, in the order found.
        notes: what could not be looked at.
        foreign: source files by language that was not wanted.
    """

    files: tuple[SourceFile, ...]
    notes: tuple[Note, ...]
    foreign: dict[str, list[str]]


def walk(
    paths: Iterable[str],
    languages: Collection[str],
    exclude: Sequence[str] = (),
    *,
    exclude_root: str | None = None,
    only: Collection[str] | None = None,
) -> Walked:
    """Find the source files of `languages` below `paths`; a path that is a file is taken as it is.

    Below a folder, what `.gitignore` files exclude is left out, as are `SKIPPED_FOLDERS`, Python's environments and
    symbolic links. `exclude` holds patterns in the syntax of `.gitignore`, relative to `exclude_root` (by default the
    current folder); they bind named files too. With `only`, real paths of files, no folder is listed: these are looked
    up below `paths`.

    Raises:
        InputError: a path in `paths` is neither a file nor a folder.
    """
    excluded = Rules("", parse_rules("\n".join(exclude).encode("utf-8", "surrogateescape")))
    walker = _Walker(languages, excluded, exclude_root)
    for path in paths:
        if os.path.isdir(path):
            walker.folder(path) if only is None else walker.those_below(path, only)
        elif os.path.isfile(path) or os.path.abspath(path) in _UNSAVED.get():
            if only is None or os.path.realpath(path) in only:
                walker.named_file(path)
        else:
            found = "is neither a file nor a folder" if os.path.lexists(path) else "no such file or folder"
            raise InputError(f"{path}: {found}")
    return Walked(tuple(walker.files.values()), tuple(walker.notes), dict(walker.foreign))


def read_bytes(path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Bytes of a file.

    Raises:
        OSError: it cannot be read.
        InputError: it is larger than `max_bytes`.
    """
    buffers = _UNSAVED.get()
    if buffers and (content := buffers.get(os.path.abspath(path))) is not None:
        _check_size(len(content), max_bytes)
        return content
    with open(path, "rb", buffering=0) as stream:
        _check_size(os.fstat(stream.fileno()).st_size, max_bytes)
        return stream.readall()


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise InputError(f"larger than {max_bytes} bytes (--max-file-bytes)")


class _Walker:
    """Collects files; `files` is keyed by absolute path, so that none is scanned twice."""

    def __init__(self, languages: Collection[str], excluded: Rules, exclude_root: str | None) -> None:
        self.languages = languages
        self.excluded = excluded
        self.here = os.path.join(exclude_root or _current_folder(), "")
        self.files: dict[str, SourceFile] = {}
        self.notes: list[Note] = []
        self.foreign: defaultdict[str, list[str]] = defaultdict(list)
        self._foreign_seen: set[str] = set()

    def named_file(self, path: str) -> None:
        """Take a file that `.gitignore` has no say about."""
        absolute = os.path.abspath(path)
        if not self._is_excluded(absolute):
            self.file(path, absolute, named=True)

    def file(self, path: str, absolute: str, *, named: bool = False) -> None:
        """Take a file if its language is wanted."""
        language = language_of(path, self.languages)
        if language in self.languages:
            named = named or (absolute in self.files and self.files[absolute].named)
            self.files[absolute] = SourceFile(path, str(language), named)
        elif language is not None:
            if absolute not in self._foreign_seen:
                self.foreign[language].append(path)
            self._foreign_seen.add(absolute)
        elif named:
            self.notes.append(Note(path, UNKNOWN_KIND))

    def folder(self, top: str) -> None:
        """Walk without recursion, in the order of names."""
        absolute = os.path.abspath(top)
        if self._is_excluded(absolute):
            return
        waiting = [("" if top == os.curdir else top, absolute, self._layers_above(absolute))]
        while waiting:
            path, absolute, above = waiting.pop()
            try:
                with os.scandir(absolute) as listing:
                    entries = sorted(listing, key=_BY_NAME)
            except OSError as error:
                self.notes.append(Note(path or os.curdir, f"cannot be read: {error.strerror or error}"))
                continue
            names = {entry.name for entry in entries}
            if _ENVIRONMENT_MARK in names and path != top:
                continue
            layers = self._layers(absolute, names, above)
            folders, shown = [], os.path.join(path, "")
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name not in SKIPPED_FOLDERS and not self._is_ignored(entry.path, layers, is_folder=True):
                        folders.append((shown + name, entry.path, layers))
                elif entry.is_file(follow_symlinks=False) and not self._is_ignored(entry.path, layers):
                    self.file(shown + name, entry.path)
            waiting += reversed(folders)

    def those_below(self, top: str, only: Iterable[str]) -> None:
        """Take the files among `only`, real paths, that a walk through `top` would find."""
        absolute, real = os.path.abspath(top), os.path.realpath(top).rstrip(os.sep) + os.sep
        if self._is_excluded(absolute):
            return
        layers = self._layers(absolute, _ignore_names(absolute), self._layers_above(absolute))
        known = {absolute: layers}
        for path in sorted(path for path in only if path.startswith(real)):
            parts = path[len(real) :].split(os.sep)
            if self._is_walked(absolute, parts, known):
                self.file(os.path.join("" if top == os.curdir else top, *parts), os.path.join(absolute, *parts))

    def _is_walked(self, folder: str, parts: Sequence[str], known: dict[str, Layers]) -> bool:
        """Whether a walk that starts in `folder` reaches a file; `known` holds the rules of folders seen before."""
        for name in parts[:-1]:
            layers, folder = known[folder], os.path.join(folder, name)
            if name in SKIPPED_FOLDERS or os.path.islink(folder) or self._is_ignored(folder, layers, is_folder=True):
                return False
            if os.path.lexists(os.path.join(folder, _ENVIRONMENT_MARK)):
                return False
            if folder not in known:
                known[folder] = self._layers(folder, _ignore_names(folder), layers)
        file = os.path.join(folder, parts[-1])
        return os.path.isfile(file) and not os.path.islink(file) and not self._is_ignored(file, known[folder])

    def _layers_above(self, absolute: str) -> Layers:
        """Rules that hold in a folder because of the ones around it, up to the root of its repository."""
        around = list(_parents(absolute))
        roots = (index for index, folder in enumerate(around) if os.path.lexists(os.path.join(folder, ".git")))
        root = next(roots, None)
        if root is None:
            return ()
        layers = self._layers(around[root], {".git", ".gitignore"}, ())
        for folder in reversed(around[:root]):
            layers = self._layers(folder, {".gitignore"}, layers)
        return layers

    def _layers(self, folder: str, names: Collection[str], above: Layers) -> Layers:
        """Rules that hold in a folder with entries `names`: a repository inside another one starts afresh."""
        if ".git" in names:
            above = self._ignore_file(folder, os.path.join(_git_folder(folder), "info", "exclude"))
        return (*self._ignore_file(folder, ".gitignore"), *above) if ".gitignore" in names else above

    def _ignore_file(self, folder: str, name: str) -> Layers:
        path = os.path.join(folder, name)
        try:
            rules = parse_rules(_ignore_lines(path))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            self.notes.append(Note(path, f"cannot be read: {error.strerror or error}"))
            return ()
        return (Rules(as_bytes(_slashed(folder)) + "/", rules),) if rules else ()

    def _is_ignored(self, absolute: str, layers: Layers, *, is_folder: bool = False) -> bool:
        if self._excludes(absolute, is_folder=is_folder):
            return True
        return bool(layers) and is_ignored(_slashed(absolute), layers, is_folder=is_folder)

    def _is_excluded(self, absolute: str) -> bool:
        """Whether `--exclude` names this path or a folder around it."""
        folders = (folder for folder in _parents(absolute) if folder.startswith(self.here))
        is_folder = os.path.isdir(absolute)
        return self._excludes(absolute, is_folder=is_folder) or any(
            self._excludes(folder, is_folder=True) for folder in folders
        )

    def _excludes(self, absolute: str, *, is_folder: bool) -> bool:
        if not self.excluded.rules or absolute + os.sep == self.here:
            return False
        return is_ignored(_slashed(absolute.removeprefix(self.here)), [self.excluded], is_folder=is_folder)


def _current_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise InputError("the current folder was deleted; change to another one") from None


def _ignore_names(folder: str) -> set[str]:
    """Which of the entries that carry rules a folder has."""
    return {name for name in (".git", ".gitignore") if os.path.lexists(os.path.join(folder, name))}


def _ignore_lines(path: str) -> bytes:
    """An ignore file's bytes; as for git, a link or a folder of this name holds no rules, nor does a pipe.

    Raises:
        OSError: it cannot be read.
    """
    if os.path.islink(path) and not path.endswith("exclude"):
        return b""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as stream:
        return stream.read() if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) else b""


def _git_folder(folder: str) -> str:
    """Where the repository with this root keeps `info/exclude`: linked worktrees and submodules name it in a file."""
    named = _pointer(os.path.join(folder, ".git"))
    if not named.startswith("gitdir: "):
        return os.path.join(folder, ".git")
    git_folder = os.path.join(folder, named.removeprefix("gitdir: "))
    return os.path.join(git_folder, _pointer(os.path.join(git_folder, "commondir")))


def _pointer(path: str) -> str:
    """The path in one of git's small files; "" where there is none."""
    try:
        return os.fsdecode(_ignore_lines(path)[:4096]).rstrip("\r\n")
    except OSError:
        return ""


def _parents(absolute: str) -> Iterator[str]:
    """The folders around a path, nearest first."""
    while (parent := os.path.dirname(absolute)) != absolute:
        yield parent
        absolute = parent


def _slashed(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")
