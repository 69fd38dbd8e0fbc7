"""Whether a local teacher's vectors of functions help: `python benchmarks/feature_distillation.py RUN`.

The teacher is the best student of a finished search on BigCloneBench (RUN), a small network, but a local one whose
vectors are known; the students are a quarter of its width. Each is trained on the same pairs with the teacher's logits
alone, with the similarities of functions beside them, and with the vectors, over --seeds; what counts is the difference
of validation accuracy, seed by seed, and of the agreement with the teacher. Finished trainings stay in RUN/features.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from search_pool import finished

from codewren.compress.run import Run
from codewren.compress.stage_distil import trial_folder
from codewren.core.files import read_json, write_json
from codewren.core.recipe import Recipe
from codewren.core.run_folder import CHECKPOINT, RECIPE
from codewren.core.student_config import TokenizerKind
from codewren.report.table import markdown
from codewren.train.batches import EncodedSplit
from codewren.train.distil import distil, predict_logits
from codewren.train.student import Student

NONE = ("none", 1.0)
KINDS = (NONE, ("relations", 1.0), ("vectors", 1.0))
"""What is learnt, and its weight."""


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, nargs="+", default=[1000, 5000])
    given = parser.parse_args()
    run = Run(Recipe.load(given.run / RECIPE), given.run, quiet=True)
    teacher, tokens = best_student(run)
    print(f"teacher: hidden {teacher.config.hidden_size}, accuracy {accuracy(run, teacher, tokens):.4f}", flush=True)
    table = [["pairs", "learnt", "accuracy", "difference, points", "agreement", "difference, points"]]
    for pairs in given.pairs:
        plain: NDArray[np.float64] | None = None
        for kind, weight in KINDS:
            found = [trained(run, teacher, tokens, kind, weight, pairs, seed) for seed in range(given.seeds)]
            rows = 100 * np.array(found)
            plain = rows if plain is None else plain
            cells = [f"{column.mean():.2f}" for column in rows.T]
            told = [f"{d.mean():+.2f} ({', '.join(f'{one:+.2f}' for one in d)})" for d in (rows - plain).T]
            table.append([f"{pairs:,}", f"{kind}, weight {weight:g}", cells[0], told[0], cells[1], told[1]])
            print(markdown(table), flush=True)


def best_student(run: Run) -> tuple[Student, dict[str, EncodedSplit]]:
    """The best network of the search, and both splits in its tokens."""
    best = max(finished(run.out), key=lambda trial: trial.effectiveness or 0.0)
    spec = run.tokenizer(best.config)
    config = best.config.replace(vocab_size=len(spec.vocab))
    folder = trial_folder(run.out, run.inputs(), best.config, best.seed)
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    student = Student(config, run.recipe.task, seed=0)
    student.load_state_dict(state["best"])
    return student, dict(splits(run, student))


def splits(run: Run, student: Student) -> Iterator[tuple[str, EncodedSplit]]:
    spec = run.tokenizer(student.config)
    yield "train", run.training_split(student.config, spec)
    yield "valid", run.encoded("valid", student.config, spec, taught=False)


def accuracy(run: Run, student: Student, tokens: dict[str, EncodedSplit]) -> float:
    return run.select()(tokens["valid"].labels, predict_logits(student, tokens["valid"]))


def trained(
    run: Run, teacher: Student, tokens: dict[str, EncodedSplit], kind: str, weight: float, pairs: int, seed: int
) -> tuple[float, float]:
    """Validation accuracy of one student, and the share of pairs that it judges as the teacher does."""
    out = run.out / "features" / f"{pairs}-{kind}-{weight:g}-{seed}"
    if (out / "scores.json").exists():
        scores = read_json(out / "scores.json")
        return scores["accuracy"], scores["agreement"]
    wished = teacher.config.replace(tokenizer=TokenizerKind.WORD, vocab_size=2000, embedding_size=0)
    wished = wished.replace(hidden_size=teacher.config.hidden_size // 4, num_attention_heads=4, learning_rate=2e-3)
    spec = run.tokenizer(wished)
    config = wished.replace(vocab_size=len(spec.vocab))
    train, valid = run.training_split(config, spec), run.encoded("valid", config, spec, taught=False)
    some = replace(
        train,
        items=train.items[:pairs],
        labels=train.labels[:pairs],
        logits=predict_logits(teacher, tokens["train"])[:pairs],
        vectors=vectors_of(teacher, tokens["train"]),
    )
    options = replace(run.recipe.distil, seed=seed, features=kind, feature_weight=weight)
    done = distil(
        config,
        run.recipe.task,
        train=some,
        valid=valid,
        options=options,
        select=run.select(),
        out=out,
        quiet=True,
    )
    student = Student(config, run.recipe.task, seed=0)
    student.load_state_dict({name: torch.from_numpy(value) for name, value in done.tensors.items()})
    mine, theirs = predict_logits(student, valid).argmax(1), predict_logits(teacher, tokens["valid"]).argmax(1)
    scores = {"accuracy": float((mine == valid.labels).mean()), "agreement": float((mine == theirs).mean())}
    write_json(out / "scores.json", scores)
    return scores["accuracy"], scores["agreement"]


def vectors_of(teacher: Student, split: EncodedSplit) -> NDArray[np.float32]:
    """The teacher's vectors (F, W) of a split's functions."""
    teacher.eval()
    vectors = []
    with torch.inference_mode():
        for start in range(0, len(split.functions), 200):
            some = split.functions[start : start + 200]
            ids = torch.from_numpy(np.concatenate(some).astype(np.int64))
            vectors.append(teacher.encode(ids, torch.tensor([len(ids) for ids in some])).numpy())
    return np.concatenate(vectors)


if __name__ == "__main__":
    main()
