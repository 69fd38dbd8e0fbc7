"""A task of your own, from labelled functions to a bundle that scans: does a Python function raise an error?

    python examples/own_task.py OUT [FUNCTIONS]     with 2,000 functions a few minutes on one core

The functions are those of Python's own standard library, the label is whether one holds a `raise`; take your own
functions and labels in their place: one JSON object a line, `func` and `label`. The teacher learns words and word pairs
from the labels, so no pretrained model is needed; `docs/recipe.md` names the other teachers.
"""

import ast
import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

RECIPE = """\
[task]
name = "raises"
unit = "function"
labels = ["silent", "raises"]
positive = "raises"
language = "python"

[data]
train.path = "train.jsonl"
valid.path = "valid.jsonl"
license = "Functions of Python's standard library, PSF licence."

[teacher]
kind = "ngrams"

[search]
strategy = "fixed"

[budget]
max_bytes = 250_000

[student]
tokenizer = "word"
vocab_size = 3000
hidden_size = 32
intermediate_size = 32
num_attention_heads = 4
max_sequence_length = 256
learning_rate = 2e-3

[distil]
train_on = ["unlabelled", "labelled"]
epochs = 6
hard_label_weight = 0.5

[decision]
threshold = "f1"
"""


def labelled_functions() -> Iterator[dict[str, str]]:
    """Functions of the standard library and whether they raise."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for node in ast.walk(ast.parse(text)):
            source = ast.get_source_segment(text, node) if isinstance(node, ast.FunctionDef) else None
            if source:
                raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
                yield {"func": source, "label": "raises" if raises else "silent"}


def write_task(folder: Path, count: int) -> Path:
    """Write both splits, every fourth function for validation, and the recipe; returns the recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps({**row, "idx": number}) for number, row in enumerate(islice(labelled_functions(), count))]
    for name, lines in (("valid", rows[::4]), ("train", [row for number, row in enumerate(rows) if number % 4])):
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "recipe.toml"


def codewren(*arguments: object) -> None:
    """Run a verb; 1 says findings."""
    code = subprocess.run([sys.executable, "-m", "codewren", *map(str, arguments)], check=False).returncode
    if code > 1:
        sys.exit(code)


def main() -> None:
    """Compress, then scan one file of the standard library with what came out."""
    out = Path(sys.argv[1])
    recipe = write_task(out, int(sys.argv[2]) if len(sys.argv) > 2 else 2_000)
    codewren("compress", recipe, "--out", out / "run")
    codewren("scan", Path(ast.__file__), "--model", out / "run/student.wren")


if __name__ == "__main__":
    main()
