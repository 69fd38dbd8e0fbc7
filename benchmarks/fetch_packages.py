"""Fetch and unpack the packages of a list, at the versions that it pins, through npm, pip and apt-get.

    python benchmarks/fetch_packages.py benchmarks/packages.tsv FOLDER

The list has registry (npm, pypi, debian), name and version in columns; without a version the newest is taken. What is
fetched lies in FOLDER/REGISTRY/NAME; a package that lies there is not fetched again. Nothing of a package is run. For
`debian` apt must know a source archive (a line `deb-src`, of Debian 12 for the versions of the list).
"""

import csv
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

NPM = ["npm", "pack", "--silent", "--ignore-scripts"]
PIP = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", "."]
APT = ["apt-get", "source", "--quiet=2"]


def fetch(registry: str, name: str, version: str, target: Path) -> None:
    """Fetch one package and unpack it into `target`."""
    commands = {
        "npm": [*NPM, f"{name}@{version}" if version else name],
        "pypi": [*PIP, f"{name}=={version}" if version else name],
        "debian": [*APT, f"{name}={version}" if version else name],
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        subprocess.run(commands[registry], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        unpacked(Path(scratch)).rename(target)


def unpacked(folder: Path) -> Path:
    """The folder that holds the content of the archive, or of the source package, in `folder`."""
    sources = [path for path in folder.iterdir() if path.is_dir()]  # apt-get has unpacked it
    if sources:
        return sources[0]
    archive, content = next(folder.iterdir()), folder / "content"
    if archive.suffix == ".whl":
        zipfile.ZipFile(archive).extractall(content)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(content, filter="data")
    return content


def main() -> None:
    """Fetch what is missing."""
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(0 if {"-h", "--help"} & {*sys.argv} else 2)
    refused = []
    with Path(sys.argv[1]).open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    for number, row in enumerate(rows, 1):
        target = Path(sys.argv[2]) / row["registry"] / row["name"].replace("/", "-").lstrip("@")
        if not target.exists():
            try:
                fetch(row["registry"], row["name"], row["version"], target)
            except (subprocess.CalledProcessError, OSError, tarfile.TarError) as error:
                refused.append(row["name"])
                print(f"{row['name']}: {error}", file=sys.stderr)
        print(f"{number} of {len(rows)}: {row['name']}", file=sys.stderr, flush=True)
    if refused:
        sys.exit(f"not fetched: {', '.join(refused)}")


if __name__ == "__main__":
    main()
