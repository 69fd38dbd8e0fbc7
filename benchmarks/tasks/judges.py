"""2,000 judgements by simulated judges, and how often a student of them agrees with a judge.

    python benchmarks/tasks/further.py runs/tasks/packages/pypi runs/tasks/projects 6000
    python benchmarks/tasks/judges.py write words runs/tasks/projects runs/tasks/judged/words
    codewren compress benchmarks/tasks/judged.toml --out runs/tasks/judged-words --seeds 3
    python benchmarks/tasks/judges.py compare runs/tasks/judged-words runs/tasks/projects runs/tasks/judged/words

No person and no language model judged anything here. A judge is a model that learnt a third of the functions of
`unlabelled`, other ones than its fellows; its errors come of the code, as people's habits do, and no average removes
them. Three judges sit in each setting, two of whom teach and one whom the student never meets:

- `words`, `characters`: three of one kind (benchmarks/tasks/judge_kinds.py). Each of the 2,000 functions of `labelled`
  is judged once, by the two in turn: a label, how sure, and "unsure" below one half.
- `kinds-1`, `kinds-2`, `kinds-3`: characters, trees and a Transformer, the first, second or third one left out. The two
  others both judge every function, one as above, one by the logarithms of its three likeliest tokens.

For another setting than `words` add `--set data.root=../../runs/tasks/judged/SETTING` to the second command. No true
label is in the folder that the student learns from; a function's label in `valid` is what the two judges together find
likeliest, and where none of them is sure it is left out.
"""

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from judge_kinds import Judge, by_characters, by_transformer, by_trees, by_words

import codewren
from codewren.core.recipe import Recipe
from codewren.measure.intervals import clopper_pearson

LABELS = Recipe.load(Path(__file__).with_name("projects.toml")).task.labels
KINDS: tuple[Judge, ...] = (by_characters, by_trees, by_transformer)
SETTINGS: dict[str, tuple[Judge, ...]] = {"words": (by_words,) * 3, "characters": (by_characters,) * 3} | {
    f"kinds-{left_out + 1}": (*KINDS[:left_out], *KINDS[left_out + 1 :], KINDS[left_out]) for left_out in range(3)
}
"""Two that teach, and the stranger."""
JUDGES, SURE, TOP, DRAWS = 3, 0.5, 3, 2000


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def texts(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The functions of rows."""
    return [row["func"] for row in rows]


def truth(rows: Iterable[dict[str, Any]]) -> np.ndarray:
    """Their true labels."""
    return np.array([LABELS.index(row["label"]) for row in rows])


def line(name: str, number: int, probabilities: np.ndarray, *, tokens: bool) -> dict[str, Any]:
    """A judge's line on a function."""
    said: dict[str, Any] = {"id": name, "judge": f"judge {number + 1}"}
    sure = float(probabilities.max())
    if tokens:
        likely = np.argsort(-probabilities)[:TOP]
        return said | {
            "logprobs": {LABELS[at][:4].title(): round(math.log(max(probabilities[at], 1e-9)), 4) for at in likely}
        }
    if sure < SURE:
        return said | {"label": "unsure"}
    return said | {"label": LABELS[int(probabilities.argmax())], "confidence": round(sure, 2)}


def write(setting: str, data: Path, out: Path) -> None:
    """What judges say, and the splits without a true label."""
    splits = {split: read(data / f"{split}.jsonl") for split in ("labelled", "valid", "test")}
    known, all_rows = read(data / "unlabelled.jsonl"), [row for rows in splits.values() for row in rows]
    found = []
    for number, judge in enumerate(SETTINGS[setting]):
        own = known[number::JUDGES]
        found.append(judge(texts(own), truth(own), texts(all_rows)))
    ends = np.cumsum([len(rows) for rows in splits.values()])[:-1]
    said = {
        split: np.stack(parts) for split, *parts in zip(splits, *(np.split(one, ends) for one in found), strict=True)
    }
    both = setting.startswith("kinds")
    lines = [
        line(row["id"], number, said["labelled"][number, at], tokens=both and number == 1)
        for at, row in enumerate(splits["labelled"])
        for number in ((0, 1) if both else (at % 2,))
    ]
    write_rows(out / "judgements.jsonl", lines)
    write_rows(out / "labelled.jsonl", ({"id": row["id"], "func": row["func"]} for row in splits["labelled"]))
    further = [*known, *read(data / "further.jsonl")]
    write_rows(out / "unlabelled.jsonl", ({"id": row["id"], "func": row["func"]} for row in further))
    taught = said["valid"][:2]
    kept = [(row, taught[:, at]) for at, row in enumerate(splits["valid"]) if taught[:, at].max() >= SURE]
    write_rows(
        out / "valid.jsonl",
        ({"id": row["id"], "func": row["func"], "label": LABELS[int(judged.mean(0).argmax())]} for row, judged in kept),
    )
    np.savez(out / "judges.npz", **{split: said[split].argmax(-1) for split in ("valid", "test")})
    unsure = sum(one.get("label") == "unsure" for one in lines)
    print(f"{setting}: {len(lines):,} judgements of {len(splits['labelled']):,} functions, {unsure:,} unsure; ", end="")
    print(f"{len(further):,} functions without one, {len(kept):,} to validate")


def majority_words(folder: Path, asked: list[str]) -> tuple[np.ndarray, str]:
    """Answers of words that learnt the likeliest label of each function, and the commonest of these."""
    votes: dict[str, np.ndarray] = {row["id"]: np.zeros(len(LABELS)) for row in read(folder / "labelled.jsonl")}
    for row in read(folder / "judgements.jsonl"):
        shares = {name: math.exp(value) for name, value in row.get("logprobs", {}).items()}
        shares |= {row["label"]: row["confidence"]} if "confidence" in row else {}
        for name, share in shares.items():
            votes[row["id"]][[label.startswith(name.lower()) for label in LABELS].index(True)] += share
    taught = [
        (row["func"], votes[row["id"]].argmax()) for row in read(folder / "labelled.jsonl") if votes[row["id"]].any()
    ]
    labels = np.array([label for _, label in taught])
    learnt = by_words([text for text, _ in taught], labels, asked).argmax(1)
    return np.unique(labels)[learnt], LABELS[int(np.bincount(labels).argmax())]


def compare(run: Path, data: Path, folder: Path, split: str) -> None:
    """Agreement on a split."""
    rows = read(data / f"{split}.jsonl")
    judges, true = np.load(folder / "judges.npz")[split], truth(rows)
    bundles = sorted(run.glob("seed-*/student.wren")) or [run / "student.wren"]
    students = [np.array([int(x) for x in codewren.load(one).predict(texts(rows))]) for one in bundles]
    learnt, common = majority_words(folder, texts(rows))
    print(f"{split}, n = {len(rows):,}, {len(students)} seeds, {bundles[0].stat().st_size:,} bytes")
    print(f"{'':32}taught  stranger  right")
    pair, far = judges[0] == judges[1], (judges[:2] == judges[2]).mean(0)
    shown("the judges with each other", pair, far, (judges == true).mean(0))
    hits = np.mean([judges == student for student in students], axis=0)
    shown("the student, mean of seeds", hits[:2].mean(0), hits[2], np.mean([s == true for s in students], axis=0))
    for student in students:
        shown("  one seed", (judges[:2] == student).mean(0), judges[2] == student, student == true)
    shown("words of the same judgements", (judges[:2] == learnt).mean(0), judges[2] == learnt, learnt == true)
    always = np.full(len(rows), LABELS.index(common))
    shown(f"always {common}", (judges[:2] == always).mean(0), judges[2] == always, always == true)
    for name, gap in {"taught": hits[:2].mean(0) - pair, "stranger": hits[2] - far}.items():
        draws = np.random.default_rng(0).integers(len(gap), size=(DRAWS, len(gap)))
        low, high = np.quantile(gap[draws].mean(1), [0.025, 0.975])
        print(f"student minus judges, {name}: {gap.mean():+.4f} [{low:+.4f}, {high:+.4f}] (bootstrap over functions)")
    low, high = clopper_pearson(int(pair.sum()), len(pair))
    print(f"judges 1 and 2: {pair.mean():.4f} [{low:.4f}, {high:.4f}]")


def shown(name: str, taught: np.ndarray, stranger: np.ndarray, right: np.ndarray) -> None:
    """A row of means."""
    print(f"{name:32}{taught.mean():.4f}    {stranger.mean():.4f}  {right.mean():.4f}")


def main() -> None:
    """Write or compare."""
    verb, *rest = sys.argv[1:] or [""]
    if verb == "write" and len(rest) == 3 and rest[0] in SETTINGS:
        write(rest[0], Path(rest[1]), Path(rest[2]))
    elif verb == "compare" and len(rest) in (3, 4):
        compare(Path(rest[0]), Path(rest[1]), Path(rest[2]), split=rest[3] if len(rest) == 4 else "test")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
