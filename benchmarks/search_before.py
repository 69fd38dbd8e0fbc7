"""A whole search as it is and as it was before it was simplified, on one task.

    python benchmarks/search_before.py ../shared/data/bcb runs/before --pairs 5000 --seeds 3

Before: 24 trainings, 6 in 10 of the short ones trained on (now 18, and 35 in 100), both neighbours of a learning rate
tried whatever they promise (now upwards first, and as long as it helps), and the best student repeated for its noise
(now the best of the cheaper half). The rest is equal: space, budget, pairs, epochs, latency model, seeds. Both choose
on one half of the validation pairs; students of both fronts are judged on the other half. "Plane" is the share of (log
bytes, accuracy above 0.7) that a front's students dominate there. Time is the processor's, of all trainings of a
search and the vocabularies that they asked for, of which one of the kind `unigram` takes as long as ten epochs.
Finished searches stay in OUT.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from native_step import student_interval
from robust_students import labels_of, packed_lines, write_pairs

from codewren.compress import stage_search
from codewren.compress.run import Run
from codewren.compress.stage_distil import DistilTrial
from codewren.compress.stage_export import export_front
from codewren.compress.stage_label import label_splits
from codewren.core.files import read_json, write_bytes, write_json
from codewren.core.pareto import ParetoFront
from codewren.core.recipe import Recipe
from codewren.core.run_folder import FRONT, JOURNAL
from codewren.data.load import load_test_split
from codewren.measure.intervals import paired_test
from codewren.predict.predictor import load
from codewren.report.table import markdown
from codewren.search import wren
from codewren.search.fronts import hypervolume
from codewren.search.rates import Rate, neighbours
from codewren.search.trainings import Trainings, effectiveness_of
from codewren.search.trials.journal import read_journal

TRIALS = {"before": 24, "now": 18}
LATENCY = "latency-extended.json"
LEAST, SMALLEST, LARGEST = 0.7, 3e4, 3e6
"""Accuracy and bytes of the plane that a front is measured in."""
ROOT = Path(__file__).resolve().parents[1]
Found = Mapping[str, Any]


def main() -> None:
    """Search what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of BigCloneBench with codebert_unlabelled_logits.npy")
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    data, out = given.data.resolve(), given.out.resolve()
    prepare(data, out, given.pairs)
    found: dict[str, list[Found]] = {name: [] for name in TRIALS}
    for seed in range(given.seeds):
        for name, some in found.items():
            some.append(searched(name, seed, data, out))
            print(name, seed, {key: some[-1][key] for key in ("best", "plane", "epochs", "seconds")}, flush=True)
    print(table(found))


def prepare(data: Path, out: Path, pairs: int) -> None:
    """The validation pairs halved, one to choose and one to report on; the first pairs' logits."""
    out.mkdir(parents=True, exist_ok=True)
    head, *valid = packed_lines(data / "valid.tsv.xz")
    write_pairs(out / "chosen-on.tsv", head, valid[::2])
    write_pairs(out / "reported-on.tsv", head, valid[1::2])
    np.save(out / "logits.npy", np.load(data / "codebert_unlabelled_logits.npy")[:pairs])
    write_json(out / "pairs.json", {"pairs": pairs})


def searched(name: str, seed: int, data: Path, out: Path) -> Found:
    """One search and what its front is worth; one that is done is read."""
    folder = out / f"{name}-{seed}"
    kept = folder / "found.json"
    if kept.exists():
        return dict(read_json(kept))
    settings = (
        f"data.root={data}",
        f"data.unlabelled.limit={read_json(out / 'pairs.json')['pairs']}",
        f"data.valid.path={out / 'chosen-on.tsv'}",
        f"data.test.path={out / 'reported-on.tsv'}",
        f"teacher.path={out / 'logits.npy'}",
        "search.strategy=wren",
        f"search.trials={TRIALS[name]}",
        f"search.seed={seed}",
        f"distil.seed={seed}",
        "search.max_seconds=1e9",
        "budget.max_latency_s=1.2e-4",
        "distil.rename=0",
    )
    run = Run.start(Recipe.load(ROOT / "recipes/clone-wren.toml", settings), folder, quiet=True)
    label_splits(run)
    if (out / LATENCY).exists():  # one model of latency, so that all choose among the same students
        write_bytes(folder / LATENCY, (out / LATENCY).read_bytes())
    as_it_was() if name == "before" else as_it_is()
    stage_search.search_configuration(run)
    write_bytes(out / LATENCY, (folder / LATENCY).read_bytes())
    write_json(kept, judged(run))
    return dict(read_json(kept))


class TimedTrial(DistilTrial):
    """A trial that notes the processor seconds it took beside the journal, so that a resumed search loses none."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """As `DistilTrial`."""
        started = time.process_time()
        done = super().__call__(*given, **named)
        with (self.out / "seconds.txt").open("a") as stream:
            stream.write(f"{time.process_time() - started}\n")
        return done


NOW = (wren._PROMOTED, wren._climbed, wren._deviation)


def as_it_is() -> None:
    """The search of this version."""
    wren._PROMOTED, wren._climbed, wren._deviation = NOW
    stage_search.DistilTrial = TimedTrial


def as_it_was() -> None:
    """The search before it was simplified."""
    wren._PROMOTED, wren._climbed, wren._deviation = 0.6, climbed, deviation
    stage_search.DistilTrial = TimedTrial


def climbed(trainings: Trainings, rate: Rate, short: int, full: int, most: int) -> Rate:
    """The rate that serves one middling student best when it is trained fully, both neighbours first."""
    student = wren._middling(trainings, short)
    if student is None:
        return rate
    space, worth = trainings.problem.space, dict[float, float]()
    todo = [student.learning_rate, *neighbours(space, student.learning_rate)]
    while todo and len(worth) < most:
        some = todo[: most - len(worth)]
        trials = trainings.train([student.replace(learning_rate=lr) for lr in some], full)
        worth |= {trial.config.learning_rate: trial.effectiveness or 0.0 for trial in trials}
        best = max(sorted(worth), key=lambda lr: worth[lr])
        todo = [lr for lr in neighbours(space, best) if lr not in worth]
    return Rate(max(sorted(worth), key=lambda lr: worth[lr]), student.hidden_size)


def deviation(trainings: Trainings, repeats: int, epochs: int) -> float:
    """Standard deviation of one full training's effectiveness, the best of all repeated."""
    validation, done = trainings.validation, trainings.at(epochs)
    best = sorted(done, key=lambda trial: -(trial.effectiveness or 0.0))[:repeats]
    again = trainings.train([trial.config for trial in best], epochs, seed=trainings.seed + 1) if best else []
    expected = validation.sampling_error(float(effectiveness_of(done).max()) if done else validation.chance)
    squares = [
        ((first.effectiveness or 0.0) - (second.effectiveness or 0.0)) ** 2 / 2
        for first, second in zip(best, again, strict=False)
    ]
    return float(np.sqrt((2 * expected**2 + sum(squares)) / (2 + len(squares))))


def judged(run: Run) -> Found:
    """Of the front's students on the half that nobody chose on; epochs and processor seconds of the search."""
    dataset = load_test_split(run.recipe)
    truth = np.asarray(dataset.known_labels())
    candidates = ParetoFront.from_dict(read_json(run.path(FRONT))).candidates
    right = {int(path.stem): labels_of(load(str(path)), dataset) == truth for path in export_front(run)}
    best = max(candidates, key=lambda candidate: candidate.scores.effectiveness or 0.0).scores
    points = [[log(size / LARGEST), -max(float(values.mean()), LEAST)] for size, values in right.items()]
    whole = log(LARGEST / SMALLEST) * (1 - LEAST)
    trained: dict[tuple[object, int], int] = {}
    for trial in read_journal(run.path(JOURNAL))[1]:
        key = (trial.config, trial.seed)
        trained[key] = max(trial.fidelity, trained.get(key, 0))
    return {
        "best": float(right[best.size_bytes].mean()),
        "right": right[best.size_bytes].tolist(),
        "bytes": best.size_bytes,
        "plane": hypervolume(np.array(points), [0.0, -LEAST]) / whole,
        "students": len(candidates),
        "epochs": sum(trained.values()),
        "seconds": sum(map(float, run.path("seconds.txt").read_text().split())),
    }


def table(found: Mapping[str, Sequence[Found]]) -> str:
    """Both searches, and what the shorter one loses, seed by seed with Student's interval of the mean."""
    head = ["search", "best on the other half", "bytes", "plane", "epochs", "processor seconds"]
    rows = [head]
    for name, some in found.items():
        best = ", ".join(f"{one['best']:.4f}" for one in some)
        means = {key: np.mean([one[key] for one in some]) for key in ("best", "bytes", "plane", "epochs", "seconds")}
        rows.append(
            [
                name,
                f"{means['best']:.4f} ({best})",
                f"{means['bytes']:,.0f}",
                f"{means['plane']:.3f}",
                f"{means['epochs']:.0f}",
                f"{means['seconds']:.0f}",
            ]
        )
    pairs = list(zip(found["now"], found["before"], strict=True))
    tests = [paired_test(np.array(now["right"], bool), np.array(before["right"], bool)) for now, before in pairs]
    gaps = {key: interval([now[key] - before[key] for now, before in pairs]) for key in ("best", "plane")}
    shares = {key: interval([now[key] / before[key] for now, before in pairs]) for key in ("epochs", "seconds")}
    told = ", ".join(f"{test.p_value:.2g}" for test in tests)
    rows.append(["now less before", f"{gaps['best']}; McNemar p {told}", "", gaps["plane"], "", ""])
    rows.append(["now to before", "", "", "", shares["epochs"], shares["seconds"]])
    return markdown(rows)


def interval(values: Sequence[float]) -> str:
    """The mean, and of several Student's 95 % interval of it."""
    mean, low, high = student_interval(np.array(values))
    return f"{mean:.4f} [{low:.4f}, {high:.4f}]" if len(values) > 1 else f"{mean:.4f}"


if __name__ == "__main__":
    main()
