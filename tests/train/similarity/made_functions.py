"""Made-up functions of made-up projects, as the files that a similarity recipe reads."""

import json
import random
from pathlib import Path
from typing import Any

from codewren.core.similarity_recipe import SimilarityRecipe

VERBS = ("sum", "join", "count", "merge", "find", "parse", "close", "scale", "trim", "pack", "sort", "hash")
NOUNS = ("lines", "tokens", "nodes", "bytes", "rows", "words", "edges", "files", "points", "users", "jobs", "keys")
OPERATIONS = ("total += item.{n} * 2", "total = max(total, item.{n})", "total ^= item.{n} << 3", "total -= {v}(item)")


def made_function(number: int, *, variant: int = 0) -> str:
    """A function of Java, told apart by its names and by what its loop does; a variant has other variables."""
    verb, noun = VERBS[number % 12], NOUNS[number // 12 % 12]
    operation = OPERATIONS[number % 4].format(v=verb, n=noun)
    text = f"""int {verb}{noun.title()}(List<Item> {noun}) {{
    int total = {number % 7};
    for (Item item : {noun}) {{
        {operation};
        log.{verb}(total, "{noun} {number}");
    }}
    return total + {noun}.size() % {number + 11};
}}
"""
    return text.replace("total", ("total", "acc", "result")[variant]).replace("item", ("item", "it", "entry")[variant])


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_data(folder: Path, *, problems: int = 60, projects: int = 8) -> None:
    """Problems with two solutions each, and projects that share functions: of the first four at most two."""
    solutions = [
        {"problem": f"p{k}", "language": "java", "source": "made", "split": "valid" if k % 3 == 0 else "train",
         "func": made_function(k, variant=variant)}
        for k in range(problems) for variant in (0, 1)
    ]  # fmt: skip
    write_rows(folder / "problems.jsonl", solutions)
    rng = random.Random(0)
    functions = [
        {"project": f"project-{p}", "language": "java", "name": "", "func": made_function(k, variant=rng.randrange(3))}
        for p in range(projects) for k in (range(30 * p, 30 * p + 32) if p < 4 else rng.sample(range(144), 30))
    ]  # fmt: skip
    for row in functions:
        row["name"] = row["func"].partition("(")[0].split()[-1]
    write_rows(folder / "projects.jsonl", functions)


def tiny_recipe(folder: Path, **contrast: Any) -> SimilarityRecipe:
    """A recipe over `write_data`, trained in a second."""
    raw = {
        "objective": {
            "kind": "similarity",
            "sources": {
                "problems": {"kind": "problems", "path": "problems.jsonl", "where": {"split": "train"}},
                "projects": {
                    "kind": "functions",
                    "path": "projects.jsonl",
                    "fit_projects": ["project-0", "project-1"],
                    "test_projects": ["project-2", "project-3"],
                },
            },
            "valid": {"kind": "problems", "path": "problems.jsonl", "where": {"split": "valid"}},
        },
        "student": {
            "names": {"entries": 200, "rows": 100, "width": 16, "sketch_width": 32},
            "structure": {"entries": 300, "rows": 150, "width": 16, "sketch_width": 16},
        },
        "contrast": {"steps": 30, "pairs": 32, "originals": 60, **contrast},
        "alert": {"rate": 0.01, "pairs": 2000},
    }
    return SimilarityRecipe.from_dict(raw, folder)
