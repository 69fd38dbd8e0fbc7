"""Functions of installed or unpacked packages, as the JSONL that recipes/bases/clones.toml reads.

    python benchmarks/package_functions.py OUT.jsonl.gz FOLDER...      each FOLDER holds a folder for each package

A folder may be a Python environment's `site-packages`, a `node_modules`, or one into which sources were unpacked
(`npm pack NAME`, `pip download --no-deps NAME`, `apt-get source NAME`, of the Go ones `apt-get download NAME`).
What ships was trained on the standard library of Python too, and on:

npm:    {npm}
PyPI:   {pypi}
Debian: {debian}

Of a package at most 120 files and 900 functions are taken, drawn with a seed by its name; tests, minified and generated
files are left out. A row has project, licence (what the package says of itself, or nothing), language, name and func.
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

NPM = """lodash-es underscore ramda rambda radash es-toolkit mout licia collect.js locutus date-fns dayjs moment luxon
validator voca underscore.string async bluebird immutable simple-statistics jstat mathjs ml-matrix ml-array-mean
data-structure-typed rxjs fp-ts remeda effect zod lit three d3-array d3-scale d3-shape d3-geo d3-hierarchy @turf/helpers
marked markdown-it highlight.js acorn esprima escodegen semver glob minimatch fs-extra express koa fastify ws node-fetch
axios commander yargs handlebars mustache ejs backbone jquery knex sequelize typeorm mongoose class-validator bn.js
big.js decimal.js bignumber.js seedrandom crypto-js node-forge tweetnacl pako jszip papaparse csv-parse js-yaml ini toml
ajv joi yup chroma-js color tinycolor2 numeral accounting hammerjs animejs matter-js pixi.js konva fabric chart.js
graphlib dagre cytoscape natural compromise string-similarity fastest-levenshtein fuse.js lunr flexsearch vue preact
svelte mobx redux valibot superstruct @angular/core phaser sugar prelude-ls lazy.js itertools iter-tools
@datastructures-js/graph @datastructures-js/heap algorithms-js js-sha256 blueimp-md5 spark-md5 base64-js ieee754 buffer
readable-stream inquirer ora winston pino bunyan log4js nodemailer sharp jimp pngjs qs query-string url-parse
path-to-regexp""".split()  # noqa: SIM905  a list to read
PYPI = """algorithms pydash boltons funcy more-itertools pygorithm textdistance nltk networkx statsmodels mpmath
scikit-image twisted django flask werkzeug sqlalchemy pygments docutils sphinx jinja2 tornado bottle web.py cherrypy
fabric celery kombu requests urllib3 httpx aiohttp lxml beautifulsoup4 html5lib bleach markdown mistune python-dateutil
pendulum arrow humanize inflect pytz simpy textblob biopython astropy torch transformers numpy scipy""".split()  # noqa: SIM905
DEBIAN = """golang-1.19-src golang-github-spf13-cobra-dev golang-github-emirpasic-gods-dev
golang-github-gin-gonic-gin-dev golang-golang-x-text-dev golang-golang-x-net-dev golang-golang-x-tools-dev
golang-github-miekg-dns-dev golang-github-klauspost-compress-dev golang-github-yuin-goldmark-dev
golang-github-russross-blackfriday-v2-dev golang-github-valyala-fasthttp-dev golang-github-minio-minio-go-dev
golang-github-syndtr-goleveldb-dev golang-github-huandu-xstrings-dev golang-github-mitchellh-mapstructure-dev
golang-github-dgraph-io-badger-dev golang-github-urfave-cli-dev golang-github-go-chi-chi-dev
antlr3 antlr4 commons-csv commons-math3 h2database
hsqldb1.8.0 jackson-core jackson-databind jsoup libcommons-compress-java libjoda-time-java libpdfbox-java
libquartz-java libspring-java lucene4.10 lucene8 maven mina2 netty ognl picocli plexus-utils2 zookeeper abseil armadillo
assimp box2d bullet clipper cpp-httplib fmtlib gflags googletest grpc leveldb libtorrent-rasterbar libzstd lz4
nlohmann-json3 opencv poco protobuf pugixml rapidjson re2 rocksdb snappy spdlog thrift tinyxml2 yaml-cpp
""".split()  # noqa: SIM905
LANGUAGES = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript", ".go": "go", ".java": "java",
    ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".h": "cpp",
}  # fmt: skip
LEFT_OUT = re.compile(r"\.min\.|/tests?/|_test\.|\.test\.|\.spec\.|/dist/.*bundle|\.d\.ts$|/umd/|/locales?/")
MOST_FILES, MOST_FUNCTIONS, LARGEST_FILE_BYTES = 120, 900, 200_000
LENGTHS = range(60, 5001)


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
    for path in (*sorted(names), *sorted(package.rglob("usr/share/doc/*/copyright"))):
        match = re.search(r"^License(?:-Expression)?: *(\S.*)$", path.read_text("utf-8", "replace"), re.MULTILINE)
        if match:
            return match[1][:80]
    return ""


def sources(package: Path, rng: random.Random) -> list[Path]:
    """Files of a package that may teach."""
    files = [path for path in sorted(package.rglob("*")) if path.suffix in LANGUAGES and path.is_file()]
    files = [path for path in files if not LEFT_OUT.search(str(path)) and path.stat().st_size < LARGEST_FILE_BYTES]
    return files if len(files) <= MOST_FILES else rng.sample(files, MOST_FILES)


def functions(package: Path, rng: random.Random) -> Iterator[dict[str, str]]:
    """Rows of a package: functions of some length, without copies in other white space."""
    seen: set[str] = set()
    said = licence(package)
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
                row = {"project": package_name(package), "licence": said, "language": language, "name": span.name}
                yield row | {"func": text}


def rows(folders: Sequence[Path]) -> Iterator[dict[str, str]]:
    """Rows of all packages, each once."""
    done: set[str] = set()
    for package in (path for folder in folders for path in sorted(folder.iterdir()) if path.is_dir()):
        name = package_name(package)
        if name not in done and not package.name.endswith((".dist-info", ".libs")):
            done.add(name)
            rng = random.Random(name)
            own = list(functions(package, rng))
            yield from own if len(own) <= MOST_FUNCTIONS else rng.sample(own, MOST_FUNCTIONS)


def main() -> None:
    """Write the file."""
    if len(sys.argv) < 3:
        sys.exit(__doc__.format(npm=" ".join(NPM), pypi=" ".join(PYPI), debian=" ".join(DEBIAN)))
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
