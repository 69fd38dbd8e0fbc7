"""Names say what they hold, and a file name stands for one idea."""

import ast
from collections import Counter

from source_tree import SOURCE, parsed, python_files

PRONOUNS = frozenset(
    (
        "one", "ones", "found", "kept", "place", "places", "part", "parts", "thing",
        "things", "given", "told", "said", "asked", "wanted", "taken", "held", "rest",
        "what", "which", "who", "it", "them", "both", "others",
    )
)  # fmt: skip
LARGEST_SHARE = 0.02  # of bound names
MOST_SHARED_FILE_NAMES = 6  # file names in two or more packages


def bound_names() -> Counter[str]:
    """Every name that a statement, a loop or a comprehension in `src` binds."""
    nodes = (node for path in python_files("src") for node in ast.walk(parsed(path)))
    return Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def test_few_names_are_pronouns() -> None:
    names = bound_names()
    pronouns = Counter({name: count for name, count in names.items() if name in PRONOUNS})
    share = pronouns.total() / names.total()
    print(f"\npronoun-like: {pronouns.total()} of {names.total()} bound names, {share:.1%}: {pronouns.most_common(8)}")
    assert share <= LARGEST_SHARE, f"{share:.1%} of bound names do not say what they hold: {pronouns.most_common()}"


def test_few_file_names_occur_in_two_packages() -> None:
    files = [path for path in python_files("src") if not path.stem.startswith("__")]
    counts = Counter(path.stem for path in files)
    shared = {
        name: [str(path.parent.relative_to(SOURCE / "codewren")) for path in files if path.stem == name]
        for name, count in counts.items()
        if count > 1
    }
    print(f"\nfile names in two or more packages: {len(shared)}")
    assert len(shared) <= MOST_SHARED_FILE_NAMES, f"one name, several ideas? {shared}"
