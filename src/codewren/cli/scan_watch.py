"""`codewren scan --watch`: scan again whenever a source file changes, and tell what is new."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codewren.core.errors import CodewrenError, MissingExtraError

if TYPE_CHECKING:
    from watchfiles import Change

    from codewren.scan.finding import Finding
    from codewren.scan.result import ScanResult

_MOST_GAPS = 3
WAIT_MS = 200  # editors write a file in several steps


def watch(
    paths: Sequence[str], scan_again: "Callable[[], ScanResult]", show: "Callable[[ScanResult, list[Finding]], None]"
) -> None:
    """Scan once, and after every change of a source file; an interruption ends it.

    Results come through the cache, so that only what changed is judged again. `show` is told what is new: a finding
    that the last scan did not have.

    Raises:
        MissingExtraError: the library that watches is not installed.
    """
    try:
        from watchfiles import watch as changes_below
    except ImportError:
        raise MissingExtraError("watchfiles", "watch") from None
    seen: Counter[str] = Counter()
    changes = changes_below(
        *paths, watch_filter=_is_source, debounce=WAIT_MS, rust_timeout=WAIT_MS, yield_on_timeout=True
    )
    try:
        next(changes)  # so that it watches while the first scan runs
        seen = _told(scan_again, show, seen)
        click.echo(f"codewren: watching {', '.join(paths)}; Ctrl-C ends it", err=True)
        for changed in changes:
            if not changed:
                continue
            names = sorted({Path(path).name for _, path in changed})
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            click.echo(f"codewren: {time.strftime('%H:%M:%S')} {', '.join(names[:3])}{more} changed", err=True)
            seen = _told(scan_again, show, seen)
    except KeyboardInterrupt:
        click.echo("codewren: no longer watching", err=True)


def _told(
    scan_again: "Callable[[], ScanResult]", show: "Callable[[ScanResult, list[Finding]], None]", seen: Counter[str]
) -> Counter[str]:
    """Scan and tell what is new; the fingerprints of all findings. An error is told, and the next change waited for."""
    try:
        result = scan_again()
    except CodewrenError as error:
        click.echo(f"codewren: {error}", err=True)
        return seen
    now = Counter(finding.fingerprint for finding in result.findings)
    fresh, new = now - seen, list["Finding"]()
    for finding in result.findings:
        if fresh[finding.fingerprint] > 0:
            fresh[finding.fingerprint] -= 1
            new.append(finding)
    total, gaps = len(result.findings), result.gaps
    show(result, new)
    for gap in gaps[:_MOST_GAPS]:
        click.echo(f"codewren: incomplete: {gap}", err=True)
    click.echo(f"codewren: {len(new)} new, {(seen - now).total()} gone, {total} in all", err=True)
    return now


def _is_source(_: "Change", path: str) -> bool:
    from codewren.scan.source_files import SKIPPED_FOLDERS
    from codewren.syntax.file_names import language_of

    return language_of(path, ()) is not None and SKIPPED_FOLDERS.isdisjoint(Path(path).parts)
