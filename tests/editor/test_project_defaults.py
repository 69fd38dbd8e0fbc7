import os
from pathlib import Path

import pytest

from codewren.core.errors import InputError
from codewren.editor.client_settings import ClientSettings
from codewren.editor.project_defaults import ProjectDefaults


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    return tmp_path


def test_without_settings_the_defaults_are_the_built_in_ones(root: Path):
    assert ProjectDefaults.of(os.fspath(root)) == ProjectDefaults(ClientSettings())


def test_settings_hold_in_folders_below_theirs_and_paths_start_at_the_file(root: Path):
    (root / "codewren.toml").write_text(
        'model = "house"\nthreshold = 0.5\nexclude = ["gen/"]\nbaseline = "known.json"\nmax-file-bytes = 9\n'
        '[models.house]\nfile = "m/house.wren"\nthreshold = 0.8\n'
        '[[folders]]\npath = "src"\nmin-lines = 20\n[[folders]]\npath = "old"\nmodel = "clones"\nmin-lines = 3\n'
    )
    defaults = ProjectDefaults.of(os.fspath(root / "src"))
    assert defaults.settings == ClientSettings(
        models=(os.fspath(root / "m/house.wren"),),
        threshold=0.8,
        exclude=("gen/",),
        max_file_bytes=9,
        baseline=os.fspath(root / "known.json"),
    )
    assert [(folder.path, folder.min_lines) for folder in defaults.folders] == [(os.fspath(root / "src"), 20)]


def test_broken_settings_are_told(root: Path):
    (root / "codewren.toml").write_text("treshold = 1\n")
    with pytest.raises(InputError, match="did you mean 'threshold'"):
        ProjectDefaults.of(os.fspath(root))


def test_a_baseline_outside_of_the_project_is_told(root: Path):
    (root / "codewren.toml").write_text('baseline = "../known.json"\n')
    with pytest.raises(InputError, match=r"'\.\./known\.json' is outside"):
        ProjectDefaults.of(os.fspath(root))
