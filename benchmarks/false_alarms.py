"""Alarms on pairs of functions of different projects, against the rate that the alert threshold promises.

    python benchmarks/false_alarms.py BUNDLE TREE... [--functions 600] [--promised 1e-4] [--show 5]

TREEs are projects that neither training nor the threshold has seen, five or more of each language. Every pair of
functions from two different trees is compared, within each language and across all. Pairs that share 70 % of their
words are copies, and no false alarms: they are counted apart. Read what is shown: pairs that do the same are none
either, and nobody has taken them out. Two trees with three functions of one name or more that share 70 % of their words
are related, by descent or because one carries the other: pairs of those are left out, as in training.
"""

import argparse
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

from tree_functions import TreeFunction, functions_of, sampled, shared_words

from codewren.predict.predictor import load
from codewren.scan.lexical import EDITED_OVERLAP
from codewren.syntax.grammars import LANGUAGES
from codewren.train.similarity.project_functions import ProjectFunction
from codewren.train.similarity.related_projects import ProjectPairs, related_projects


def main() -> None:
    """Cut, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--functions", type=int, default=600, help="of each tree and language at most")
    parser.add_argument("--promised", type=float, default=1e-4)
    parser.add_argument("--show", type=int, default=0, help="alarms of each language to print")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    predictor = load(arguments.bundle)
    threshold = predictor.bundle.decision.alert_threshold or predictor.bundle.decision.threshold
    groups: defaultdict[str, list[TreeFunction]] = defaultdict(list)
    every: list[ProjectFunction] = []
    for tree in arguments.trees:
        by_language: defaultdict[str, list[TreeFunction]] = defaultdict(list)
        for function in functions_of(tree, LANGUAGES):
            by_language[function.language].append(function)
            every.append(ProjectFunction(function.text, function.name, function.tree, function.language))
        for language, functions in by_language.items():
            groups[language] += sampled(functions, arguments.functions, arguments.seed)
    groups["all"] = [function for functions in groups.values() for function in functions]
    related = related_projects(every)
    titles = f"{'language':12}{'trees':>6}{'functions':>10}{'pairs':>12}{'copies':>8}"
    print(f"{titles}{'alarms':>8}{'in 10,000':>11}{'factor':>8}")
    for language, functions in sorted(groups.items()):
        _report(language, functions, predictor, threshold, related, arguments)
    for pair in sorted(" and ".join(sorted(Path(tree).name for tree in pair)) for pair in related):
        print(f"related: {pair}")


def _report(
    language: str,
    functions: list[TreeFunction],
    predictor: object,
    threshold: float,
    related: ProjectPairs,
    arguments: argparse.Namespace,
) -> None:
    vectors = predictor.encode([one.text for one in functions], languages=[one.language for one in functions])  # type: ignore[attr-defined]
    sizes = Counter(one.tree for one in functions)
    pairs = sum(sizes[a] * sizes[b] for a, b in combinations(sizes, 2) if frozenset((a, b)) not in related)

    def is_unrelated(first: str, second: str) -> bool:
        return first != second and frozenset((first, second)) not in related

    above = predictor.pairs_above(vectors, threshold, limit=10_000_000)  # type: ignore[attr-defined]
    between = [
        (functions[i], functions[j], p) for i, j, p in above if is_unrelated(functions[i].tree, functions[j].tree)
    ]
    alarms = [pair for pair in between if shared_words(pair[0], pair[1]) < EDITED_OVERLAP]
    rate = len(alarms) / max(pairs, 1)
    numbers = f"{len(sizes):>6}{len(functions):>10}{pairs:>12}{len(between) - len(alarms):>8}{len(alarms):>8}"
    print(f"{language:12}{numbers}{1e4 * rate:>11.2f}{rate / arguments.promised:>8.2f}", flush=True)
    for first, second, probability in sorted(alarms, key=lambda pair: -pair[2])[: arguments.show]:
        print(f"--- {probability:.3f} {first.path}:{first.first_line}\n{first.text}")
        print(f"--- {second.path}:{second.first_line}\n{second.text}")


if __name__ == "__main__":
    main()
