"""MORPH's search against ours within 500 kB on BigCloneBench: accuracy, flips, attacks, relations to the teacher.

    python benchmarks/robust_students.py ../shared/data/bcb runs/robust [--published PUBLISHED.wren]

Both searches train on the same quarter of the papers' CodeBERT logits, choose on one half of the validation pairs, and
the most effective student of each front is judged on the other half: what chose is not what is reported. Trials with
flips see other names than those that the report draws. Relations are of pairs whose logits nobody trained on, though
their functions occur in others. Every stage resumes, so the script can be run again after a kill. `--published` names
the imported published student (`codewren import`), which everything is compared with.
"""

import argparse
import lzma
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from codewren.core.files import read_json
from codewren.report.table import markdown

TRIALS = {"wren": 24, "morph": 14}
"""Trainings of each search; by epochs about as many (docs/log.md)."""
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
"""


def main() -> None:
    """Prepare, search twice, judge, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of BigCloneBench with codebert_unlabelled_logits.npy")
    parser.add_argument("out", type=Path, help="folder of the splits and of both runs")
    parser.add_argument("--published", type=Path, help="a bundle to compare with")
    parser.add_argument("--attacked", type=int, default=300, help="pairs that are attacked")
    options = parser.parse_args()
    data, out = options.data.resolve(), options.out.resolve()
    prepare(data, out)
    bundles = {strategy: searched(strategy, data, out) for strategy in TRIALS}
    if options.published:
        bundles["published"] = options.published
    rows = [judged(name, bundle, out, attacked=options.attacked) for name, bundle in bundles.items()]
    print(
        markdown([["student", "bytes", "accuracy", "flips, renamed", "attack success", "left", "discrepancies"], *rows])
    )


def prepare(data: Path, out: Path) -> None:
    """A quarter of the logits to search on; the validation pairs halved, one to choose on and one to report on."""
    out.mkdir(parents=True, exist_ok=True)
    head, *pairs = packed_lines(data / "valid.tsv.xz")
    write_pairs(out / "chosen-on.tsv", head, pairs[::2])
    write_pairs(out / "reported-on.tsv", head, pairs[1::2])
    head, *pairs = packed_lines(data / "unlabelled.tsv.xz")
    write_pairs(out / "searched-on.tsv", head, pairs[::4])
    write_pairs(out / "held-out.tsv", head, pairs[7::8])
    logits = np.load(data / "codebert_unlabelled_logits.npy")
    np.save(out / "searched-on.npy", logits[::4])
    np.save(out / "held-out.npy", logits[7::8])


def packed_lines(path: Path) -> list[str]:
    """Lines of a compressed file."""
    return lzma.decompress(path.read_bytes()).decode().splitlines()


def write_pairs(path: Path, head: str, pairs: Sequence[str]) -> None:
    """A file of pairs."""
    path.write_text("\n".join([head, *pairs]) + "\n")


def searched(strategy: str, data: Path, out: Path) -> Path:
    """The most effective student of a search's front; what is done already is not done again."""
    objectives = ["effectiveness", "size_bytes", "flops", *(["flips"] if strategy == "morph" else [])]
    wishes = {"strategy": strategy, "objectives": objectives, "trials": TRIALS[strategy]}
    recipe, run = out / f"{strategy}.toml", out / strategy
    recipe.write_text(RECIPE.format(data=data, out=out, **wishes).replace("'", '"'))
    for verb in (["label"], ["search"], ["export", "--front"]):
        codewren(*verb, recipe, "--out", run, "--quiet")
    front = read_json(run / "front.json")["candidates"]
    best = max(front, key=lambda candidate: candidate["scores"]["effectiveness"])
    return run / "front" / f"{best['scores']['size_bytes']}.wren"


def judged(name: str, bundle: Path, out: Path, *, attacked: int) -> list[str]:
    """Figures of one student on the pairs that nobody chose on."""
    ask = ("evaluate", bundle, out / "wren.toml", "--split", "test", "--json")
    edits, attack, kept = (out / f"{what}-{name}.json" for what in ("edits", "attack", "relations"))
    if not edits.exists():
        codewren(*ask, edits, "--edits")
    if not attack.exists():
        codewren(*ask, attack, "--attack", 60, 5, "--set", f"data.test.limit={attacked}")
    if not kept.exists():
        codewren(*ask, kept, "--logits", out / "held-out.npy", "--set", f"data.test.path={out / 'held-out.tsv'}")
    found, fell = read_json(edits), read_json(attack)["attack"]
    flips = found["fidelity"]["flips"]["rename"]
    odd = read_json(kept)["relations"]["as written"]["discrepancies"]
    figures = [found["measures"]["accuracy"], {**flips, "value": flips["rate"]}, fell["success"], fell["after"], odd]
    cells = [f"{one['value']:.4f} [{one['low']:.4f}, {one['high']:.4f}]" for one in figures]
    return [name, f"{bundle.stat().st_size:,}", *cells]


def codewren(*words: object) -> None:
    """Run one verb."""
    subprocess.run([sys.executable, "-m", "codewren", *map(str, words)], check=True)


if __name__ == "__main__":
    main()
