"""The six bundles inside the package: made, installed, and judged again; `docs/results.md` is this program's output.

    python benchmarks/shipped.py --train [NAME ...]      recipes/shipped with three seeds each, into runs/shipped
    python benchmarks/shipped.py --install [NAME ...]    the best seed of each into src/codewren/bundle/shipped
    python benchmarks/shipped.py [--bench]               judge what is installed, time it, print the tables

Judging takes about ten minutes on two cores: quality and flips of every bundle on the validation split, through the
runtime, beside the published student of the same task; time and energy of all side by side with the architecture
of the original. Energy of training and the seeds' spread come from the runs.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from codewren.cli.main import cli
from codewren.compress.stage_evaluate import compare, predictions
from codewren.core.dataset import Dataset
from codewren.core.files import read_json, write_bytes
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.predict.predictor import load
from codewren.report.table import narrow, paragraph

ROOT = Path(__file__).resolve().parents[1]
RECIPES, BUNDLES, RUNS = ROOT / "recipes/shipped", ROOT / "src/codewren/bundle/shipped", ROOT / "runs/shipped"
REFERENCE = ROOT.parent / "shared/reference"
SIZES = ("micro", "mini", "standard")
FAMILIES = ("clone-java", "vulnerability-c")
PUBLISHED = {  # made by make bench
    "clone-java": ROOT / "runs/bench/published-clone-int8.wren",
    "vulnerability-c": ROOT / "runs/bench/published-vulnerability-int8.wren",
}
SEEDS = 3
INTRO = """# Results of the bundles that ship
`python benchmarks/shipped.py` prints this page; `--train` and `--install` make the bundles:
`recipes/shipped`, three seeds each, the best of them ships.

Validation splits, 95 % intervals. Epochs and the best seed were chosen on these splits, so a
bundle's own line is a little optimistic: expect the mean of its seeds. Temperature and threshold
are fitted on the same split and judged out of fold. BigCloneBench: n = 4,000 pairs, an interval is
about ±0.5 points; 149 of the 907 functions of that split have a copy to the letter among the
training functions, for the published student as for ours. Devign: n = 2,732, ±1.8 points.

- `published` is Compressor's released 3 MB student, imported and stored as int8; differences in
  accuracy are to it, with an exact McNemar test.
- Flips: predictions that change when a function is edited without changing what it does; of a pair
  both functions are edited.
- `J, modelled`: training of one seed, right to a factor of 3 either way.
- Times less processor time: than the original's architecture, padded to 400 tokens.
"""


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all six")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--bench", action="store_true", help="with judging: time what is not timed yet")
    options = parser.parse_args()
    names = options.names or [f"{family}-{size}" for family in FAMILIES for size in SIZES]
    if not REFERENCE.is_dir():
        sys.exit("this needs the real data in ../shared, which is not here")
    for name in names:
        if options.train:
            call("compress", RECIPES / f"{name}.toml", "--out", RUNS / name, "--seeds", SEEDS)
        if options.install:
            write_bytes(BUNDLES / f"{name}.wren", (RUNS / name / "student.wren").read_bytes())
    if not options.train and not options.install:
        print(INTRO)
        for family in (family for family in FAMILIES if any(name.startswith(family) for name in names)):
            tables = family_tables(family, [name for name in names if name.startswith(family)], bench=options.bench)
            print("\n\n".join(tables), end="\n\n")


def call(*arguments: object) -> None:
    """One codewren command, in this process; what it prints is no part of the page."""
    with redirect_stdout(sys.stderr):
        cli.main([str(argument) for argument in arguments], standalone_mode=False)


def family_tables(family: str, names: Sequence[str], *, bench: bool) -> list[str]:
    """Quality, seeds, flips, and cost of one task's bundles."""
    evaluations = {name: judge(BUNDLES / f"{name}.wren", f"{name}.toml") for name in names}
    evaluations["published, int8"] = judge(PUBLISHED[family], f"{family}-mini.toml")
    dataset = load_split(Recipe.load(RECIPES / f"{family}-mini.toml"), "valid")
    return [
        f"## {family}",
        quality_table(evaluations, dataset),
        seeds_table(names),
        flips_table(evaluations),
        cost_table(timed(family, names, bench=bench)),
    ]


def judge(path: Path, recipe: str) -> dict[str, Any]:
    """Figures of a bundle on the validation split, its size, and its predictions there."""
    target = RUNS / "judged" / f"{path.stem}.json"
    if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
        call("evaluate", path, RECIPES / recipe, "--edits", "--json", target)
    evaluation: dict[str, Any] = read_json(target)
    predicted, _ = predictions(load(path), load_split(Recipe.load(RECIPES / recipe), "valid"))
    return {**evaluation, "size_bytes": path.stat().st_size, "predicted": predicted}


def timed(family: str, names: Sequence[str], *, bench: bool) -> dict[str, Any] | None:
    """Time and energy of the family, the published student and the original's architecture, side by side."""
    target = RUNS / "judged" / f"bench-{family}.json"
    bundles = [BUNDLES / f"{name}.wren" for name in names]
    newest = max(bundle.stat().st_mtime for bundle in bundles)
    if bench and (not target.exists() or target.stat().st_mtime < newest):
        recipe = RECIPES / f"{family}-mini.toml"
        call("bench", recipe, *bundles, PUBLISHED[family], "--original", "--country", "FRA", "--json", target)
    times: dict[str, Any] | None = read_json(target) if target.exists() else None
    return times


def quality_table(evaluations: Mapping[str, Mapping[str, Any]], dataset: Dataset) -> str:
    """One line a bundle, the published student last, and a paired test against it."""
    rows = [["bundle", "bytes", "accuracy", "F1", "MCC", "AUC", "ECE", "against published"]]
    *_, published = evaluations.values()
    for name, evaluation in evaluations.items():
        measures = evaluation["measures"]
        accuracy = measures["accuracy"]
        paired = compare(evaluation["predicted"], published["predicted"], dataset)
        rows.append(
            [
                name,
                f"{evaluation['size_bytes']:,}",
                f"{accuracy['value']:.4f} [{accuracy['low']:.4f}, {accuracy['high']:.4f}]",
                *(f"{measures[key]['value']:.4f}" for key in ("f1", "mcc", "auc", "ece")),
                "-" if evaluation is published else f"{paired.difference.value:+.4f}, p = {paired.p_value:.2g}",
            ]
        )
    return narrow(rows)


def seeds_table(names: Sequence[str]) -> str:
    """What to expect of a recipe: every seed, mean and standard deviation; energy of the training."""
    rows = [["recipe", "accuracy of the seeds", "mean", "sd", "MCC, mean", "ECE, mean", "J, modelled"]]
    for name in names:
        study = read_json(RUNS / name / "seeds.json")
        values = [scores["accuracy"] for scores in study["seeds"].values()]
        summary = study["summary"]
        rows.append(
            [
                name,
                ", ".join(f"{value:.4f}" for value in values),
                f"{statistics.mean(values):.4f}",
                f"{statistics.stdev(values):.4f}",
                f"{summary['mcc']['mean']:.4f}",
                f"{summary['ece']['mean']:.4f}",
                training_energy(RUNS / name, list(study["seeds"])),
            ]
        )
    return narrow(rows)


def training_energy(run: Path, seeds: Sequence[str]) -> str:
    """Joules of distillation, mean over the seeds; the page says what such a model is worth."""
    joules = []
    for seed in seeds:
        stages = json.loads((run / f"seed-{seed}/energy.json").read_text(encoding="utf-8"))["stages"]
        joules.append(sum(stage["joules"] for stage in stages if stage["stage"] == "distil"))
    return f"{statistics.mean(joules):,.0f}"


def flips_table(evaluations: Mapping[str, Mapping[str, Any]]) -> str:
    """Share of predictions that an edit flips which keeps the meaning."""
    first = next(iter(evaluations.values()))["fidelity"]
    edits = list(first["flips"])
    rows = [["flips under", *edits]]
    for name, evaluation in evaluations.items():
        rows.append([name, *(_share(evaluation["fidelity"]["flips"][edit]) for edit in edits)])
    return narrow(rows)


def _share(flips: Mapping[str, Any]) -> str:
    if not flips["edited"]:
        return "nothing to edit"
    return f"{flips['rate']:.4f} [{flips['low']:.4f}, {flips['high']:.4f}]"


def cost_table(cost: Mapping[str, Any] | None) -> str:
    """Latency on one thread, memory, FLOPs and energy."""
    if cost is None:
        return "Time and energy are not measured here yet: `python benchmarks/shipped.py --bench`."
    rows = [["model", "ms an item", "times less processor time", "MB", "MFLOPs", "J per 1,000"]]
    for model in cost["models"]:
        timing = next(entry for entry in model["latency"] if entry["threads"] == 1)
        less, energy, memory = timing["times_less_processor"], model["energy"], model["peak_memory_bytes"]
        rows.append(
            [
                str(model["name"]),
                f"{1e3 * timing['median_s']['value']:.4g}",
                "1" if less is None else f"{less['value']:,.0f} [{less['low']:,.0f}, {less['high']:,.0f}]",
                "-" if memory is None else f"{memory['value'] / 1e6:,.0f}",
                "-" if model["flops"] is None else f"{model['flops']['value'] / 1e6:,.2f}",
                "-" if energy is None else f"{energy['joules_per_1000']['value']:.3g}",
            ]
        )
    meter = cost["energy"]["meter"]["label"] if cost["energy"] else "energy not measured"
    others = (f"- {model['name']}: {model['label']}" for model in cost["models"] if model["kind"] != "bundle")
    machine = f"{cost['machine']['cpu']}, {cost['machine']['cores']} cores; energy {meter}."
    return "\n\n".join([narrow(rows), "\n".join(paragraph(line, indent="  ") for line in others), paragraph(machine)])


if __name__ == "__main__":
    main()
