"""The processor times of `codewren bench` by another way: whole processes, accounted by the kernel.

    python benchmarks/second_way.py BENCH.json [--runs 3]

For every model in the report a child judges the report's items, some round trips more in one process than in the
other; the processor seconds that the kernel charges the two (`wait4`), subtracted and divided, are the time of an item.
No clock of codewren's is read. Bundles are run through `codewren.load`; the original through transformers' own
`RobertaForSequenceClassification`, not our module; a teacher through its recipe. Recipes only, one thread.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from codewren.compress.bench_items import recipe_items
from codewren.core.recipe import Recipe

ENOUGH_S = 1.5
"""Processor seconds that the longer of two children should take more than the shorter."""

CHILD = {
    "bundle": """
import json, sys
import codewren
items, path, rounds = json.load(open(sys.argv[1])), sys.argv[2], int(sys.argv[3])
model = codewren.load(path)
model.threads = 1
for _ in range(rounds):
    for item in items:
        model.predict_proba([item])
""",
    "teacher": """
import json, sys
from pathlib import Path
import torch
from codewren.core.recipe import Recipe
from codewren.train.fresh_teacher import dataset_of
from codewren.train.teacher import load_teacher
torch.set_num_threads(1)
items, recipe, rounds = json.load(open(sys.argv[1])), Recipe.load(Path(sys.argv[2])), int(sys.argv[3])
teacher = load_teacher(recipe)
for _ in range(rounds):
    for item in items:
        teacher.logits(dataset_of(recipe.task, [(item,) if isinstance(item, str) else tuple(item)]))
""",
    "original": """
import json, sys
import torch
from transformers import RobertaConfig, RobertaForSequenceClassification
torch.set_num_threads(1)
items, rounds = json.load(open(sys.argv[1])), int(sys.argv[3])
config = RobertaConfig(num_labels=2, vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
model = RobertaForSequenceClassification(config).eval()
ids = torch.randint(4, 50265, (1 if isinstance(items[0], str) else 2, 400))
with torch.inference_mode():
    for _ in range(rounds):
        for item in items:
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
""",
}


def main() -> None:
    """Print both figures of every model, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    report = json.loads(arguments.report.read_text())
    name = report["data"]["source"].removeprefix("valid of ")
    items = recipe_items(Recipe.load(Path(name)), name)
    first = report["data"]["warmup"]
    timed = range(first, first + report["data"]["items"])
    for model in report["models"]:
        latency = next(one for one in model["latency"] if one["threads"] == 1)
        if model["name"] == "original, unpadded":
            continue  # its lengths are a stand-in of ours
        count = len(latency["processor_items_s"])
        if model["kind"] != "original" and count < len(timed):
            print(f"{model['name']}: timed on {count} of {len(timed)} items only; means differ by their lengths")
        chosen = [items.given(place) for place in timed][: None if model["kind"] == "bundle" else 6]
        bench = statistics.fmean(latency["processor_items_s"])
        more = max(1, round(ENOUGH_S / (bench * len(chosen))))
        found = second_way(model, name, chosen, arguments.runs, more=more)
        print(
            f"{model['name']}: bench {bench * 1e3:.3f} ms, second way {found * 1e3:.3f} ms, ratio {found / bench:.2f}"
        )


def second_way(model: dict, recipe: str, items: list, runs: int, *, more: int) -> float:
    """Processor seconds of a mean item: median over runs of the difference that `more` rounds make."""
    argument = recipe if model["kind"] == "teacher" else str(model["path"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.json"
        path.write_text(json.dumps(items))
        script = Path(folder) / "child.py"
        script.write_text(CHILD[model["kind"]])
        differences = [
            charged(script, path, argument, 1 + more) - charged(script, path, argument, 1) for _ in range(runs)
        ]
    return statistics.median(differences) / more / len(items)


def charged(script: Path, items: Path, argument: str, rounds: int) -> float:
    """Processor seconds that the kernel charges one child."""
    command = [sys.executable, str(script), str(items), argument, str(rounds)]
    child = os.posix_spawn(sys.executable, command, os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"{script.name} failed")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
