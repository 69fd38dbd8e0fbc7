"""`codewren predict`."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from codewren.core.errors import InputError

if TYPE_CHECKING:
    from codewren.core.task import Task
    from codewren.predict.predictor import AnyPredictor


class Told(NamedTuple):
    """An explanation as JSON and as lines of text."""

    value: Any
    rows: list[str]


@click.command()
@click.argument("bundle")
@click.argument("files", nargs=-1, required=True)
@click.option("--explain", is_flag=True, help="Say what each line speaks for, or which lines of a pair correspond.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def predict(bundle: str, files: tuple[str, ...], *, explain: bool, form: str) -> None:
    """Print the probability of every label for each file, or for standard input (-).

    A file is one function; a pair bundle takes the files two by two. To find the functions inside files, use scan.
    """
    from codewren.core.task import Unit
    from codewren.predict.predictor import load_for_report

    predictor = load_for_report(bundle)
    texts = [_read(name) for name in files]
    names: list[str] = list(files)
    items: list[str] | list[tuple[str, str]] = texts
    if predictor.task.unit is Unit.PAIR:
        if len(files) % 2:
            raise InputError(f"{bundle} judges pairs and got {len(files)} files; give an even number")
        items = list(zip(texts[::2], texts[1::2], strict=True))
        names = [f"{a} {b}" for a, b in zip(files[::2], files[1::2], strict=True)]
    _warn(predictor, files)
    labels = predictor.task.labels
    explanations = _explanations(predictor, texts) if explain else [None] * len(names)
    kinds = _kinds(predictor, files, texts) if predictor.task.unit is Unit.PAIR else [""] * len(names)
    rows = zip(names, predictor.predict(items), predictor.predict_proba(items), kinds, explanations, strict=True)
    for number, (name, answer, row, kind, explanation) in enumerate(rows):
        if form == "json":
            told = {"kind": kind} if kind else _tokens(predictor, str(items[number]))
            told |= {"explanation": explanation.value} if explanation else {}
            click.echo(json.dumps({"item": name, **_answered(predictor.task, int(answer), row), **told}))
        else:
            figures = "  ".join(f"{label} {p:.4f}" for label, p in zip(labels, row, strict=True))
            known = f"  {kind} copies, whatever the model says" if kind else ""
            click.echo(f"{name}: {predictor.task.in_words(int(answer))}  ({figures}){known}")
            for line in explanation.rows if explanation else ():
                click.echo(line)


def _warn(predictor: "AnyPredictor", files: Sequence[str]) -> None:
    """Say on standard error where files, by their names, are of a language that the model has never seen."""
    from codewren.scan.worth import untrained_remark
    from codewren.syntax.file_names import language_of

    languages = {language for name in files if (language := language_of(name, ("c",)))}
    if warning := untrained_remark(predictor.task, languages):
        click.echo(f"codewren: {warning}", err=True)


def _kinds(predictor: "AnyPredictor", files: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    """For each pair `exact` or `renamed` where its tokens say so, as they do in a scan; else empty."""
    from codewren.syntax.file_names import language_of
    from codewren.syntax.tokens import shape_hash, text_hash

    for number in range(0, len(texts), 2):
        first, second = texts[number : number + 2]
        language = language_of(files[number], ("c",)) or predictor.task.language or "c"
        is_exact = text_hash(first, language) == text_hash(second, language)
        is_renamed = not is_exact and shape_hash(first, language) == shape_hash(second, language)
        yield "exact" if is_exact else "renamed" if is_renamed else ""


def _answered(task: "Task", answer: int, row: Sequence[float]) -> dict[str, Any]:
    """The answer of one item and the probabilities of its labels, as JSON."""
    probabilities = dict(zip(task.labels, row, strict=True))
    if not task.is_multi_label:
        return {"label": task.in_words(answer), "probabilities": probabilities}
    present = [label for index, label in enumerate(task.labels) if answer >> index & 1]
    return {"labels": present, "probabilities": probabilities}


def _tokens(predictor: "AnyPredictor", text: str) -> dict[str, Any]:
    """How many tokens of a function the model reads, and how many it has; nothing of pairs."""
    from codewren.core.task import Unit
    from codewren.predict.explanation import TokenCounter

    if predictor.task.unit is Unit.PAIR or not isinstance(predictor, TokenCounter):
        return {}
    ((read, total),) = predictor.count_tokens([text])
    return {"tokens_read": read, "tokens_total": total}


def _explanations(predictor: "AnyPredictor", texts: Sequence[str]) -> list[Told]:
    from codewren.core.task import Unit
    from codewren.predict.explanation import Explainer
    from codewren.scan.formats.text import explanation_rows, plain
    from codewren.scan.telling_lines import in_file

    if predictor.task.unit is Unit.PAIR:
        return [_correspondence(predictor, *pair) for pair in zip(texts[::2], texts[1::2], strict=True)]
    if not isinstance(predictor, Explainer):
        raise InputError(f"{predictor.path.name} explains no lines; leave --explain out")
    explained = [
        in_file(explanation, text, 1) for explanation, text in zip(predictor.explain(texts), texts, strict=True)
    ]
    return [Told(one.to_dict(), [plain(row) for row in explanation_rows(one)]) for one in explained]


def _correspondence(predictor: "AnyPredictor", first: str, second: str) -> Told:
    from codewren.predict.correspondence import range_rows

    ranges = predictor.correspondence(first, second)
    return Told([one.to_dict() for one in ranges], [f"    {row}" for row in range_rows(ranges)])


def _read(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: byte {error.start} is not UTF-8; convert the file to UTF-8 first") from None
