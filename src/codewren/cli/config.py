"""`codewren config`."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from codewren.cli.scan_request import LIMITS, project_settings, settings_options

if TYPE_CHECKING:
    from codewren.core.project_settings import Limits, ProjectSettings

_DEFAULTS: dict[str, Any] = {
    "model": "vulnerability-c",
    "languages": "the model's own",
    "threshold": "the bundle's own",
    "min-lines": "1, for clones 6",
    "min-tokens": "25, for clones",
    "max-file-bytes": 5_000_000,
    "format": "text",
    "output": "standard output",
    "sort": "path, for clones saved",
}


class _Row(NamedTuple):
    key: str
    value: Any
    source: str


@click.command()
@click.argument("file", required=False, type=click.Path())
@settings_options
@click.option("--json", "as_json", is_flag=True, help="For programs: key, value, and where it stands.")
def config(file: str | None, config: Path | None, no_config: bool, as_json: bool) -> None:
    """Show the settings of a project: what holds for a scan here, and where it stands.

    With FILE also which limits hold for findings in that file. Settings stand in codewren.toml, or in pyproject.toml
    under [tool.codewren]; the nearest file upwards holds, up to the root of the repository. Options of the command line
    win over them.
    """
    settings = project_settings(config, no_config=no_config)
    rows = [*_scan_rows(settings), *_table_rows(settings)]
    rows += _file_rows(file, settings) if file and settings else []
    if as_json:
        click.echo(json.dumps([{**row._asdict(), "value": _plain(row.value)} for row in rows], indent=2))
        return
    width, wide = (
        max(len(text) for text in texts) for texts in zip(*((r.key, _shown(r.value)) for r in rows), strict=True)
    )
    for row in rows:
        click.echo(f"{row.key:<{width}}  {_shown(row.value):<{wide}}  {row.source}".rstrip())
    if settings is None:
        click.echo("codewren: no settings: neither codewren.toml nor [tool.codewren] in pyproject.toml", err=True)


def _scan_rows(settings: "ProjectSettings | None") -> Iterator[_Row]:
    """Every key of the table itself, those with their default too."""
    from codewren.core.project_settings import ScanSettings

    names = dict.fromkeys(("model", "paths", *ScanSettings.__dataclass_fields__))
    for name in names:
        key = name.replace("_", "-")
        if settings is not None and key in settings.given:
            yield _Row(key, getattr(settings.scan, name), settings.place(key))
        else:
            yield _Row(key, _DEFAULTS.get(key, getattr(ScanSettings(), name)), "default")


def _table_rows(settings: "ProjectSettings | None") -> Iterator[_Row]:
    """What the tables of models and folders give."""
    if settings is None:
        return
    for name, model in settings.models.items():
        for key, value in _given(model, ("file", *LIMITS)):
            yield _Row(f"models.{name}.{key}", value, settings.place(f"models.{name}.{key}"))
    for number, folder in enumerate(settings.folders):
        about = folder.path if folder.model is None else f"{folder.path}, {folder.model}"
        for key, value in _given(folder, LIMITS):
            yield _Row(f"folders[{about}].{key}", value, settings.place(f"folders.{number}.{key}"))


def _file_rows(file: str, settings: "ProjectSettings") -> Iterator[_Row]:
    """The limits in a file, by the innermost folder that gives each."""
    from codewren.scan.result import is_below

    absolute = os.path.abspath(file)  # noqa: PTH100  as the scan does
    roots = ((folder, os.path.abspath(settings.root / folder.path)) for folder in settings.innermost)  # noqa: PTH100
    around = [folder for folder, root in roots if is_below(absolute, root)]
    for limit in LIMITS:
        key = limit.replace("_", "-")
        folder = next((folder for folder in around if getattr(folder, limit) is not None), None)
        if folder is not None:
            source = f"folders[{folder.path}]" + (f", of the model {folder.model} only" if folder.model else "")
            yield _Row(f"{file}: {key}", getattr(folder, limit), source)
        else:
            yield _Row(f"{file}: {key}", "as for all files", "")


def _given(limits: "Limits", names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for name in names:
        if getattr(limits, name) is not None:
            yield name.replace("_", "-"), getattr(limits, name)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
