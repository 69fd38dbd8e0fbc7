"""How well each surrogate picks a student, on 232 really trained ones: `python benchmarks/search_quality.py`.

20 random trainings are shown to a surrogate, the others are ranked; the regret is the effectiveness lost by taking
its first choice, in points. Needs ../shared/data/trials; collapsed trainings stay in.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE, VULNERABILITY, Task
from codewren.search.space.points import Points
from codewren.search.space.space import SearchSpace, papers_box_space
from codewren.search.surrogate import (
    Cautious,
    Observations,
    PapersSurrogate,
    Surrogate,
    ValidationNoise,
    cross_validated_skill,
    regret,
)

TRIALS = Path(__file__).resolve().parents[1] / "../shared/data/trials"
SHOWN = 20
# A constant answer: a collapsed clone run reads 2/3, Devign's validation majority class is 0.5655.
SETS = {
    "clone_codebert": (CLONE, ValidationNoise(chance=2 / 3, items=4000)),
    "clone_graphcodebert": (CLONE, ValidationNoise(chance=2 / 3, items=4000)),
    "vulnerability_codebert": (VULNERABILITY, ValidationNoise(chance=0.5655, items=2732)),
    "vulnerability_graphcodebert": (VULNERABILITY, ValidationNoise(chance=0.5655, items=2732)),
}
FIELDS = {
    "Tokenizer": ("tokenizer", str.lower),
    "Vocab Size": ("vocab_size", int),
    "Num Hidden Layers": ("num_hidden_layers", int),
    "Hidden Size": ("hidden_size", int),
    "Hidden Act": ("hidden_act", str),
    "Hidden Dropout Prob": ("hidden_dropout_prob", float),
    "Intermediate Size": ("intermediate_size", int),
    "Num Attention Heads": ("num_attention_heads", int),
    "Attention Probs Dropout Prob": ("attention_probs_dropout_prob", float),
    "Max Sequence Length": ("max_sequence_length", int),
    "Position Embedding Type": ("position_embedding_type", str),
    "Learning Rate": ("learning_rate", float),
    "Batch Size": ("batch_size", int),
}


def trained_students(path: Path, task: Task) -> Observations:
    """Read one file of trials."""
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    configs = [
        StudentConfig.from_dict({name: kind(row[column]) for column, (name, kind) in FIELDS.items()}) for row in rows
    ]
    space = with_values_of(papers_box_space(task), configs)
    effectiveness = np.array([float(row["Accuracy"]) for row in rows])
    return Observations(Points.of(space, configs), np.ones(len(rows), dtype=np.int64), effectiveness)


def with_values_of(space: SearchSpace, configs: list[StudentConfig]) -> SearchSpace:
    """The space, its domains widened by what the follow-up study also tried."""
    wider = {}
    for domain in space.domains:
        extra = {getattr(config, domain.field) for config in configs} - set(domain.values)
        if extra:
            wider[domain.field] = tuple(sorted({*domain.values, *extra}))
    return space.with_domains(wider)


def mean_regret(seen: Observations, fit, draws: int) -> tuple[float, float, float]:
    """Mean regret in points, its standard error, and the mean rank correlation, over random draws."""
    lost, ranks = [], []
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(seen))
        unseen = seen.take(order[SHOWN:])
        guess = fit(seen.take(order[:SHOWN])).predict(unseen.points)[0]
        lost.append(100 * regret(guess, unseen.effectiveness))
        ranks.append(spearmanr(guess, unseen.effectiveness).statistic)
    return float(np.mean(lost)), float(np.std(lost) / np.sqrt(draws)), float(np.mean(ranks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=50)
    draws = parser.parse_args().draws
    print(f"{'trials':<28}{'surrogate':<10}{'regret':>8}{'+-':>6}{'rank':>7}   cross-validated rank, regret; flat?")
    for name, (task, validation) in SETS.items():
        seen = trained_students(TRIALS / f"{name}.csv", task)
        flat = sum(validation.is_flat(draw_of(seen, draw).effectiveness) for draw in range(draws))
        fits = {
            "papers": PapersSurrogate.fit,
            "wren": lambda some, validation=validation: Cautious(Surrogate.fit(some, validation)),
        }
        for surrogate, fit in fits.items():
            lost, error, rank = mean_regret(seen, fit, draws)
            skill = cross_validated_skill(seen, fit, seed=0)
            print(
                f"{name:<28}{surrogate:<10}{lost:>8.2f}{error:>6.2f}{rank:>7.2f}   "
                f"{skill.spearman:.2f}, {100 * skill.regret:.2f}; reported flat in {flat} of {draws} draws"
            )


def draw_of(seen: Observations, draw: int) -> Observations:
    return seen.take(np.random.default_rng(draw).permutation(len(seen))[:SHOWN])


if __name__ == "__main__":
    main()
