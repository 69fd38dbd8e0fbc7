"""Functions that Debian patched for a CVE, with their fixed versions, and other functions of the same packages.

    python benchmarks/debian_patched.py benchmarks/debian_patched.tsv FOLDER

The list has package, version, part and language in columns. FOLDER gets ROWS/PACKAGE.jsonl.gz for each package, then
one file for each part: FOLDER/PART.jsonl.gz, with the columns package, version, file, name, cve, target, func, fixed. A
package whose rows lie there is not fetched again. Sources come through apt-get, from a list of its own (`SUITES`), so
that the lists of the system stay as they are; they are unpacked by dpkg-source, and nothing of a package is run.

The patches of a package are applied one by one, in the order of its `debian/patches/series`. One that names a CVE, in
its name or above its first difference, tells: a function whose tokens it changes is vulnerable as it stands before, and
fixed as it stands behind. A patch that changes more than `MOST_CHANGED` functions tells nothing, and files of tests,
examples and documents are not read. Of several versions of a package each function counts once. Others are drawn with a
seed by the package's name from the tree with all patches, at most `MOST_OTHERS`, none by the name of a patched one.
"""

import csv
import gzip
import io
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from codewren.core.errors import InputError
from codewren.core.files import atomic_write
from codewren.scan.source_files import read_bytes
from codewren.scan.source_text import is_generated, source_text
from codewren.syntax.functions import extract
from codewren.train.similarity.source_lexer import lex

MIRROR, KEYRING = "http://deb.debian.org", "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITES = [f"debian {name}" for name in ("bullseye", "bookworm", "trixie")] + [
    f"debian-security {name}-security" for name in ("bullseye", "bookworm", "trixie")
]
SUFFIXES = {"c": {".c", ".h"}, "cpp": {".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h"}}
LEFT_OUT = re.compile(
    r"(^|[/_.-])(tests?|testing|testsuite|t|fuzz\w*|examples?|demos?|docs?|debian|\.pc)([/_.-]|$)", re.I
)
CVE = re.compile(r"CVE-\d{4}-\d{4,}", re.I)
FIRST_DIFFERENCE = re.compile(r"^(?:--- |diff |Index: )", re.M)
NAMED_FILE = re.compile(r"^(?:\+\+\+|---) (\S+)", re.M)
MOST_CHANGED = 20
MOST_OTHERS = 1200
MOST_FILES = 250
LARGEST_FILE_BYTES = 1_000_000
PATCH = ["patch", "--unified", "-p1", "--fuzz=0", "--silent", "--force", "--no-backup-if-mismatch", "--reject-file=-"]


class Package(NamedTuple):
    """One line of the list, with all its versions."""

    name: str
    versions: Sequence[str]
    part: str
    language: str


Functions = dict[tuple[str, int], str]
"""Texts by name and by how many of that name stand before."""


def packages(path: Path) -> list[Package]:
    """Packages of the list; lines of one name are versions of it."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    found: dict[str, Package] = {}
    for row in rows:
        versions = (*(found[row["package"]].versions if row["package"] in found else ()), row["version"])
        found[row["package"]] = Package(row["package"], versions, row["part"], row["language"])
    return list(found.values())


def apt_options(folder: Path) -> list[str]:
    """Options that let apt-get use lists of its own below a folder, which are fetched where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    sources, lists = folder / "sources.list", folder / "lists"
    lines = (f"deb-src [signed-by={KEYRING}] {MIRROR}/{suite} main\n" for suite in SUITES)
    sources.write_text("".join(lines), "utf-8")
    values = {"Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "-", "Dir::State::lists": lists}
    values["Dir::Cache"] = folder / "cache"
    options = [f"-o{name}={value if value == '-' else Path(value).resolve()}" for name, value in values.items()]
    if not lists.exists():
        (lists / "partial").mkdir(parents=True)
        (folder / "cache/archives/partial").mkdir(parents=True)
        subprocess.run(["apt-get", *options, "--quiet=2", "update"], check=True)
    return options


def unpacked(package: str, version: str, folder: Path, options: Sequence[str]) -> Path:
    """The source tree of a version without its patches, in a new folder; archives stay in `folder`/archives."""
    archives = folder / "archives"
    archives.mkdir(exist_ok=True)
    description = (archives / f"{package}_{version.rpartition(':')[2]}.dsc").resolve()
    if not is_complete(description):
        command = ["apt-get", *options, "--quiet=2", "source", "--only-source", "--download-only"]
        subprocess.run([*command, f"{package}={version}"], cwd=archives, check=True, stdout=subprocess.DEVNULL)
    tree = Path(tempfile.mkdtemp(dir=folder)) / "tree"
    command = ["dpkg-source", "--no-check", "--skip-patches", "--extract", str(description), str(tree.resolve())]
    subprocess.run(command, cwd=archives, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tree


def is_complete(description: Path) -> bool:
    """Whether the files that a source package names lie beside its description; dpkg-source compares their hashes."""
    text = description.read_text("utf-8", "replace") if description.exists() else ""
    names = re.findall(r"^ [0-9a-f]{64} \d+ (\S+)$", text, re.M)
    return bool(names) and all((description.parent / name).exists() for name in names)


def patches(tree: Path) -> list[Path]:
    """Patches in the order in which they are applied."""
    series = tree / "debian/patches/series"
    lines = series.read_text("utf-8", "replace").splitlines() if series.exists() else []
    names = (line.split("#")[0].split() for line in lines)
    return [tree / "debian/patches" / words[0] for words in names if words]


def cves(patch: Path, text: str) -> list[str]:
    """CVE numbers that a patch names, in its name or above its first difference.

    >>> cves(Path("CVE-2020-1234.patch"), "--- a/x.c\\n+++ b/x.c\\n+/* CVE-1999-0001 */")
    ['CVE-2020-1234']
    """
    first = FIRST_DIFFERENCE.search(text)
    head = text[: first.start()] if first else ""
    return sorted({found.upper() for found in CVE.findall(patch.name) + CVE.findall(head)})


def touched(text: str, language: str) -> list[str]:
    """Source files that a patch names, without the first folder of their paths.

    >>> touched("--- a/src/x.c\\n+++ b/src/x.c\\n--- /dev/null\\n+++ b/tests/y.c\\n", "c")
    ['src/x.c']
    """
    names = (name.partition("/")[2] for name in NAMED_FILE.findall(text) if name != "/dev/null")
    return sorted({name for name in names if is_read(name, language)})


def is_read(name: str, language: str) -> bool:
    """Whether a file of a tree is source text of the language, and no test."""
    return Path(name).suffix.lower() in SUFFIXES[language] and not LEFT_OUT.search(name)


def functions(path: Path, language: str) -> Functions:
    """The functions of a file; none of one that cannot be read, or that lies outside of the tree by a link."""
    texts: Functions = {}
    try:
        source = source_text(read_bytes(str(path)), language)
        spans = extract(source, language).functions
    except (OSError, InputError):
        return texts
    for span in spans:
        number = sum(name == span.name for name, _ in texts)
        texts[span.name, number] = source[span.start_byte : span.end_byte].decode("utf-8", "replace")
    return texts


def differs(old: str, new: str) -> bool:
    """Whether two texts differ in more than comments and white space."""
    first, second = ([token.text for token in lex(text, python=False)] for text in (old, new))
    return first != second


def patched(tree: Path, package: Package) -> Iterator[dict[str, Any]]:
    """Apply all patches; rows of the functions that those for a CVE change."""
    for patch in patches(tree):
        if not patch.is_file():
            continue
        content = patch.read_bytes()
        text = content.decode("utf-8", "replace")
        named = cves(patch, text)
        files = touched(text, package.language) if named else []
        before = {name: functions(tree / name, package.language) for name in files}
        done = subprocess.run(PATCH, cwd=tree, input=content, capture_output=True, check=False)
        if done.returncode:
            print(f"{package.name}: {patch.name} does not apply", file=sys.stderr)
        rows = []
        for name in files:
            after = functions(tree / name, package.language)
            for (function, number), old in before[name].items():
                new = after.get((function, number), old)
                if new != old and differs(old, new):
                    row = {"file": name, "name": function, "cve": " ".join(named), "target": 1, "func": old}
                    rows.append(row | {"fixed": new})
        if len(rows) <= MOST_CHANGED and not done.returncode:
            yield from rows


def others(tree: Path, package: Package, taken: set[str]) -> list[dict[str, Any]]:
    """Rows of drawn functions of a tree, none by the names that are taken."""
    rng, rows = random.Random(package.name), {}
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    names = [name for name in names if is_read(name, package.language)]
    for name in rng.sample(names, min(len(names), MOST_FILES)):
        path = tree / name
        if path.stat().st_size > LARGEST_FILE_BYTES or is_generated(path.read_bytes()):
            continue
        for (function, _), text in functions(path, package.language).items():
            if function not in taken:
                rows["".join(text.split())] = {"file": name, "name": function, "target": 0, "func": text}
    drawn = list(rows.values())
    return drawn if len(drawn) <= MOST_OTHERS else rng.sample(drawn, MOST_OTHERS)


def package_rows(package: Package, folder: Path, options: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of all versions of a package, patched functions once each, and others of the last version."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    texts: set[str] = set()
    for version in package.versions:
        tree = unpacked(package.name, version, folder, options)
        try:
            for row in patched(tree, package):
                key, squeezed = (Path(row["file"]).name, row["name"]), "".join(row["func"].split())
                if key not in found and squeezed not in texts:
                    found[key] = {"package": package.name, "version": version} | row
                    texts.add(squeezed)
            if version == package.versions[-1]:
                rest = others(tree, package, {name for _, name in found})
        finally:
            shutil.rmtree(tree.parent)
    print(f"{package.name}: {len(found)} patched, {len(rest)} others", file=sys.stderr, flush=True)
    return [*found.values(), *({"package": package.name, "version": version} | row for row in rest)]


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as packed JSONL, the same bytes for the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_write(path) as stream,
        gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8") as lines,
    ):
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """What `write_rows` wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    """Fetch what is missing, then write the file of each part."""
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(0 if {"-h", "--help"} & {*sys.argv} else 2)
    for tool in ("apt-get", "dpkg-source", "patch"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing; run this on Debian, with the packages dpkg-dev and patch")
    listed, folder = packages(Path(sys.argv[1])), Path(sys.argv[2])
    options, refused = apt_options(folder / "apt"), []
    for package in listed:
        path = folder / "rows" / f"{package.name}.jsonl.gz"
        try:
            if not path.exists():
                write_rows(path, package_rows(package, folder, options))
        except subprocess.CalledProcessError as error:
            refused.append(package.name)
            print(f"{package.name}: {error}", file=sys.stderr)
    for part in sorted({package.part for package in listed}):
        members = [folder / "rows" / f"{package.name}.jsonl.gz" for package in listed if package.part == part]
        write_rows(folder / f"{part}.jsonl.gz", (row for path in members if path.exists() for row in read_rows(path)))
    if refused:
        sys.exit(f"not fetched: {', '.join(refused)}")


if __name__ == "__main__":
    main()
