"""Functions of made packages: vulnerable ones copy without a check, long ones are vulnerable more often."""

import json
import random
from pathlib import Path
from typing import Any

from codewren.core.hint_recipe import HintRecipe

NOUNS = ("header", "packet", "image", "chunk", "table", "field", "record", "frame")
FILLER = "    state->{noun}_{k} = next_{noun}(state, {k});\n"
PACKAGES = tuple(f"made{k}" for k in range(6))


def made_function(rng: random.Random, *, checked: bool, lines: int) -> str:
    """A function that copies, with a check before it or without."""
    noun = rng.choice(NOUNS)
    body = "".join(FILLER.format(noun=rng.choice(NOUNS), k=rng.randrange(90)) for _ in range(lines))
    check = "    if (len > sizeof(buf))\n        return -1;\n" if checked else ""
    head = f"int read_{noun}(struct s *state, char *data, int len)\n{{\n    char buf[64];\n"
    return f"{head}{body}{check}    memcpy(buf, data, len);\n    return 0;\n}}\n"


def write_packages(folder: Path, seed: int = 0) -> None:
    """Write `functions.jsonl`, `other.jsonl`, `ordinary.jsonl` and `kinds.jsonl`."""
    rng, rows, other, ordinary, kinds = random.Random(seed), [], [], [], []
    for package in PACKAGES:
        for _ in range(60):
            target = int(rng.random() < 0.3)
            lines = rng.randrange(2, 12) + 4 * target
            text = made_function(rng, checked=not target, lines=lines)
            fixed = text.replace("    memcpy", "    if (len > sizeof(buf))\n        return -1;\n    memcpy")
            rows.append({"package": package, "target": target, "func": text, "fixed": fixed if target else None})
    for _ in range(200):
        target = rng.randrange(2)
        other.append({"target": target, "func": made_function(rng, checked=not target, lines=rng.randrange(2, 12))})
        ordinary.append({"project": "lib-1.0", "func": made_function(rng, checked=True, lines=rng.randrange(2, 12))})
    for _ in range(40):
        kinds.append({"cwe": "CWE121", "func": "void f(char *s) { char b[8]; strcpy(b, s); }"})
        kinds.append({"cwe": "CWE416", "func": "void f(char *s) { free(s); s[0] = 1; }"})
    for name, content in (("functions", rows), ("other", other), ("ordinary", ordinary), ("kinds", kinds)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))


def made_recipe(folder: Path, **fit: Any) -> HintRecipe:
    """A recipe of these files."""
    sources = {
        "packages": {"kind": "labelled", "path": "functions.jsonl", "project": "package", "fixed": "fixed"},
        "other": {"kind": "labelled", "path": "other.jsonl", "valid": "other.jsonl", "weight": 0.5},
        "ordinary": {"kind": "ordinary", "path": "ordinary.jsonl", "project": "project"},
        "kinds": {"kind": "kinds", "path": "kinds.jsonl", "label": "cwe"},
    }
    raw = {
        "objective": {"kind": "hint", "review": "packages", "own_heads": ["other"], "sources": sources},
        "student": {"entries": 2000, "kind_entries": 500},
        "fit": {"iterations": 15, "folds": 3, "rate": 0.0, "line_trees": 10, **fit},
    }
    return HintRecipe.from_dict(raw, folder)
