"""What a scan is asked for: the command line, and below it the project's settings."""

import functools
import os
from collections.abc import Callable, Collection, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from codewren.cli.options import Output

if TYPE_CHECKING:
    from codewren.core.project_settings import FolderSettings, ProjectSettings
    from codewren.scan.changes import Changes
    from codewren.scan.result import ScanOptions

DEFAULT_MODEL = "vulnerability-c"
LIMITS = ("threshold", "min_lines", "min_tokens")
_OPTIONS_OF_KEYS = {"format": "style", "sort": "order"}  # whose Python names would hide something


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Every option of `codewren scan`; the settings' file is None where none is read."""

    paths: tuple[str, ...]
    model: str | None
    threshold: float | None
    min_lines: int | None
    min_tokens: int | None
    revision: str | None
    baseline: Path | None
    write_baseline: Path | None
    badge: Path | None
    history: Path | None
    style: str
    order: str | None
    explain: bool
    top: int | None
    fail_on: str | None
    exit_zero: bool
    output: Path | None
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    exclude_tests: bool
    all_clones: bool
    exclude: tuple[str, ...]
    max_file_bytes: int | None
    jobs: int | None
    cache_dir: Path | None
    no_cache: bool
    watch: bool
    quiet: bool
    stdin_filename: str | None = None
    exclude_root: str | None = None
    folders: "tuple[FolderSettings, ...]" = ()
    settings: Path | None = None

    @property
    def written(self) -> Output:
        """What is written of the findings."""
        return Output(self.style, self.output, self.top, self.explain)

    def options(self, changes: "Changes | None") -> "ScanOptions":
        """The same for the scan itself."""
        from codewren.scan.result import Order, ScanOptions
        from codewren.scan.schedule import default_cache_folder
        from codewren.scan.source_files import MAX_FILE_BYTES, TESTS

        return ScanOptions(
            threshold=self.threshold,
            min_lines=self.min_lines,
            min_tokens=self.min_tokens,
            labels=tuple(self.labels),
            languages=self.languages or None,
            exclude=self.exclude + TESTS * self.exclude_tests,
            exclude_root=self.exclude_root,
            folders=self.folders,
            max_file_bytes=self.max_file_bytes or MAX_FILE_BYTES,
            jobs=self.jobs,
            cache=None if self.no_cache else self.cache_dir or default_cache_folder(),
            changes=changes,
            order=Order(self.order) if self.order else None,
            all_clones=self.all_clones,
        )


def settings_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--config` and `--no-config`."""
    file = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings of the project; by default the nearest codewren.toml or pyproject.toml upwards.",
    )
    none = click.option("--no-config", is_flag=True, help="Read no settings of the project.")
    return file(none(function))


def scan_request(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a verb one `ScanRequest` in place of its options; what the command line leaves open the settings decide."""

    @settings_options
    @functools.wraps(function)
    def verb(ctx: click.Context, config: Path | None, no_config: bool, **options: Any) -> Any:
        settings = project_settings(config, no_config=no_config)
        if settings is None:
            request = ScanRequest(**options)
        else:
            named = {name for name in options if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
            request = _with_limits(ScanRequest(**options | _open_options(settings, named)), settings, named)
            if not request.quiet:
                click.echo(f"codewren: settings of {os.path.relpath(settings.file)}", err=True)
        if not request.paths:
            raise click.UsageError("Missing argument 'PATH...'.", ctx)
        return function(ctx, request)

    return verb


def project_settings(file: Path | None, *, no_config: bool, folder: Path | None = None) -> "ProjectSettings | None":
    """The settings that hold in a folder, by default the current one: those of a named file, or of the nearest.

    Raises:
        InputError: they cannot be read.
    """
    from codewren.core.project_settings import find_settings, read_settings

    if no_config:
        if file is not None:
            raise click.UsageError("--config names settings, and --no-config wants none; leave one out")
        return None
    path = file or find_settings(folder)
    return None if path is None else read_settings(path)


def _open_options(settings: "ProjectSettings", named: Set[str]) -> dict[str, Any]:
    """What the settings say of options that the command line does not name."""
    values = {name: value for name, value in _values(settings) if name not in named}
    if "exclude" in named:
        values.pop("exclude_root", None)
    if named & {"revision", "watch"}:  # both are about one scan of all code
        values = {name: value for name, value in values.items() if name not in {"badge", "history"}}
    return values


def _values(settings: "ProjectSettings") -> Iterator[tuple[str, Any]]:
    """Each key that the file gives as an option of the scan."""
    for key in settings.given:
        name = key.replace("-", "_")
        value = getattr(settings.scan, name)
        if name == "paths":
            value = tuple(settings.scanned(path) for path in value)
        elif name == "model" and value not in settings.models and (settings.root / value).is_file():
            value = settings.relative(value)
        elif name == "baseline":
            value = Path(settings.relative(value))
        elif name in {"output", "badge", "history"}:
            value = settings.written(value)
        elif name == "exclude":
            yield "exclude_root", os.path.abspath(settings.root)  # noqa: PTH100  as the walk does
        yield _OPTIONS_OF_KEYS.get(name, name), value


def _with_limits(request: ScanRequest, settings: "ProjectSettings", named: Collection[str]) -> ScanRequest:
    """The request with its model found, and with the limits of that model and of folders, below the command line's."""
    name = request.model or DEFAULT_MODEL
    overruled = dict.fromkeys(limit for limit in LIMITS if limit in named)
    folders = tuple(
        replace(folder, path=os.path.abspath(settings.root / folder.path), **overruled)  # noqa: PTH100  as the walk
        for folder in settings.innermost
        if folder.model in {None, name}
    )
    model = settings.models.get(name)
    values: dict[str, Any] = {} if model is None else {limit: getattr(model, limit) for limit in LIMITS}
    given = {limit: value for limit, value in values.items() if value is not None and limit not in named}
    if model is not None and model.file is not None:
        given["model"] = settings.relative(model.file)
    return replace(request, folders=folders, settings=settings.file, **given)
