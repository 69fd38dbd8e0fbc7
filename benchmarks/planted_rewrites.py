"""Rewrites planted into real projects: is the original among the three most similar, and would an agent be warned?

    python benchmarks/planted_rewrites.py benchmarks/rewrites/scrapy.txt=TREE... [--edited 10] [--show]

Each file of `benchmarks/rewrites` holds rewrites of functions of one project, written one by one by a language model
that saw the original: other names, another order, another loop, another language. The originals were drawn at random
(8 to 20 lines, 50 to 130 tokens, no tests); no rewrite was changed after it was measured. `--edited` adds functions
drawn from the same tree and edited by `codewren.train.similarity.text_edits`, which also made pairs that the encoders
learned from: near copies, much easier, told apart in the table. The tree is indexed as it is; the rewrite is asked
about as a text that is not saved yet.
"""

import argparse
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codewren.agent.duplicates import Edit, duplicates
from codewren.index.tree_index import Index
from codewren.index.query import Filters
from codewren.index.view import is_test
from codewren.train.similarity.text_edits import edited, local_names

SUFFIXES = {
    "python": "py", "javascript": "js", "typescript": "ts", "java": "java", "c": "c", "cpp": "cc", "csharp": "cs",
}  # fmt: skip
TOKENS = range(50, 201)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rewritten function: where its original is, and how it was made."""

    path: str
    name: str
    language: str
    how: str
    text: str


@dataclass(slots=True)
class Tally:
    """What was found of one group of rewrites."""

    planted: int = 0
    first: int = 0
    third: int = 0
    warned: int = 0
    warned_of_another: int = 0


def main() -> None:
    """Ask, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", metavar="REWRITES=TREE")
    parser.add_argument("--edited", type=int, default=0, help="functions of each tree to edit")
    parser.add_argument("--model", default="clones-mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="those that were not found")
    arguments = parser.parse_args()
    tallies: dict[str, Tally] = {}
    for project in arguments.projects:
        rewrites, _, tree = project.partition("=")
        with tempfile.TemporaryDirectory() as folder, Index.open(tree, model=arguments.model, folder=folder) as index:
            index.update()
            print(f"{Path(tree).name}: {len(index)} functions")
            for rewrite in (*_written(Path(rewrites)), *_edited(index, arguments.edited, arguments.seed)):
                groups = ("all", "edited" if rewrite.how == "edited" else "written", rewrite.how.split(",")[0])
                _ask(index, rewrite, [tallies.setdefault(name, Tally()) for name in dict.fromkeys(groups)], arguments)
    print(f"{'rewrites':18}{'planted':>8}{'recall@1':>10}{'recall@3':>10}{'warned':>8}{'of another':>12}")
    for name, tally in tallies.items():
        rates = f"{tally.first / tally.planted:>10.2f}{tally.third / tally.planted:>10.2f}{tally.warned:>8}"
        print(f"{name:18}{tally.planted:>8}{rates}{tally.warned_of_another:>12}")


def _ask(index: Index, rewrite: Rewrite, tallies: list[Tally], arguments: argparse.Namespace) -> None:
    answer = max(
        index.query(rewrite.text, language=rewrite.language, k=3, filters=Filters(0.0, with_tests=False)),
        key=lambda answer: answer.end_line - answer.start_line,
    )
    places = [(match.path, match.name) for match in answer.matches]
    original = (rewrite.path, rewrite.name)
    warnings = duplicates(index, [Edit(f"rewritten.{SUFFIXES[rewrite.language]}", "", rewrite.text)])
    for tally in tallies:
        tally.planted += 1
        tally.first += places[:1] == [original]
        tally.third += original in places
        tally.warned += any((one.original.path, one.original.name) == original for one in warnings)
        tally.warned_of_another += any((one.original.path, one.original.name) != original for one in warnings)
    if arguments.show and original not in places:
        print(f"    not found: {rewrite.path} {rewrite.name} ({rewrite.how}, {rewrite.language})")
        for match in answer.matches:
            print(f"        {match.similarity:.2f} {match.path}:{match.start_line} {match.name}")


def _written(path: Path) -> Iterator[Rewrite]:
    for section in re.split(r"(?m)^=== ", path.read_text())[1:]:
        head, _, text = section.partition("\n")
        place, language, how = (field.strip() for field in head.split("|"))
        file, name = place.split(":", 1)
        yield Rewrite(file, name, language, how, text)


def _edited(index: Index, count: int, seed: int) -> Iterator[Rewrite]:
    rng = random.Random(seed)
    functions = []
    for path, entry in sorted(index._newest().catalog.entries.items()):
        record = index._newest().record(entry) if entry.segment >= 0 and not is_test(path) else ()
        functions += [(path, entry.language, record, number) for number in range(len(record))]
    rng.shuffle(functions)
    texts = [(_text(index, *function), *function) for function in functions[: 40 * count]]
    names = [name for text, *_ in texts for name in local_names(text)] or ["value"]
    large = [one for one in texts if one[3].size(one[4]) in TOKENS and one[2] in SUFFIXES]
    for text, path, language, record, number in large[:count]:
        donor = rng.choice(texts)[0]
        yield Rewrite(path, record.names[number], language, "edited", edited(text, rng, names, donor, strength=0.5))


def _text(index: Index, path: str, _: str, record: object, number: int) -> str:
    start, end = record.span(number)  # type: ignore[attr-defined]
    return (index.root / path).read_bytes()[start:end].decode(errors="replace")


if __name__ == "__main__":
    main()
