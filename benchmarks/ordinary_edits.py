"""Warnings on ordinary edits: every file that two releases of a project have differently, written as an agent would.

    python benchmarks/ordinary_edits.py OLD=NEW... [--edits 20] [--show] [--model clones-mini]

OLD and NEW are folders with two releases of one project. OLD is indexed; each source file of NEW that is new or has
changed, tests aside, is one edit, in the order of a shuffle with a seed. The files of OLD stay as they are, so that an
edit does not see the others of its release. A warning is not false where the function does exist already: read what
`--show` prints, nobody has taken these out.
"""

import argparse
import random
import tempfile
from pathlib import Path

from codewren.agent.duplicates import Duplicate, Edit, duplicates
from codewren.core.errors import InputError
from codewren.index.tree_index import Index
from codewren.index.view import is_test
from codewren.scan.source_files import walk
from codewren.syntax.grammars import LANGUAGES


def main() -> None:
    """Replay, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("releases", nargs="+", metavar="OLD=NEW")
    parser.add_argument("--edits", type=int, default=20, help="of each project")
    parser.add_argument("--model", default="clones-mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    edits_seen = warned = 0
    for releases in arguments.releases:
        old, _, new = releases.partition("=")
        with tempfile.TemporaryDirectory() as folder, Index.open(old, model=arguments.model, folder=folder) as index:
            index.update()
            edits = _edits(Path(old).resolve(), Path(new).resolve(), arguments.edits, arguments.seed)
            warnings = [_warnings(index, edit) for edit in edits]
        edits_seen += len(edits)
        warned += sum(map(bool, warnings))
        names = f"{Path(old).name} to {Path(new).name}"
        functions = sum(map(len, warnings))
        print(f"{names:44}{len(edits):4} edits, {sum(map(bool, warnings)):3} warned of ({functions} functions)")
        for duplicate in (duplicate for found in warnings for duplicate in found if arguments.show):
            place = Path(duplicate.path).relative_to(Path(old).resolve())
            print(f"    {place}:{duplicate.start_line}: {duplicate} [{duplicate.original.kind}]")
    print(f"{'all':44}{edits_seen:4} edits, {warned:3} warned of")


def _edits(old: Path, new: Path, most: int, seed: int) -> list[Edit]:
    edits = []
    for source in walk([str(new)], LANGUAGES).files:
        path = Path(source.path).relative_to(new)
        before = (old / path).read_text(errors="replace") if (old / path).is_file() else ""
        after = Path(source.path).read_text(errors="replace")
        if before != after and not is_test(str(path)) and len(after) < 500_000:
            edits.append(Edit(str(old / path), before, after))
    random.Random(seed).shuffle(edits)
    return edits[:most]


def _warnings(index: Index, edit: Edit) -> list[Duplicate]:
    try:
        return duplicates(index, [edit])
    except InputError:
        return []


if __name__ == "__main__":
    main()
