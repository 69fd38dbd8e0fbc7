"""Functions of installed or unpacked packages, as the JSONL that recipes/bases/clones.toml reads.

    python benchmarks/package_functions.py OUT.jsonl.gz FOLDER...      each FOLDER holds a folder for each package

What ships learns from the packages of benchmarks/packages.tsv, which benchmarks/fetch_packages.py unpacks:

    python benchmarks/fetch_packages.py benchmarks/packages.tsv runs/packages
    python benchmarks/package_functions.py runs/package_functions.jsonl.gz runs/packages/*

Packages teach only under a licence that asks for no more than to be named: one of MIT, BSD, Apache, ISC, Zlib, Boost,
Python, public domain and their kin must do for all of the package, by what it says of itself. Others are left out, and
listed.

Of a package at most 120 files and 900 functions are taken, drawn with a seed by its name; tests, minified and generated
files are left out. A row has project, licence (what the package says of itself, or nothing), language, name, doc (what
its docstring or the comment right before it says, or nothing) and func.
"""

import gzip
import io
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from codewren.core.errors import InputError
from codewren.core.files import atomic_write
from codewren.syntax.functions import extract

LANGUAGES = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".go": "go", ".java": "java",
    ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".h": "cpp",
}  # fmt: skip
LEFT_OUT = re.compile(r"\.min\.|/tests?/|_test\.|\.test\.|\.spec\.|/dist/.*bundle|\.d\.ts$|/umd/|/locales?/")
MOST_FILES, MOST_FUNCTIONS, LARGEST_FILE_BYTES = 120, 900, 200_000
LENGTHS = range(60, 5001)
LONGEST_COMMENT = 4000
DOCSTRING = re.compile(
    r"\A(?:@[^\n]*\n\s*)*(?:async )?def [^\n]*(?:\n[^\n]*)??:[ \t]*\n\s*[rRuU]?(\"\"\"|''')(.*?)\1",
    re.S,
)
COMMENT = re.compile(r"(?:/\*(?:[^*]|\*(?!/))*\*/|(?:(?<=\n)|\A)[ \t]*//[^\n]*(?:\n[ \t]*//[^\n]*)*)[ \t]*\n?[ \t]*\Z")


PERMISSIVE = re.compile(
    r"\b(mit|expat|bsd|apache|asl|isc|zlib|boost|bsl|unlicense|cc0|public.domain|python|psf|0bsd|wtfpl|blueoak|x11)",
    re.I,
)


def is_permissive(stated: str) -> bool:
    """Whether a stated licence asks for no more than to be named, by one of its alternatives.

    >>> [is_permissive(stated) for stated in ("MIT OR GPL-2.0", "BSD-3-clause and GPL-2+", "LGPL-2.1", "")]
    [True, False, False, False]
    """
    alternatives = re.split(r"(?i)\bor\b|/|\|", stated)
    return any(
        all(PERMISSIVE.search(name) for name in re.split(r"(?i)\band\b|, (?!version)|&", one)) for one in alternatives
    )


def package_name(folder: Path) -> str:
    """Name of a package's folder without its version."""
    return re.sub(r"[-_]?\d[\d.]*.*$", "", folder.name).lower() or folder.name.lower()


def licence(package: Path) -> str:
    """What the package says: package.json, the metadata beside an installed Python package, or Debian's copyright."""
    manifests = sorted(package.glob("package.json")) + sorted(package.glob("package/package.json"))
    for manifest in manifests:
        stated = json.loads(manifest.read_text("utf-8", "replace")).get("license", "")
        return stated if isinstance(stated, str) else str(stated.get("type", ""))
    names = (*package.glob("*.dist-info/METADATA"), *package.parent.glob(f"{package.name}-*.dist-info/METADATA"))
    for path in (*sorted(names), package / "debian/copyright"):
        text = path.read_text("utf-8", "replace") if path.exists() else ""
        stated = re.search(
            r"^(?:License(?:-Expression)?|Classifier: License :: OSI Approved ::):? *(\S.*)$", text, re.M
        )
        if stated:
            return stated[1][:80]
    return ""


def sources(package: Path, rng: random.Random) -> list[Path]:
    """Files of a package that may teach."""
    files = [path for path in sorted(package.rglob("*")) if path.suffix in LANGUAGES and path.is_file()]
    files = [path for path in files if not LEFT_OUT.search(str(path)) and path.stat().st_size < LARGEST_FILE_BYTES]
    return files if len(files) <= MOST_FILES else rng.sample(files, MOST_FILES)


def documentation(before: str, text: str, language: str) -> str:
    """What a function's docstring says, or the comment that ends right before it.

    >>> documentation("// Adds\\n// two.\\n", "func add(a, b int) int {\\n}", "go")
    'Adds two.'
    >>> documentation("", "def f(x):\\n    '''Half of it.'''\\n    return x / 2", "python")
    'Half of it.'
    """
    if language == "python":
        said = DOCSTRING.search(text)
        return " ".join(said[2].split()) if said else ""
    said = COMMENT.search(before)
    return " ".join(re.sub(r"(?m)^[ \t]*(?://[/!]?|/?\*+/?)|\*/", " ", said[0]).split()) if said else ""


def functions(package: Path, rng: random.Random) -> Iterator[dict[str, str]]:
    """Rows of a package: functions of some length, without copies in other white space."""
    seen: set[str] = set()
    for path in sources(package, rng):
        language, source = LANGUAGES[path.suffix], path.read_bytes()
        if len(source) > 3000 and source.count(b"\n") < len(source) / 200:
            continue  # minified
        try:
            spans = extract(source, language).functions
        except InputError:
            continue
        for span in spans:
            text = source[span.start_byte : span.end_byte].decode("utf-8", "replace")
            squeezed = re.sub(r"\s+", "", text)
            if len(text) in LENGTHS and text.count("\n") >= 3 and squeezed not in seen:
                seen.add(squeezed)
                before = source[max(0, span.start_byte - LONGEST_COMMENT) : span.start_byte].decode("utf-8", "replace")
                doc = documentation(before, text, language)
                row = {"project": package_name(package), "language": language, "name": span.name, "doc": doc}
                yield row | {"func": text}


def rows(folders: Sequence[Path]) -> Iterator[dict[str, str]]:
    """Rows of all packages, each once."""
    done, left_out = set[str](), list[str]()
    for package in (path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir()):
        name = package_name(package)
        if name not in done and not package.name.endswith((".dist-info", ".libs")):
            done.add(name)
            said = licence(package)
            if not is_permissive(said):
                left_out.append(f"{name} ({said or 'no licence stated'})")
                continue
            rng = random.Random(name)
            own = [row | {"licence": said} for row in functions(package, rng)]
            yield from own if len(own) <= MOST_FUNCTIONS else rng.sample(own, MOST_FUNCTIONS)
    print(f"left out for their licences: {', '.join(left_out) or 'none'}", file=sys.stderr)


def main() -> None:
    """Write the file."""
    if len(sys.argv) < 3:
        print(__doc__)
        sys.exit(0 if {"-h", "--help"} & {*sys.argv} else 2)
    count = 0
    with (
        atomic_write(Path(sys.argv[1])) as stream,
        gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8") as lines,
    ):
        for row in rows([Path(name) for name in sys.argv[2:]]):
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    print(f"{count:,} functions")


if __name__ == "__main__":
    main()
