"""`codewren info`."""

import json
from typing import Any

import click


@click.command()
@click.argument("bundle")
@click.option("--json", "as_json", is_flag=True, help="The whole manifest as JSON.")
@click.option("--card", is_flag=True, help="The model card.")
def info(bundle: str, as_json: bool, card: bool) -> None:
    """Say what a bundle is: size, task, scores, provenance, hashes. BUNDLE is a file or the name of a shipped one."""
    from codewren.predict.predictor import find_and_open

    opened = find_and_open(bundle)
    if as_json:
        click.echo(json.dumps(opened.manifest, indent=2))
    elif card:
        click.echo(opened.card)
    else:
        for name, value in _lines(opened):
            click.echo(f"{name:<12} {value}")


def _student(config: Any) -> list[tuple[str, str]]:
    shape = f"{config.num_hidden_layers} layers, hidden {config.hidden_size}, heads {config.num_attention_heads}"
    return [
        ("student", f"{shape}, {config.max_sequence_length} tokens, {config.storage} weights"),
        ("tokenizer", f"{config.tokenizer}, {config.vocab_size:,} entries"),
    ]


def _encoder(config: Any) -> list[tuple[str, str]]:
    tables = [f"{table.entries:,} {name} ({table.rows:,} with rows)" for name, table in config.tables.items()]
    return [("encoder", f"{config.vector_bytes} bytes a function"), ("features", ", ".join(tables))]


def _hint(config: Any) -> list[tuple[str, str]]:
    return [
        ("hint", f"{config.entries:,} features, heads {', '.join(config.heads)}"),
        ("kinds", ", ".join(config.kinds)),
    ]


FORMS = {"similarity": _encoder, "hint": _hint}  # any other is a student


def _kind(task: Any) -> str:
    return "" if str(task.kind) == "single-label" else f", {task.kind}"


def _decision(decision: Any, labels: tuple[str, ...]) -> str:
    own = [f"{label} {threshold:.3g}" for label, threshold in zip(labels, decision.thresholds, strict=False)]
    parts = [f"thresholds {', '.join(own)}" if own else f"threshold {decision.threshold:.6g}"]
    parts.append(f"temperature {decision.temperature:.6g}")
    parts += [] if decision.alert_threshold is None else [f"scans alert above {decision.alert_threshold:.6g}"]
    return ", ".join(parts)


def _lines(bundle: Any) -> list[tuple[str, str]]:
    from codewren.measure.estimate import Measure

    task, config, manifest = bundle.task, bundle.config, bundle.manifest
    lines = [
        ("file", f"{bundle.path}  {bundle.size_bytes:,} bytes"),
        ("sha256", bundle.sha256),
        ("task", f"{task.name}: {' | '.join(task.labels)} (alarm: {task.positive}), unit {task.unit}{_kind(task)}"),
        ("language", task.language or "any"),
        *FORMS.get(str(manifest.get("form")), _student)(config),
        ("decision", _decision(bundle.decision, task.labels)),
    ]
    scores = manifest.get("scores", {})
    for name, measure in scores.get("measures", {}).items():
        figure = Measure.from_dict({"name": name, **measure})
        lines.append((name, f"{figure}  on {scores['split']}, n = {figure.n:,}"))
    made = manifest.get("provenance", {})
    if made:
        lines.append(("made by", f"codewren {made.get('codewren', '?')}"))
    return lines
