"""Project settings: `[tool.codewren]` of a `pyproject.toml`, or `codewren.toml`, for every scan inside a repository.

The nearest file upwards holds, up to the root of the repository; outside of one only the current folder is looked at,
so that no stranger's file in `/tmp` has a say. Paths are relative to the file. What a scan writes stays inside the
file's folder: whoever scans a stranger's repository runs the stranger's settings.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from codewren.core.errors import InputError, RecipeError, nearest
from codewren.core.plain_values import build

OWN_FILE, SHARED_FILE = "codewren.toml", "pyproject.toml"
LARGEST_BYTES = 1_000_000
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
# A pyproject.toml without any of these has no table of settings, and needs no parser, which would take 10 ms.
_MARK = re.compile(rb"""tool[\s.'"]+codewren|^\s*\[\s*["']?tool["']?\s*\]|^\s*["']?tool["']?\s*[.=]""", re.MULTILINE)

Format = Literal["text", "json", "sarif", "github", "gitlab", "html", "markdown"]
Sorting = Literal["path", "probability", "saved", "review"]
Closeness = Literal["exact", "renamed", "edited", "semantic"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a finding has to exceed.

    Attributes:
        threshold: probability; None is the bundle's own.
        min_lines: shortest function; None is 1, for clones 6.
        min_tokens: smallest clones; None is 25.
    """

    threshold: float | None = None
    min_lines: int | None = None
    min_tokens: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise RecipeError(f"threshold: {self.threshold} is no probability; wanted 0 to 1")
        for name in ("min_lines", "min_tokens"):
            _check_positive(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ModelSettings(Limits):
    """One table `[tool.codewren.models.NAME]`.

    Attributes:
        file: of the bundle, relative to the settings; None for a bundle that ships under this name.
    """

    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings(Limits):
    """One table `[[tool.codewren.folders]]`: limits of the functions below a folder.

    Attributes:
        path: of the folder (or file), relative to the settings.
        model: the name of the model that it is about; None is every model.
    """

    path: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class ScanSettings(Limits):
    """The keys of `[tool.codewren]` itself, named as the options of `codewren scan` are.

    Attributes:
        model: name of a bundle that ships or of a table in `models`, or a file.
        paths: what is scanned where the command line names nothing.
        labels: whose functions are findings; by default the positive one of the model's task.
        languages: to scan; by default the model's own.
        exclude: patterns as in `.gitignore`, relative to the settings.
        exclude_tests: leave out tests, by their names.
        all_clones: report also clones that share few words or would save few lines.
        max_file_bytes: larger files are skipped.
        baseline: file of known findings.
        badge: file for a drawing of the main figure.
        history: file that gets a line for each scan of all code.
        format: of the output.
        output: file to write it to.
        sort: order of findings.
        explain: say which lines speak for a finding.
        top: the first so many are written.
        fail_on: closest kind of clones that makes exit code 1.
        exit_zero: exit code 0 whatever is found.
    """

    model: str | None = None
    paths: Sequence[str] = ()
    labels: Sequence[str] = ()
    languages: Sequence[str] = ()
    exclude: Sequence[str] = ()
    exclude_tests: bool = False
    all_clones: bool = False
    max_file_bytes: int | None = None
    baseline: str | None = None
    badge: str | None = None
    history: str | None = None
    format: Format | None = None
    output: str | None = None
    sort: Sorting | None = None
    explain: bool = False
    top: int | None = None
    fail_on: Closeness | None = None
    exit_zero: bool = False

    def __post_init__(self) -> None:
        Limits.__post_init__(self)  # `super()` knows the class without its slots only
        for name in ("max_file_bytes", "top"):
            _check_positive(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """One file of settings.

    Attributes:
        file: where they stand.
        scan: the keys of the table itself.
        given: names of the keys that the file gives, as it spells them.
        models: tables of models by name.
        folders: tables of folders, in order.
        lines: line of each key, where it stands on a line of its own: `exclude`, `models.clones.threshold`,
            `folders.0.path`.
    """

    file: Path
    scan: ScanSettings
    given: tuple[str, ...] = ()
    models: Mapping[str, ModelSettings] = field(default_factory=dict)
    folders: tuple[FolderSettings, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.file.parent

    @property
    def innermost(self) -> tuple[FolderSettings, ...]:
        """The tables of folders, those of inner folders first, and of the same folder the later ones."""
        numbered = sorted(enumerate(self.folders), key=lambda pair: (-len(Path(pair[1].path).parts), -pair[0]))
        return tuple(folder for _, folder in numbered)

    def place(self, key: str) -> str:
        """Where a key stands, for a person."""
        shown = os.path.relpath(self.file)
        return f"{shown}:{self.lines[key]}" if key in self.lines else shown

    def relative(self, path: str) -> str:
        """A path of the file as one from the current folder."""
        return os.path.relpath(self.root / path)

    def model_file(self, name: str | None = None) -> str | None:
        """The file of a model, by default the one that the settings name, or the name of one that ships."""
        name = name or self.scan.model
        table = None if name is None else self.models.get(name)
        if table is not None and table.file is not None:
            return self.relative(table.file)
        is_file = name is not None and table is None and (self.root / name).is_file()
        return self.relative(name) if name is not None and is_file else name

    def written(self, path: str) -> Path:
        """A file that a scan may write.

        Raises:
            InputError: it is outside the settings' folder, or git's own.
        """
        real, root = Path(os.path.realpath(self.root / path)), Path(os.path.realpath(self.root))
        if not real.is_relative_to(root) or ".git" in real.relative_to(root).parts:
            raise InputError(f"{self.file}: {path!r} is outside {self.root}; settings write inside their folder only")
        return Path(self.relative(path))

    def scanned(self, path: str) -> str:
        """A path that a scan may look at.

        Raises:
            InputError: it is outside the settings' folder.
        """
        if not Path(os.path.realpath(self.root / path)).is_relative_to(os.path.realpath(self.root)):
            raise InputError(
                f"{self.file}: paths: {path!r} is outside {self.root}; name it on the command line if you mean it"
            )
        return self.relative(path)


def find_settings(folder: Path | None = None) -> Path | None:
    """The file of settings that holds in a folder, by default the current one.

    Raises:
        InputError: two files of one folder hold settings.
    """
    try:
        start = Path(os.path.abspath(folder or os.curdir))  # noqa: PTH100  a link keeps its name
    except FileNotFoundError:
        raise InputError("the current folder was deleted; change to another one") from None
    around = (start, *start.parents)
    root = next((number for number, path in enumerate(around) if os.path.lexists(path / ".git")), 0)
    for path in around[: root + 1]:
        own, shared = path / OWN_FILE, path / SHARED_FILE
        has_own, has_shared = _is_there(own), _is_there(shared) and _table(shared) is not None
        if has_own and has_shared:
            raise InputError(f"{own} and [tool.codewren] in {SHARED_FILE} both hold settings; keep one of them")
        if has_own or has_shared:
            return own if has_own else shared
    return None


def _is_there(file: Path) -> bool:
    """Whether there is a file of this name; a folder, a pipe or a link to nothing says no settings, and is none.

    Raises:
        InputError: what bears the name is no file.
    """
    if not os.path.lexists(file):
        return False
    if not file.is_file():
        raise InputError(f"{file}: no file that can hold settings; rename it, or scan with --no-config")
    return True


def read_settings(file: Path) -> ProjectSettings:
    """Read a file of settings.

    Raises:
        InputError: no such file, no TOML, no table of settings, an unknown key (the nearest is named), a value of the
            wrong kind.
    """
    raw = _table(file)
    if raw is None:
        raise InputError(f"{file}: has no table [tool.codewren]; add one, or name another file")
    own = {key: value for key, value in raw.items() if key not in {"models", "folders"}}
    try:
        _check_strings(raw)
        _check_sections(raw)
        scan = build(ScanSettings, own, where="codewren", hyphens=True)
        models = {
            name: _section(ModelSettings, value, f"models.{name}") for name, value in raw.get("models", {}).items()
        }
        folders = tuple(_section(FolderSettings, value, "folders") for value in raw.get("folders", []))
    except RecipeError as error:
        raise InputError(f"{file}: {error}") from None
    return ProjectSettings(file, scan, tuple(own), models, folders, _lines(file))


def _check_sections(raw: Mapping[str, Any]) -> None:
    models, folders = raw.get("models", {}), raw.get("folders", [])
    if not isinstance(models, dict):
        raise RecipeError("models: wanted tables [tool.codewren.models.NAME]")
    if not isinstance(folders, list):
        raise RecipeError("folders: wanted tables [[tool.codewren.folders]]")
    for name in raw:
        known = {*(key.replace("_", "-") for key in ScanSettings.__dataclass_fields__), "models", "folders"}
        if name not in known:
            raise RecipeError(f"unknown key {name!r}; {nearest(name, known)}")


def _check_strings(value: object) -> None:
    """Refuse what no path and no pattern can hold, wherever it stands."""
    if isinstance(value, str) and "\0" in value:
        raise RecipeError(f"{value!r} holds a NUL character; leave it out")
    nested = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in nested:
        _check_strings(item)


def _section(kind: type[Any], raw: object, where: str) -> Any:
    if not isinstance(raw, dict):
        raise RecipeError(f"{where}: {raw!r} is no table")
    return build(kind, raw, where=where, hyphens=True)


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise RecipeError(f"{name.replace('_', '-')}: {value}; wanted 1 or more")


def _table(file: Path) -> dict[str, Any] | None:
    """The settings in a file; None where a `pyproject.toml` has none."""
    content = _content(file)
    if file.name != OWN_FILE and not _MARK.search(content):
        return None
    import tomllib  # 3 ms

    try:
        raw: Any = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file}: not valid TOML ({error or 'nested too deep'})") from None
    for name in () if file.name == OWN_FILE else ("tool", "codewren"):
        raw = raw.get(name)
        if raw is None:
            return None
        if not isinstance(raw, dict):
            raise InputError(f"{file}: {name} is {raw!r}, wanted a table")
    settings: dict[str, Any] = raw
    return settings


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from None
    if len(content) > LARGEST_BYTES:
        raise InputError(f"{file}: larger than {LARGEST_BYTES} bytes; settings are short")
    return content


def _lines(file: Path) -> dict[str, int]:
    """Line of each key that is written alone on one; the first of several."""
    lines: dict[str, int] = {}
    for key, line in _keys(_content(file).decode("utf-8-sig"), own=file.name == OWN_FILE):
        lines.setdefault(key, line)
    return lines


def _keys(text: str, *, own: bool) -> Iterator[tuple[str, int]]:
    table, folders = None if not own else "", -1
    for number, line in enumerate(text.split("\n"), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            table = _below(header[1].replace('"', "").replace(" ", ""), own=own)
            folders += table == "folders"
            table = f"folders.{folders}" if table == "folders" else table
        elif key and table is not None:
            yield f"{table}.{key[1]}".removeprefix("."), number


def _below(name: str, *, own: bool) -> str | None:
    """The name of a table inside the settings; None for one outside.

    >>> _below("tool.codewren.models.clones", own=False), _below("tool.ruff", own=False)
    ('models.clones', None)
    """
    if own:
        return name
    inside = name == "tool.codewren" or name.startswith("tool.codewren.")
    return name.removeprefix("tool.codewren").removeprefix(".") if inside else None
