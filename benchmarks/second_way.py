"""The processor times of `codewren bench` by another way: whole processes, accounted by the kernel.

    python benchmarks/second_way.py BENCH.json [--runs 3]

For every model in the report one child judges the report's warm-up items, another one these and many more; the
processor seconds that the kernel charges the two (`wait4`), subtracted and divided, are the time of an item never seen
before. No clock of codewren's is read. Bundles are run through `codewren.load`; the original through transformers' own
`RobertaForSequenceClassification`, not our module; a teacher through its recipe. Recipes only, one thread.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from codewren.bench.judged_items import recipe_items
from codewren.core.recipe import Recipe
from codewren.measure.estimate import bootstrap_measure

ENOUGH_S = 1.5
"""Processor seconds that the longer child should take more than the shorter."""

CHILD = {
    "bundle": """
import json, sys
import codewren
items, path = json.load(open(sys.argv[1])), sys.argv[2]
model = codewren.load(path)
model.threads = 1
for item in items:
    model.predict_proba([item])
""",
    "teacher": """
import json, sys
from pathlib import Path
import torch
from codewren.core.recipe import Recipe
from codewren.train.teachers.fresh_process_teacher import dataset_of
from codewren.train.teachers.teacher import load_teacher
torch.set_num_threads(1)
items, recipe = json.load(open(sys.argv[1])), Recipe.load(Path(sys.argv[2]))
teacher = load_teacher(recipe)
for item in items:
    teacher.logits(dataset_of(recipe.task, [(item,) if isinstance(item, str) else tuple(item)]))
""",
    "original": """
import json, sys
import torch
from transformers import RobertaConfig, RobertaForSequenceClassification
torch.set_num_threads(1)
items = json.load(open(sys.argv[1]))
config = RobertaConfig(num_labels=2, vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
model = RobertaForSequenceClassification(config).eval()
ids = torch.randint(4, 50265, (1 if isinstance(items[0], str) else 2, 400))
with torch.inference_mode():
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
    warmup = report["data"]["warmup"]
    for model in report["models"]:
        if model["name"] == "original, unpadded":
            continue  # its lengths are a stand-in of ours
        latency = next(timing for timing in model["latency"] if timing["threads"] == 1)
        bench = bootstrap_measure("mean_s", latency["processor_items_s"])
        few = warmup if model["kind"] == "bundle" else 2
        more = min(len(items) - warmup, max(4, round(ENOUGH_S / bench.value)))
        indices = [*range(few), *range(warmup, warmup + more)]
        chosen = [items.item(index) for index in indices]
        seconds = second_way(model, name, chosen, few, arguments.runs)
        print(
            f"{model['name']}: bench {bench.value * 1e3:.3f} [{bench.low * 1e3:.3f}, {bench.high * 1e3:.3f}] ms over "
            f"{bench.n} items, second way {seconds * 1e3:.3f} ms over {more}, ratio {seconds / bench.value:.2f}",
            flush=True,
        )


def second_way(model: dict, recipe: str, items: list, few: int, runs: int) -> float:
    """Processor seconds of a mean item: median over runs of the difference between all items and the first few."""
    argument = recipe if model["kind"] == "teacher" else str(model["path"])
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "child.py"
        script.write_text(CHILD[model["kind"]])
        paths = [Path(folder) / name for name in ("all.json", "few.json")]
        for path, chosen in zip(paths, (items, items[:few]), strict=True):
            path.write_text(json.dumps(chosen))
        charges = [[charged(script, path, argument) for path in paths] for _ in range(runs)]
    return statistics.median(longer - shorter for longer, shorter in charges) / (len(items) - few)


def charged(script: Path, items: Path, argument: str) -> float:
    """Processor seconds that the kernel charges one child."""
    child = os.posix_spawn(sys.executable, [sys.executable, str(script), str(items), argument], os.environ)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"{script.name} failed")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
