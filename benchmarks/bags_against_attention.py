"""A hint's bag of features against one layer of attention: equal functions, equal lessons, equal bytes.

    python benchmarks/bags_against_attention.py recipes/shipped/hints-c-micro.toml --out runs/forms --seeds 0

Both learn the sources of the recipe with the same loss: every source has its own curve through the length and every
project its own base rate, which are thrown away. Packages are left out in the recipe's groups. Scores of a group are
kept in OUT, so that a broken run goes on.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's own name for it

from codewren.compress.hint_run import HintRun, run_features
from codewren.core.hint_recipe import HintRecipe
from codewren.core.recipe_files import recipe_tables
from codewren.core.student_config import PositionType, StudentConfig, TokenizerKind
from codewren.core.task import VULNERABILITY
from codewren.measure.review import auc
from codewren.predict.tokenizer import Tokenizer
from codewren.train.hint.examples import training_examples
from codewren.train.hint.hint_fit import TEXT, Material, fold_of, outside_figures, review_calibrations
from codewren.train.hint.weights import Lesson, class_factors, fit_weights
from codewren.train.processes import keep_freed_memory, one_thread
from codewren.train.student import Student
from codewren.train.tokenizer_training import train_tokenizer

Floats = NDArray[np.float64]
FORMS = ("bag", "attention, 400 tokens", "attention, 2,000 tokens")
LENGTHS = {"attention, 400 tokens": 400, "attention, 2,000 tokens": 2000}
WIDTH, HEADS, VOCABULARY = 48, 4, 2000  # with relative positions about as many bytes as 30,000 entries
STEPS, BATCH, PAIRS, PEAK, WARMUP = 2000, 48, 4, 2e-3, 0.1
DRAWS = 500


def hidden_groups(recipe: HintRecipe, material: Material) -> Iterator[list[str]]:
    """The projects of each group that is left out."""
    reviewed = np.isin(material.sources, [recipe.review, ""])
    projects = sorted(set(material.projects[reviewed].tolist()))
    for fold in range(recipe.fit.folds):
        if hidden := [project for project in projects if fold_of(project, recipe.fit.folds) == fold]:
            yield hidden


def bag_scores(recipe: HintRecipe, material: Material, hidden: list[str]) -> Floats:
    """Scores of all functions by a linear fit without some projects."""
    fit, lessons = recipe.fit, list(material.lessons(recipe, hidden).values())
    pairs = material.pairs(fit.pair_weight, hidden)
    weights = fit_weights(
        material.matrix, class_factors(material.entries), lessons, l2=fit.l2, iterations=fit.iterations, pairs=pairs
    )
    return np.asarray(material.matrix @ weights, np.float64)


class Reader(nn.Module):
    """A student with one output, and what is thrown away: a curve through the length and base rates of each source."""

    def __init__(self, config: StudentConfig, lessons: list[Lesson], seed: int) -> None:
        super().__init__()
        self.student = Student(config, VULNERABILITY, seed=seed)
        self.out = nn.Linear(config.hidden_size, 1)
        self.curves = nn.ParameterList(nn.Parameter(torch.zeros(lesson.curve.shape[1])) for lesson in lessons)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: list[NDArray[np.int64]]) -> Tensor:
        """Scores of functions (B,)."""
        lengths = torch.tensor([len(own) for own in ids])
        vectors = self.student.encode(torch.from_numpy(np.concatenate(ids)), lengths)
        scores: Tensor = self.out(self.dropout(vectors)).squeeze(1)
        return scores

    @property
    def size_bytes(self) -> int:
        """Of an int8 file, but for its head, tokenizer and archive."""
        return sum(each.numel() for each in self.student.parameters() if each.requires_grad) + self.out.weight.numel()


def attention_scores(
    recipe: HintRecipe, material: Material, ids: list[NDArray[np.int64]], hidden: list[str], length: int, seed: int
) -> tuple[Floats, int]:
    """Scores of all functions by one layer of attention trained without some projects, and its bytes.

    Functions are drawn as often as they weigh, so that the loss is the linear fit's.
    """
    torch.manual_seed(seed)
    rng, lessons = np.random.default_rng(seed), list(material.lessons(recipe, hidden).values())
    pairs = material.pairs(recipe.fit.pair_weight, hidden)
    config = StudentConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_attention_heads=HEADS,
        max_sequence_length=length,
        position_embedding_type=PositionType.RELATIVE_KEY,
    )
    reader = Reader(config, lessons, seed)
    optimiser = torch.optim.AdamW(reader.parameters(), lr=PEAK, weight_decay=0.01)
    scale = sum(float(lesson.weights.sum()) for lesson in lessons)
    shares = np.array([float(lesson.weights.sum()) / scale for lesson in lessons])
    reader.train()
    for step in range(STEPS):
        pace = min((step + 1) / (WARMUP * STEPS), (STEPS - step) / ((1 - WARMUP) * STEPS))
        for group in optimiser.param_groups:
            group["lr"] = PEAK * pace
        rows, curves, labels = [], [], []
        for number, count in enumerate(rng.multinomial(BATCH, shares)):
            lesson = lessons[number]
            drawn = rng.choice(len(lesson.rows), count, p=lesson.weights / lesson.weights.sum())
            rows += lesson.rows[drawn].tolist()
            labels += lesson.labels[drawn].tolist()
            curves.append(torch.from_numpy(lesson.curve[drawn]).float() @ reader.curves[number])
        taken = [] if pairs is None else rng.integers(0, len(pairs.vulnerable), PAIRS).tolist()
        versions = [] if pairs is None else [*pairs.vulnerable[taken].tolist(), *pairs.fixed[taken].tolist()]
        scores = reader([ids[row] for row in [*rows, *versions]])
        margins = scores[: len(rows)] + torch.cat(curves)
        loss = F.binary_cross_entropy_with_logits(margins, torch.tensor(labels, dtype=torch.float32))
        if pairs is not None:
            vulnerable, fixed = scores[len(rows) :].view(2, -1)
            loss = loss + pairs.weight / scale * F.softplus(fixed - vulnerable).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        if step % 200 == 0:
            print(f"  step {step}: loss {float(loss.detach()):.3f}", flush=True)
    reader.eval()
    judged = np.flatnonzero(np.isin(material.projects, hidden))
    values = np.full(len(ids), np.nan)
    with torch.inference_mode():
        for start in range(0, len(judged), 64):
            some = judged[start : start + 64]
            values[some] = reader([ids[row] for row in some]).numpy()
    return values, reader.size_bytes


def outside_scores(
    recipe: HintRecipe, material: Material, texts: list[str], out: Path, seed: int
) -> tuple[dict[str, Floats], dict[str, int]]:
    """Scores of each form of the functions of packages that it has not seen, and bytes; kept in OUT."""
    scores = {name: np.full(len(texts), np.nan) for name in FORMS}
    sizes = {"bag": 5 * len(material.entries)}
    encoded: dict[int, list[NDArray[np.int64]]] = {}
    for number, hidden in enumerate(hidden_groups(recipe, material)):
        for name in FORMS:
            path = out / f"seed-{seed}" / f"{name.replace(', ', '-').replace(' ', '-')}-{number}.npz"
            if not path.exists():
                print(f"{name} without {', '.join(hidden)}", flush=True)
                if name == "bag":
                    values, size = bag_scores(recipe, material, hidden), sizes["bag"]
                else:
                    length = LENGTHS[name]
                    if length not in encoded:
                        encoded[length] = token_ids(texts, out, length)
                    values, size = attention_scores(recipe, material, encoded[length], hidden, length, seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path.with_suffix(".part.npz"), values=values, size=size)
                path.with_suffix(".part.npz").replace(path)
            with np.load(path) as kept:
                rows = np.flatnonzero(np.isin(material.projects, hidden))
                scores[name][rows], sizes[name] = kept["values"][rows], int(kept["size"])
    return scores, sizes


def token_ids(texts: list[str], out: Path, length: int) -> list[NDArray[np.int64]]:
    """Ids of functions, by a tokenizer trained on every tenth of them."""
    spec = train_tokenizer(TokenizerKind.BPE, VOCABULARY, texts[::10], cache=out / "tokenizers")
    tokenizer = Tokenizer(spec)
    return [np.array(tokenizer.encode(text, length), np.int64) for text in texts]


def figures(recipe: HintRecipe, material: Material, outside: Floats) -> dict[str, Any]:
    """What a form is worth as a hint: its score calibrated and measured as the linear one's is."""
    outside = np.where(np.isin(material.sources, [recipe.review, ""]), outside, np.nan)
    calibrations = review_calibrations(recipe, material, outside)
    found: dict[str, Any] = dict(outside_figures(recipe, material, outside, calibrations))
    judged = np.flatnonzero((material.sources == recipe.review) & np.isfinite(outside))
    review = calibrations["review"]
    odds = outside * review.heads[TEXT] + material.covariates @ np.array(review.counts)
    return {**found, "labels": material.labels[judged] == 1, "review": odds[judged]}


def bootstrap(first: dict[str, Any], second: dict[str, Any]) -> list[float]:
    """95 % interval of how much the first's area under the curve is larger, functions drawn again by label."""
    rng, labels, differences = np.random.default_rng(0), first["labels"], []
    positive, negative = np.flatnonzero(labels), np.flatnonzero(~labels)
    for _ in range(DRAWS):
        drawn = np.concatenate([rng.choice(positive, len(positive)), rng.choice(negative, len(negative))])
        differences.append(auc(first["review"][drawn], labels[drawn]) - auc(second["review"][drawn], labels[drawn]))
    return [round(float(value), 4) for value in np.quantile(differences, [0.025, 0.975])]


def main() -> None:
    """Train, judge, print a table of each seed as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    keep_freed_memory()
    for seed in arguments.seeds:
        recipe = HintRecipe.from_dict(recipe_tables(arguments.recipe, ()), arguments.recipe.parent)
        recipe = replace(recipe, fit=replace(recipe.fit, seed=seed))
        examples, bags, _ = run_features(HintRun(recipe, arguments.out / f"seed-{seed}"))
        material, texts = Material.of(recipe, examples, bags), training_examples(recipe).texts
        with one_thread():
            scores, sizes = outside_scores(recipe, material, texts, arguments.out, seed)
        told = {name: figures(recipe, material, values) for name, values in scores.items()}
        for name, own in told.items():
            plain = {key: value for key, value in own.items() if key not in ("labels", "review")}
            against = {} if name == "bag" else {"bag_minus_it": bootstrap(told["bag"], own)}
            print(json.dumps({"seed": seed, "form": name, "bytes": sizes[name], **plain, **against}), flush=True)


if __name__ == "__main__":
    main()
