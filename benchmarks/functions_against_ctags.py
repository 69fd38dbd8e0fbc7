"""Functions that codewren cuts, against those that universal-ctags names: recall, precision, equal ends, by language.

    python benchmarks/functions_against_ctags.py TREE... [--misses 5]

A function is the same when both give it the same last word of its name in one file, at most `NEAR` lines apart: ctags
has the line of the name, codewren the first one. Where ctags takes a macro for the name (`STDMETHOD(f)(int a) {`), the
lines have to be the same; how many those are is said. Needs `ctags` (universal-ctags 5.9 or later) on the path. Neither
side is the truth: read the misses.
"""

import argparse
import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from codewren.core.errors import InputError
from codewren.scan.source_files import walk
from codewren.syntax.functions import extract
from codewren.syntax.grammars import LANGUAGES

NEAR = 40
_CTAGS_LANGUAGES = {  # with the kinds that are functions
    "c": ("C", "f"),
    "cpp": ("C++", "f"),
    "java": ("Java", "m"),
    "python": ("Python", "fm"),
    "javascript": ("JavaScript", "fmgGS"),
    "typescript": ("TypeScript", "fmG"),
    "tsx": ("TypeScript", "fmG"),
    "go": ("Go", "f"),
    "csharp": ("C#", "m"),
    "rust": ("Rust", "fP"),
}
_WITHOUT_ENDS = frozenset({"javascript", "typescript", "tsx", "rust"})  # ctags gives none, nor says what has a body
_MACRO = re.compile(r"[A-Z][A-Z0-9_]+")
_HEADER = re.compile(r"[^;{]*(?:=>|\{)")


class Location(NamedTuple):
    """One function: the last word of its name, where it starts, where the name may stand, and where it ends."""

    word: str
    start: int
    last_start: int
    end: int


def last_word(name: str) -> str:
    """The name without what qualifies it."""
    if "operator" in name:
        return "operator" + name.rpartition("operator")[2].replace(" ", "")
    return re.split(r"::|\.", re.sub(r"<.*?>", "", name))[-1].strip()


def ours(path: Path, language: str) -> list[Location]:
    """Functions by codewren."""
    functions = extract(path.read_bytes(), language).functions
    return [Location(last_word(one.name), one.start_line, one.body_line, one.end_line) for one in functions]


def theirs(path: Path, language: str) -> list[Location]:
    """Functions by universal-ctags; those without an end have no body that it could follow."""
    name, kinds = _CTAGS_LANGUAGES[language]
    command = ["ctags", "--output-format=json", "--sort=no", f"--language-force={name}", "--fields=+neK"]
    command += [f"--kinds-{name}={kinds}", "-o", "-", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout.splitlines()
    tags = [tag for line in lines if (tag := json.loads(line))["_type"] == "tag" and "line" in tag]
    tags = [tag for tag in tags if ("end" in tag or language in _WITHOUT_ENDS) and tag.get("scopeKind") != "interface"]
    return [Location(last_word(tag["name"]), tag["line"], tag["line"], tag.get("end", 0)) for tag in tags]


def matched(mine: Sequence[Location], other: Sequence[Location]) -> Iterator[tuple[Location, Location | None]]:
    """Each of theirs with the closest one of ours that has its name, each of which serves once."""
    free = defaultdict(list)
    for place in mine:
        free[place.word].append(place)
    for place in other:
        near = [one for one in free[place.word] if one.start - 1 <= place.start <= one.last_start + NEAR]
        best = min(near, key=lambda one: abs(one.start - place.start), default=None)
        if best is None and _MACRO.fullmatch(place.word):
            best = next((one for one in mine if (one.start, one.end) == (place.start, place.end)), None)
        if best is not None and best in free[best.word]:
            free[best.word].remove(best)
        yield place, best


def has_body(place: Location, lines: Sequence[str], language: str) -> bool:
    """Whether a function of theirs is one of ours to find: no lambda, and no declaration alone."""
    shown = "\n".join(lines[place.start - 1 : place.end])
    if place.word.startswith("AnonymousFunction"):
        return False
    if language in _WITHOUT_ENDS:
        header, nested = "\n".join(lines[place.start - 1 : place.start + 20]), 1
        while nested:  # parameters may hold arrows and braces
            header, nested = re.subn(r"\([^()]*\)", "", header)
        return _HEADER.match(header) is not None
    if language == "python":
        return "lambda" not in lines[place.start - 1]
    return not place.word.startswith(("__anon", "AnonymousFunction")) and "{" in shown


def kind_of_miss(line: str, place: Location) -> str:
    """What a missed function looks like on the line of its name."""
    if re.match(r"\s*#\s*define|\s*[A-Z][A-Z0-9_]+\s*\(", line):
        return "macro"
    return "operator" if "operator" in line else "other"


def compare(path: Path, language: str, counts: Counter[str], misses: dict[str, list[str]]) -> None:
    """Add one file to the counts."""
    try:
        mine = ours(path, language)
    except (InputError, OSError):
        counts["skipped"] += 1
        return
    text = path.read_text(encoding="utf-8", errors="replace").split("\n")
    other = [place for place in theirs(path, language) if has_body(place, text, language)]
    for place, same in matched(mine, other):
        counts["theirs"] += 1
        if same is None:
            line = text[place.start - 1]
            misses[kind_of_miss(line, place)].append(f"{path}:{place.start}-{place.end}: {place.word}: {line.strip()}")
        else:
            counts["both"] += 1
            counts["named after macros"] += same.word != place.word
            counts["ends"] += same.end == place.end or not place.end
    counts["ours"] += len(mine)
    for place, same in matched(other, mine):
        if same is None:
            misses["only ours"].append(f"{path}:{place.start}-{place.end}: {place.word}")


def spoken_in(tree: str) -> frozenset[str]:
    """Languages of a tree; headers are C++ where it has more sources of C++ than of C."""
    endings = Counter(path.suffix for path in Path(tree).rglob("*.c*"))
    is_cpp = endings[".cc"] + endings[".cpp"] + endings[".cxx"] > endings[".c"]
    return frozenset(LANGUAGES) - ({"c"} if is_cpp else set())


def main() -> None:
    """Print one row for each tree and language."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("trees", nargs="+")
    parser.add_argument("--misses", type=int, default=3, help="examples of each kind")
    parser.add_argument("--every", type=int, default=1, help="only every n-th file")
    options = parser.parse_args()
    print("tree  language  files  functions  recall  precision  equal ends")
    for tree in options.trees:
        files = walk([tree], spoken_in(tree), ()).files[:: options.every]
        for language in LANGUAGES:
            paths = [Path(file.path) for file in files if file.language == language]
            counts: Counter[str] = Counter()
            misses: dict[str, list[str]] = defaultdict(list)
            for path in paths:
                compare(path, language, counts, misses)
            if not counts["theirs"]:
                continue
            recall, precision = counts["both"] / counts["theirs"], counts["both"] / max(counts["ours"], 1)
            ends = counts["ends"] / max(counts["both"], 1)
            print(f"{tree}  {language}  {len(paths)}  {counts['theirs']}  {recall:.4f}  {precision:.4f}  {ends:.4f}")
            if counts["named after macros"]:
                print(f"  the same lines, which ctags names after a macro: {counts['named after macros']}")
            for kind, lines in sorted(misses.items(), key=lambda one: -len(one[1])):
                print(f"  {kind}: {len(lines)}")
                step = max(1, len(lines) // max(options.misses, 1))
                print(*(f"    {line}" for line in lines[::step][: options.misses]), sep="\n")


if __name__ == "__main__":
    main()
