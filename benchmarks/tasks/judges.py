"""2,000 judgements by two simulated judges, and how often a student of them agrees with a third.

    python benchmarks/tasks/judges.py write runs/tasks/families-run runs/tasks/families
    codewren compress benchmarks/tasks/judged.toml --out runs/tasks/judged
    python benchmarks/tasks/judges.py compare runs/tasks/judged runs/tasks/families

Nobody judged anything here: a judge is the teacher of families.toml with noise of its own on every log-odds (a standard
deviation of one), and calls one item in twenty "unsure". Each of the 2,000 functions of `labelled`, and of `valid`, is
judged by two. On `test` the share of label decisions in which two judges agree is set beside that in which the student
agrees with a judge. Noise on the teacher's answers is less than people differ, and it is independent of the code, which
a student can average away and people's habits are not.
"""

import json
import sys
from pathlib import Path

import numpy as np

import codewren
from codewren.core.recipe import Recipe
from codewren.data.load import load_split, load_test_split
from codewren.measure.label_sets import bits
from codewren.train.teachers.logits_file import read_logits

FAMILIES = Path(__file__).with_name("families.toml")
NOISE, UNSURE = 1.0, 0.05


def judged(logits: np.ndarray, seed: int) -> np.ndarray:
    """Which labels (n, C) one judge sees."""
    return logits + np.random.default_rng(seed).normal(scale=NOISE, size=logits.shape) > 0


def write(run: Path, data: Path) -> None:
    """Judgements of both splits, two an item."""
    recipe = Recipe.load(FAMILIES)
    for split in ("labelled", "valid"):
        dataset = load_split(recipe, split)
        logits = read_logits(run / f"logits-{split}.npz", dataset)
        lines = []
        for judge in (1, 2):
            unsure = np.random.default_rng(100 + judge).random(len(dataset)) < UNSURE
            for name, row, is_unsure in zip(dataset.ids, judged(logits, judge), unsure, strict=True):
                labels = [label for label, there in zip(recipe.task.labels, row, strict=True) if there]
                said = {"label": "unsure"} if is_unsure else {"labels": labels}
                lines.append(json.dumps({"id": name, "judge": f"judge {judge}", **said}))
        (data / f"judgements-{split}.jsonl").write_text("\n".join(lines) + "\n")
        print(f"{split}: {len(lines):,} judgements of {len(dataset):,} functions")


def compare(run: Path) -> None:
    """Agreement on the test split."""
    recipe = Recipe.load(FAMILIES)
    test = load_test_split(recipe)
    folder = recipe.folder / recipe.teacher.path
    names = list(json.loads((folder / "config.json").read_text())["id2label"].values())
    logits = np.load(folder / "maker-test.npy")[:, [names.index(label) for label in recipe.task.labels]]
    third, fourth = judged(logits, 3), judged(logits, 4)
    student = codewren.load(run / "student.wren")
    found = bits(np.array([int(answer) for answer in student.predict(test.sources())]), len(recipe.task.labels))
    truth = bits(np.array(test.known_labels()), len(recipe.task.labels))
    print(f"two judges agree in {(third == fourth).mean():.4f} of {third.size:,} label decisions")
    print(f"the student agrees with a judge in {((found == third).mean() + (found == fourth).mean()) / 2:.4f}")
    print(f"no label for any function agrees in {(~third).mean():.4f}")
    print(f"right: a judge {(third == truth).mean():.4f}, the student {(found == truth).mean():.4f}")


def main() -> None:
    """Write or compare."""
    if len(sys.argv) != 4 or sys.argv[1] not in ("write", "compare"):
        sys.exit(__doc__)
    write(Path(sys.argv[2]), Path(sys.argv[3])) if sys.argv[1] == "write" else compare(Path(sys.argv[2]))


if __name__ == "__main__":
    main()
