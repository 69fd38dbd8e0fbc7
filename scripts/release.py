"""Checks what a release needs, builds archive and wheel, and tags the commit: `make release`.

The version stands in `pyproject.toml` only. Pushing the tag is left to a person: it starts the wheels' workflow.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class ReleaseError(Exception):
    """What is missing, and what to do."""


def run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def project_version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


def changelog_section(changelog: str, version: str) -> str:
    """The notes of a version.

    Raises:
        ReleaseError: no dated section, an empty one, or notes left under "Unreleased".
    """
    sections = dict(re.findall(r"^## \[([^\]]+)\](.*?)(?=^## \[|\Z)", changelog, flags=re.MULTILINE | re.DOTALL))
    unreleased = sections.get("Unreleased", "").strip()
    if unreleased:
        raise ReleaseError(f'notes stand under "Unreleased"; move them to a section "## [{version}] - YYYY-MM-DD"')
    dated = re.match(r" - \d{4}-\d{2}-\d{2}\n(.*)", sections.get(version, ""), flags=re.DOTALL)
    if not dated or not dated.group(1).strip():
        raise ReleaseError(f'CHANGELOG.md has no section "## [{version}] - YYYY-MM-DD" with notes; write it')
    return dated.group(1).strip()


def main() -> None:
    version = project_version()
    notes = changelog_section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if run("git", "status", "--porcelain"):
        raise ReleaseError("the working tree holds changes; commit them first")
    if run("git", "tag", "--list", f"v{version}"):
        raise ReleaseError(f"the tag v{version} exists; raise the version in pyproject.toml")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", ".")
    run(sys.executable, "-c", "from scikit_build_core.build import build_sdist; build_sdist('dist')")
    run("git", "tag", "--annotate", f"v{version}", "--message", notes)
    print(f"tagged v{version}; to publish: git push origin v{version}")


if __name__ == "__main__":
    try:
        main()
    except ReleaseError as error:
        sys.exit(f"release: {error}")
