"""The version stands in one place, and a release without notes is refused."""

import importlib.util
import re
from types import ModuleType

import pytest

import codewren
from source_tree import ROOT, python_files

CHANGELOG = """# Changelog
## [Unreleased]
{unreleased}
## [0.2.0] - 2026-02-03
### Added
- a thing

## [0.1.0]
- not dated
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_is_that_of_pyproject_and_written_nowhere_else(release: ModuleType) -> None:
    assert codewren.__version__ == release.project_version()
    for path in python_files("src"):
        assert not re.search(r"__version__\s*=", path.read_text(encoding="utf-8")), path


def test_the_notes_of_a_dated_section_are_found(release: ModuleType) -> None:
    assert release.changelog_section(CHANGELOG.format(unreleased=""), "0.2.0") == "### Added\n- a thing"


@pytest.mark.parametrize(
    ("unreleased", "version", "problem"),
    [("", "0.3.0", "has no section"), ("", "0.1.0", "has no section"), ("- a change", "0.2.0", "Unreleased")],
)
def test_a_release_without_its_notes_is_refused(
    release: ModuleType, unreleased: str, version: str, problem: str
) -> None:
    with pytest.raises(release.ReleaseError, match=problem):
        release.changelog_section(CHANGELOG.format(unreleased=unreleased), version)
