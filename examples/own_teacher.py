"""A teacher of one's own, compressed: the worked example of `docs/making.md`.

    python examples/own_teacher.py --out runs/own [--functions 3000]

The data are functions of the Python that runs this, the question is whether a function raises an exception itself, and
the teacher is a model that codewren knows nothing of. Put your data and your model in their places: what codewren gets
is three files, functions with labels as JSONL, logits as .npy, and a recipe.
"""

import argparse
import ast
import json
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from codewren.cli.main import cli

RECIPE = """[task]
name = "raises"
unit = "function"
labels = ["quiet", "raises"]
positive = "raises"
language = "python"

[data]
unlabelled = { path = "train.jsonl" }
valid = { path = "valid.jsonl" }

[teacher]
kind = "logits"
path = "logits-{split}.npy"

[search]
strategy = "fixed"

[student]
tokenizer = "word"
vocab_size = 1000
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 1
num_attention_heads = 4
max_sequence_length = 200
learning_rate = 2e-3
batch_size = 16

[distil]
epochs = 8
"""

Row = dict[str, object]


def functions(limit: int) -> Iterator[tuple[str, int]]:
    """Texts of functions of the standard library, and whether each raises."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            text = ast.get_source_segment(source, node) if isinstance(node, ast.FunctionDef) else None
            if text and 3 <= text.count("\n") <= 40:
                yield text, int(any(isinstance(inner, ast.Raise) for inner in ast.walk(node)))
                limit -= 1
            if limit == 0:
                return


def my_teacher(texts: list[str], labels: list[int]) -> "Teacher":
    """Any model that gives one number a label: here characters and logistic regression."""
    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=20_000, sublinear_tf=True)
    model = make_pipeline(features, LogisticRegression(C=20.0, max_iter=1000))
    model.fit(texts, labels)
    return Teacher(model)


class Teacher:
    """Turns the model's answer into logits (n, 2): column 0 for `quiet`, column 1 for `raises`."""

    def __init__(self, model: "LogisticRegression") -> None:
        self.model = model

    def logits(self, texts: list[str]) -> NDArray[np.float32]:
        """Logits, not probabilities; for two labels the log-odds beside zero will do."""
        log_odds = self.model.decision_function(texts)
        return np.stack([np.zeros_like(log_odds), log_odds], axis=1).astype(np.float32)


def write_split(folder: Path, name: str, split: str, rows: list[tuple[str, int]], teacher: Teacher) -> None:
    """One split for codewren: the functions, and the teacher's logits in the same order."""
    lines = (json.dumps({"idx": index, "func": text, "label": label}) for index, (text, label) in enumerate(rows))
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.save(folder / f"logits-{split}.npy", teacher.logits([text for text, _ in rows]))


def main() -> None:
    """Write the three files, compress, use what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/own"))
    parser.add_argument("--functions", type=int, default=3000)
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)

    rows = list(dict(functions(given.functions)).items())  # each text once, so that no copy is on both sides
    random.Random(0).shuffle(rows)
    fifth = len(rows) // 5
    own, train, valid = rows[: 2 * fifth], rows[2 * fifth : 4 * fifth], rows[4 * fifth :]
    teacher = my_teacher([text for text, _ in own], [label for _, label in own])
    write_split(out, "train", "unlabelled", train, teacher)
    write_split(out, "valid", "valid", valid, teacher)
    (out / "recipe.toml").write_text(RECIPE, encoding="utf-8")

    cli.main(["compress", str(out / "recipe.toml"), "--out", str(out)], standalone_mode=False)
    cli.main(["info", str(out / "student.wren")], standalone_mode=False)


if __name__ == "__main__":
    main()
