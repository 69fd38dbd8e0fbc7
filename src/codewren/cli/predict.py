"""`codewren predict`."""

import json
import sys
from pathlib import Path

import click

from codewren.core.errors import InputError


@click.command()
@click.argument("bundle")
@click.argument("files", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def predict(bundle: str, files: tuple[str, ...], form: str) -> None:
    """Print the probability of every label for each file, or for standard input (-).

    A file is one function; a pair bundle takes the files two by two. To find the functions inside files, use scan.
    """
    from codewren.core.task import Unit
    from codewren.predict.predictor import load

    predictor = load(bundle)
    texts = [_read(name) for name in files]
    names: list[str] = list(files)
    items: list[str] | list[tuple[str, str]] = texts
    if predictor.task.unit is Unit.PAIR:
        if len(files) % 2:
            raise InputError(f"{bundle} judges pairs and got {len(files)} files; give an even number")
        items = list(zip(texts[::2], texts[1::2], strict=True))
        names = [f"{a} {b}" for a, b in zip(files[::2], files[1::2], strict=True)]
    labels = predictor.task.labels
    for name, label, row in zip(names, predictor.predict(items), predictor.predict_proba(items), strict=True):
        if form == "json":
            click.echo(
                json.dumps({"item": name, "label": label.name, "probabilities": dict(zip(labels, row, strict=True))})
            )
        else:
            figures = "  ".join(f"{one} {p:.4f}" for one, p in zip(labels, row, strict=True))
            click.echo(f"{name}: {label.name}  ({figures})")


def _read(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte {error.start} is not UTF-8; convert the file to UTF-8 first") from None
