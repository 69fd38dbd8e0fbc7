import tomllib
from pathlib import Path

import pytest
import tree_sitter

from codewren.core.errors import CodewrenError
from codewren.syntax.bindings import OLDEST_BINDINGS, check_bindings


def test_the_installed_bindings_are_new_enough() -> None:
    check_bindings()


@pytest.mark.parametrize("version", [None, "0.25.2", "0.26.0", "0.9.9"])
def test_bindings_that_can_crash_are_refused(version: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if version is None:
        monkeypatch.delattr(tree_sitter, "__version__")
    else:
        monkeypatch.setattr(tree_sitter, "__version__", version)
    with pytest.raises(CodewrenError, match=r"tree-sitter 0\..* can crash.*pip install"):
        check_bindings()


def test_the_package_asks_for_what_the_check_wants() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f"tree-sitter>={'.'.join(map(str, OLDEST_BINDINGS))},<0.27" in project["dependencies"]
