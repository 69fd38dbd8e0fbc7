"""MORPH's search against ours within 500 kB on BigCloneBench: accuracy, flips, attacks, relations to the teacher.

    python benchmarks/robust_students.py ../shared/data/bcb runs/robust --pairs 22526 --seeds 3 [--also BUNDLE]

Both searches train on the same pairs of the papers' CodeBERT logits, as many epochs, and choose on one half of the
validation pairs; the students are judged on the other half: what chose is not what is reported. Ours takes the most
effective student of its front, MORPH's the steadiest within a point of it. Trials with flips see other names than
those that the report draws. Relations are of pairs whose logits nobody trained on, though their functions occur in
others. `--also` names further bundles to judge: the imported published student (`codewren import`), those that ship.

One draw of other names for every function moves the share of flips by about a point, so five are counted together.
A function occurs in several pairs, so it is functions that are resampled for the intervals: a pair counts as often as
both of its functions were drawn (Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007), with all that
every student of every seed did to it. Every stage resumes, so the script can be run again after a kill.
"""

import argparse
import lzma
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from native_step import student_interval
from numpy.typing import NDArray

from codewren.compress.attack import attack
from codewren.compress.attack_report import bundle_judge
from codewren.compress.flips import edited_splits, flips_of
from codewren.core.dataset import Dataset
from codewren.core.files import read_json, write_json
from codewren.core.pareto import ParetoFront
from codewren.core.recipe import Recipe
from codewren.data.load import load_test_split
from codewren.measure.relations import relations
from codewren.measure.robustness import AttackBudget
from codewren.measure.task_quality import task_probabilities
from codewren.predict.predictor import AnyPredictor, load
from codewren.report.table import markdown
from codewren.search.choose import choose

TRIALS = {"wren": 24, "morph": 22}
"""Trainings of each search; both come to 33 to 35 epochs."""
PICKS = {"wren": None, "morph": "steadiest-within 1 points"}
"""Rule that takes a student off each front; None: the most effective one."""
HELD_OUT, DRAWS, RESAMPLES = 5631, 5, 2000
"""Pairs held out; versions of every function with other names; resamples of the functions."""
BUDGET = AttackBudget(queries=60, identifiers=5)
SHARES = ("accuracy", "flips, renamed", "attack success", "accuracy left")
Judgement = Mapping[str, Any]
"""Of a student its bytes and discrepancies, and for each of `SHARES` two rows (N,): what is so, and what counts."""
RECIPE = """
[task]
name = "clone"
[data]
root = "{data}"
functions.path = "functions.jsonl.xz"
unlabelled.path = "{out}/searched-on.tsv"
valid.path = "{out}/chosen-on.tsv"
test.path = "{out}/reported-on.tsv"
[teacher]
kind = "logits"
path = "{out}/searched-on.npy"
[search]
strategy = "{strategy}"
objectives = {objectives}
trials = {trials}
trial_epochs = 3
seed = {seed}
[budget]
max_bytes = 500_000
max_flops = 20e6
[student]
hidden_act = "gelu"
hidden_dropout_prob = 0.2
batch_size = 32
[distil]
epochs = 3
word_dropout = 0.1
average_checkpoints = 0.3
rename = {rename}
rename_copies = 1
"""


def main() -> None:
    """Prepare, search, judge, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of BigCloneBench with codebert_unlabelled_logits.npy")
    parser.add_argument("out", type=Path, help="folder of the splits and of all runs")
    parser.add_argument("--pairs", type=int, default=22_526, help="pairs to search on, of 45,051")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each strategy")
    parser.add_argument("--rename", type=float, default=0.0, help="distil.rename of all trainings")
    parser.add_argument("--also", nargs="+", default=[], metavar="BUNDLE", help="further bundles to judge")
    parser.add_argument("--attacked", type=int, default=300, help="pairs that are attacked")
    given = parser.parse_args()
    data = given.data.resolve()
    out = given.out.resolve() / f"pairs-{given.pairs}{f'-renamed-{given.rename:g}' if given.rename else ''}"
    prepare(data, out, pairs=given.pairs)
    students = {strategy: list[Judgement]() for strategy in TRIALS}
    for seed in range(given.seeds):
        for strategy, found in students.items():
            bundle = searched(strategy, seed, data, out, rename=given.rename)
            found.append(judged(bundle, out, attacked=given.attacked))
    others = {Path(name).stem: [judged(name, out, attacked=given.attacked)] for name in given.also}
    print(markdown([["student", "bytes", *SHARES, "discrepancies"], *rows({**students, **others})]), flush=True)
    print(f"flips of one draw: standard deviation {draws_deviation(students):.4f}, within a student", flush=True)
    pairs = list(zip(students["morph"], students["wren"], strict=True))
    print(
        markdown([["morph less wren", "these students", "p", "each seed", "other seeds"], *differences(pairs)]),
        flush=True,
    )


def prepare(data: Path, out: Path, *, pairs: int) -> None:
    """Pairs to search on, drawn; of the others some held out; the validation pairs halved, to choose and to report."""
    out.mkdir(parents=True, exist_ok=True)
    head, *valid = packed_lines(data / "valid.tsv.xz")
    write_pairs(out / "chosen-on.tsv", head, valid[::2])
    write_pairs(out / "reported-on.tsv", head, valid[1::2])
    head, *unlabelled = packed_lines(data / "unlabelled.tsv.xz")
    logits = np.load(data / "codebert_unlabelled_logits.npy")
    order = np.random.default_rng(0).permutation(len(unlabelled))
    for name, rows in (("searched-on", order[:pairs]), ("held-out", order[pairs:][:HELD_OUT])):
        rows.sort()
        write_pairs(out / f"{name}.tsv", head, [unlabelled[row] for row in rows])
        np.save(out / f"{name}.npy", logits[rows])


def packed_lines(path: Path) -> list[str]:
    """Lines of a compressed file."""
    return lzma.decompress(path.read_bytes()).decode().splitlines()


def write_pairs(path: Path, head: str, pairs: Sequence[str]) -> None:
    """A file of pairs."""
    path.write_text("\n".join([head, *pairs]) + "\n")


def searched(strategy: str, seed: int, data: Path, out: Path, *, rename: float) -> Path:
    """The student that a search is asked for; what is done already is not done again."""
    objectives = ["effectiveness", "size_bytes", "flops", *(["flips"] if strategy == "morph" else [])]
    wishes = {"strategy": strategy, "objectives": objectives, "trials": TRIALS[strategy], "seed": seed}
    recipe, run = out / f"{strategy}-{seed}.toml", out / f"{strategy}-{seed}"
    recipe.write_text(RECIPE.format(data=data, out=out, rename=rename, **wishes).replace("'", '"'))
    for verb in (["label"], ["search"], ["export", "--front"]):
        codewren(*verb, recipe, "--out", run, "--quiet")
    front, rule = ParetoFront.from_dict(read_json(run / "front.json")), PICKS[strategy]
    if rule is None:
        best = max(front.candidates, key=lambda candidate: candidate.scores.effectiveness or 0.0)
    else:
        best = choose(front, rule).candidate
    return run / "front" / f"{best.scores.size_bytes}.wren"


def codewren(*words: object) -> None:
    """Run one verb."""
    subprocess.run([sys.executable, "-m", "codewren", *map(str, words)], check=True)


def judged(bundle: Path | str, out: Path, *, attacked: int) -> Judgement:
    """What a student does to every pair that nobody chose on, kept in a file beside the splits."""
    student = load(str(bundle))
    kept = out / f"judged-{sha256(student.path.read_bytes()).hexdigest()[:16]}-{attacked}.json"
    if not kept.exists():
        dataset = load_test_split(Recipe.load(out / "wren-0.toml"))
        draws = [edited_splits(dataset, seed=seed, only=("rename",))["rename"] for seed in range(DRAWS)]
        flips = flips_of(partial(labels_of, student), dataset, {str(seed): draw for seed, draw in enumerate(draws)})
        outcomes = attack(bundle_judge(student), dataset.subset(range(attacked)), budget=BUDGET).outcomes
        attacked_n, fell_n = np.zeros((2, len(dataset)), dtype=bool)
        attacked_n[[outcome.item for outcome in outcomes]] = True
        fell_n[[outcome.item for outcome in outcomes if outcome.succeeded]] = True
        right_n = labels_of(student, dataset) == np.asarray(dataset.known_labels())
        found = {
            "bytes": student.path.stat().st_size,
            "discrepancies": discrepancies(student, out),
            "draws": [draw.rate.value for draw in flips.values()],
            "functions": [list(item) for item in dataset.items],
            "accuracy": [right_n.tolist(), [True] * len(dataset)],
            "flips, renamed": [
                sum(draw.flipped_N.astype(int) for draw in flips.values()).tolist(),
                sum(draw.edited_N.astype(int) for draw in flips.values()).tolist(),
            ],
            "attack success": [fell_n.tolist(), attacked_n.tolist()],
            "accuracy left": [(attacked_n & ~fell_n).tolist(), (np.arange(len(dataset)) < attacked).tolist()],
        }
        write_json(kept, found)
    return dict(read_json(kept))


def labels_of(student: AnyPredictor, dataset: Dataset) -> NDArray[np.int64]:
    """Predicted labels by the bundle's own threshold."""
    return np.array([int(label) for label in student.predict(dataset.sources())])


def discrepancies(student: AnyPredictor, out: Path) -> float | None:
    """Share of the held-out pairs on which it does not do as its teacher does; None where nothing is held out."""
    logits = np.load(out / "held-out.npy")
    if not len(logits):
        return None
    held = load_test_split(Recipe.load(out / "wren-0.toml", (f"data.test.path={out}/held-out.tsv",)))
    probabilities = np.asarray(student.predict_proba(held.sources()), dtype=np.float64)
    return relations(probabilities, task_probabilities(held.task, logits.astype(np.float64))).discrepancies.value


def draws_deviation(students: Mapping[str, Sequence[Judgement]]) -> float:
    """Of the share of flips by one draw of names, pooled within students."""
    return float(np.sqrt(np.mean([np.var(one["draws"], ddof=1) for found in students.values() for one in found])))


def rows(students: Mapping[str, Sequence[Judgement]]) -> Iterator[list[str]]:
    """A line a student, and where there are several seeds one for all of them."""
    for name, found in students.items():
        groups = {name: found}
        if len(found) > 1:
            groups = {f"{name}, seed {seed}": [one] for seed, one in enumerate(found)} | {f"**{name}**": found}
        for title, some in groups.items():
            shares = [resampled([one[share] for one in some], some[0]["functions"]) for share in SHARES]
            odd = [one["discrepancies"] for one in some]
            size = np.mean([one["bytes"] for one in some])
            cells = [f"{value:.4f} [{low:.4f}, {high:.4f}]" for value, low, high, _ in shares]
            yield [title, f"{size:,.0f}", *cells, "–" if None in odd else f"{np.mean(odd):.4f}"]


def differences(pairs: Sequence[tuple[Judgement, Judgement]]) -> Iterator[list[str]]:
    """A line a share: how much more of it the first of each pair has, on what counts for both."""
    for share in SHARES:
        tables = []
        for first, second in pairs:
            (mine_n, count_n), (theirs_n, other_n) = np.array(first[share], int), np.array(second[share], int)
            both_n = (count_n > 0) & (other_n > 0)
            tables.append(((mine_n - theirs_n) * both_n, count_n * both_n))
        functions = pairs[0][0]["functions"]
        value, low, high, p = resampled(tables, functions)
        each = [resampled([one], functions) for one in tables]
        told = ", ".join(f"{one[0]:+.4f} (p = {one[3]:.2g})" for one in each)
        _, least, most = student_interval(np.array([one[0] for one in each]))
        over_seeds = f"[{least:+.4f}, {most:+.4f}]"
        yield [share, f"{value:+.4f} [{low:+.4f}, {high:+.4f}]", f"{p:.2g}", told, over_seeds]


def resampled(tables: Sequence[Sequence[Any]], functions: Sequence[Sequence[int]]) -> tuple[float, float, float, float]:
    """The mean over seeds of sum / count, its interval, and p that it is 0, from resamples of the functions."""
    sums_sn, counts_sn = (np.array([np.asarray(table[part], float) for table in tables]) for part in (0, 1))
    left_n, right_n = np.array(functions).T
    count = 1 + int(max(left_n.max(), right_n.max()))
    drawn_bf = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    weights_bn = drawn_bf[:, left_n] * drawn_bf[:, right_n]
    means_b = ((weights_bn @ sums_sn.T) / np.maximum(weights_bn @ counts_sn.T, 1)).mean(axis=1)
    value = float((sums_sn.sum(axis=1) / np.maximum(counts_sn.sum(axis=1), 1)).mean())
    low, high = np.quantile(means_b, [0.025, 0.975])
    below = float(min(np.mean(means_b <= 0), np.mean(means_b >= 0)))
    return value, float(low), float(high), min(1.0, 2 * max(below, 1 / RESAMPLES))


if __name__ == "__main__":
    main()
