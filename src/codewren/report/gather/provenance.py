"""Where a run comes from, in lines: hashes, seeds, versions, the commit, and the commands that make it again."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codewren import __version__
from codewren.core.recipe_sections import FILE_TEACHERS
from codewren.report.gather.subject import SEEDS, Subject

NO_NETWORK = (*FILE_TEACHERS, "ngrams")
"""Kinds of teachers that are no network to be timed."""

Lines = list[tuple[str, str]]


def provenance(subject: Subject) -> tuple[tuple[str, str], ...]:
    """Names and values, the bundle's own statements among them."""
    commit = code_commit(Path(__file__).resolve().parents[4])
    written = ("report written by", f"codewren {__version__}{f', commit {commit}' if commit else ''}")
    return (*_bundle(subject), *_flat(subject.made), *_recipe(subject), written)


def commands(subject: Subject) -> tuple[str, ...]:
    """What makes the run and its page again, given the recipe that the page shows as `recipe.toml`."""
    run_folder, bundle = subject.shown(), subject.shown_bundle()
    if subject.folder is None:
        return (f"codewren report {run_folder}",)
    return (
        f"codewren compress recipe.toml --out {run_folder}",
        bench_command(subject),
        f"codewren evaluate {bundle} recipe.toml --edits --json {subject.shown('fidelity.json')}",
        f"codewren report {run_folder} --out report.html --card MODEL_CARD.md",
    )


def bench_command(subject: Subject) -> str:
    """What times the bundle beside its teacher, or beside the original where the teacher is only a file of logits."""
    bundle, out = subject.shown_bundle(), subject.shown("bench.json")
    rival = "--original" if subject.recipe is None or subject.recipe.teacher.kind in NO_NETWORK else "--teacher recipe"
    spent = (
        f" --spent {subject.shown()}" if subject.folder is not None and subject.file("energy.json").is_file() else ""
    )
    return f"codewren bench recipe.toml {bundle} {rival}{spent} --json {out}"


def code_commit(root: Path) -> str:
    """Commit of the checkout at `root`, empty where it is none."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head[:12]
        return (git / head.removeprefix("ref: ")).read_text(encoding="ascii").strip()[:12]
    except (OSError, UnicodeDecodeError):
        return ""


def _bundle(subject: Subject) -> Lines:
    bundle = subject.bundle
    if bundle is None:
        return []
    decision = f"threshold {bundle.decision.threshold:g}, temperature {bundle.decision.temperature:g}"
    if bundle.decision.alert_threshold is not None:
        decision += f", in a scan threshold {bundle.decision.alert_threshold:g}"
    size = f"{bundle.path.name}, {bundle.size_bytes:,} bytes"
    return [("bundle", size), ("SHA-256", bundle.sha256), ("decision", decision)]


def _recipe(subject: Subject) -> Lines:
    recipe = subject.recipe
    if recipe is None:
        return []
    seeds = ", ".join(f"{section}.{key} {getattr(getattr(recipe, section), key)}" for section, key in SEEDS)
    plain = recipe.to_dict()
    plain.pop("folder")  # where the recipe lay is nobody's business
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return [("seeds", seeds), ("resolved recipe, SHA-256", digest)]


def _flat(made: Mapping[str, Any], prefix: str = "") -> Lines:
    """Provenance as lines, a hash a line; the recipe and the training's history have places of their own."""
    lines: Lines = []
    for key, value in made.items():
        if key in ("recipe", "history") or value in ("", None, []):
            continue
        name = f"{prefix}{str(key).replace('_', ' ')}"
        lines += _flat(value, f"{name}: ") if isinstance(value, dict) else [(name, str(value))]
    return lines
