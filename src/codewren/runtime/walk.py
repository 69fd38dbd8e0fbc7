"""Which files a scan looks at, and reading them."""
# Tens of thousands of paths a second: pathlib takes ten times as long as os.path.
# ruff: noqa: PTH100, PTH109, PTH112, PTH113, PTH118, PTH120, PTH122, PTH123

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.runtime.gitignore import Rules, as_bytes, is_ignored, parse_rules

MAX_FILE_BYTES = 5_000_000
SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", ".venv", ".tox", "node_modules", "__pycache__"})
_SUFFIXES = {
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".ipp", ".tpp"), "cpp"),
    ".java": "java",
    **dict.fromkeys((".py", ".pyw"), "python"),
}

Layers = tuple[Rules, ...]


class SourceFile(NamedTuple):
    """A file to scan.

    Attributes:
        path: as it was named, or found below what was named.
        language: one of `codewren.runtime.grammars.LANGUAGES`.
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
        foreign: number of source files by language that was not wanted.
    """

    files: tuple[SourceFile, ...]
    notes: tuple[Note, ...]
    foreign: Counter[str]


def language_of(name: str, languages: Collection[str]) -> str | None:
    """The language of a file by the end of its name; a `.h` is C++ where C++ is wanted and C is not.

    >>> language_of("a.h", {"cpp"}), language_of("a.h", {"c", "cpp"}), language_of("README", {"c"})
    ('cpp', 'c', None)
    """
    suffix = os.path.splitext(name)[1].lower()
    if suffix == ".h" and "cpp" in languages and "c" not in languages:
        return "cpp"
    return _SUFFIXES.get(suffix)


def walk(paths: Iterable[str], languages: Collection[str], exclude: Sequence[str] = ()) -> Walked:
    """Find the source files of `languages` below `paths`; a path that is a file is taken as it is.

    Below a folder, what `.gitignore` files exclude is left out, as are `SKIPPED_FOLDERS` and symbolic links. `exclude`
    holds patterns in the syntax of `.gitignore`, relative to the current folder; they bind named files too.

    Raises:
        InputError: a path in `paths` is neither a file nor a folder.
    """
    excluded = Rules("", parse_rules("\n".join(exclude).encode("utf-8", "surrogateescape")))
    walker = _Walker(languages, excluded)
    for path in paths:
        if os.path.isdir(path):
            walker.folder(path)
        elif os.path.isfile(path):
            walker.named_file(path)
        else:
            found = "is neither a file nor a folder" if os.path.lexists(path) else "no such file or folder"
            raise InputError(f"{path}: {found}")
    return Walked(tuple(walker.files.values()), tuple(walker.notes), walker.foreign)


def read_bytes(path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Bytes of a file.

    Raises:
        OSError: it cannot be read.
        InputError: it is larger than `max_bytes`.
    """
    with open(path, "rb", buffering=0) as stream:
        if os.fstat(stream.fileno()).st_size > max_bytes:
            raise InputError(f"larger than {max_bytes} bytes (--max-file-bytes)")
        return stream.readall()


def source_text(content: bytes) -> bytes:
    """The text of a source file, UTF-8 without a byte order mark.

    Raises:
        InputError: it is binary or not UTF-8.
    """
    place = content.find(b"\0")
    if place >= 0:
        raise InputError(f"binary (NUL byte at {place})")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 (byte 0x{content[error.start]:02x} at {error.start})") from None
    return content.removeprefix(b"\xef\xbb\xbf")


class _Walker:
    """Collects files; `files` is keyed by absolute path, so that none is scanned twice."""

    def __init__(self, languages: Collection[str], excluded: Rules) -> None:
        self.languages = languages
        self.excluded = excluded
        self.here = os.getcwd() + os.sep
        self.files: dict[str, SourceFile] = {}
        self.notes: list[Note] = []
        self.foreign: Counter[str] = Counter()
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
            self.foreign[language] += absolute not in self._foreign_seen
            self._foreign_seen.add(absolute)
        elif named:
            self.notes.append(Note(path, "not a C, C++, Java or Python file by its name"))

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
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self.notes.append(Note(path or os.curdir, f"cannot be read: {error.strerror or error}"))
                continue
            layers = self._layers(absolute, {entry.name for entry in entries}, above)
            folders = []
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_FOLDERS and not self._is_ignored(entry.path, layers, is_folder=True):
                        folders.append((os.path.join(path, entry.name), entry.path, layers))
                elif entry.is_file(follow_symlinks=False) and not self._is_ignored(entry.path, layers):
                    self.file(os.path.join(path, entry.name), entry.path)
            waiting += reversed(folders)

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
            above = self._ignore_file(folder, os.path.join(".git", "info", "exclude"))
        return (*self._ignore_file(folder, ".gitignore"), *above) if ".gitignore" in names else above

    def _ignore_file(self, folder: str, name: str) -> Layers:
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as stream:
                rules = parse_rules(stream.read())
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


def _parents(absolute: str) -> Iterator[str]:
    """The folders around a path, nearest first."""
    while (parent := os.path.dirname(absolute)) != absolute:
        yield parent
        absolute = parent


def _slashed(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")
