import os
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from codewren.cli.scan import FORMATS, KINDS, ORDERS, scan
from codewren.core.errors import InputError
from codewren.core.project_settings import (
    Closeness,
    Format,
    ScanSettings,
    Sorting,
    find_settings,
    read_settings,
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "outer" / "repository"
    (root / "src" / "deep").mkdir(parents=True)
    (root / ".git").mkdir()
    (tmp_path / "outer" / "codewren.toml").write_text("top = 1\n")  # outside: must never be read
    return root


def written(folder: Path, text: str, name: str = "codewren.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_nothing_is_looked_for_above_the_root_of_the_repository(repository: Path):
    assert find_settings(repository / "src" / "deep") is None


def test_the_nearest_file_upwards_holds_and_one_without_the_table_does_not(repository: Path):
    outer = written(repository, "[tool.codewren]\n", "pyproject.toml")
    assert find_settings(repository / "src" / "deep") == outer
    written(repository / "src", '[project]\nname = "codewren-like"\n', "pyproject.toml")
    assert find_settings(repository / "src" / "deep") == outer
    inner = written(repository / "src" / "deep", "")
    assert find_settings(repository / "src" / "deep") == inner


@pytest.mark.parametrize(
    "text",
    [
        "[tool.codewren]\ntop = 3",
        '[ tool . "codewren" ]\ntop = 3',
        "['tool'.'codewren']\ntop = 3",
        "[tool]\ncodewren = {top = 3}",
        "tool = {codewren = {top = 3}}",
        "tool.codewren.top = 3",
        "[ tool ]\ncodewren.top = 3",
        '["tool"]\n"codewren".top = 3',
        "[tool.codewren]\n'top' = 3",
    ],
)
def test_the_table_is_found_however_toml_lets_it_be_written(repository: Path, text: str):
    written(repository, text, "pyproject.toml")
    assert find_settings(repository) == repository / "pyproject.toml"
    assert read_settings(repository / "pyproject.toml").scan.top == 3


def test_outside_of_a_repository_only_the_folder_itself_is_looked_at(tmp_path: Path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    written(tmp_path / "a", "")
    assert find_settings(tmp_path / "a" / "b") is None
    assert find_settings(tmp_path / "a") == tmp_path / "a" / "codewren.toml"


def test_two_files_of_settings_in_one_folder_are_refused(repository: Path):
    written(repository, "")
    written(repository, "[tool.codewren]\n", "pyproject.toml")
    with pytest.raises(InputError, match="keep one of them"):
        find_settings(repository)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold = 0.5", "unknown key 'treshold'; did you mean 'threshold'?"),
        ("min_lines = 5", "unknown key 'min_lines'; did you mean 'min-lines'?"),
        ("[models.clones]\ntresh = 1", r"models.clones: unknown key 'tresh'; did you mean 'threshold'\?"),
        ("[[folders]]\npath = 'a'\nmin-line = 1", "folders: unknown key 'min-line'; did you mean 'min-lines'"),
        ("[[folders]]\nmin-lines = 1", "folders: missing path"),
        ("threshold = 2", "threshold: 2.0 is no probability"),
        ("threshold = nan", "threshold: nan is no probability"),
        ("min-tokens = 0", "min-tokens: 0; wanted 1 or more"),
        ("top = true", "top: True is not of the kind wanted: a whole number"),
        ("paths = 'src'", "paths: 'src' is not of the kind wanted: a list of strings"),
        ("threshold = 'a'", "threshold: 'a' is not of the kind wanted: a number"),
        ('output = "a\\u0000b"', "'a\\\\x00b' holds a NUL character"),
        ('[[folders]]\npath = "\\u0000"', "holds a NUL character"),
        ("format = 'htm'", "'htm' is not one of text, json"),
        ("models = 3", "models: wanted tables"),
        ("folders = [3]", "folders: 3 is no table"),
        ("[folders]\npath = 'a'", "folders: wanted tables"),
        ("top =", "not valid TOML"),
        ("top = " + "[" * 100_000, "not valid TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(repository: Path, text: str, message: str):
    with pytest.raises(InputError, match=message.replace("?", r"\?").replace(r"\\?", r"\?")) as refused:
        read_settings(written(repository, text))
    assert str(refused.value).startswith(str(repository / "codewren.toml"))
    assert "\n" not in str(refused.value)


def test_a_file_without_the_table_a_huge_one_and_none_are_refused(repository: Path):
    with pytest.raises(InputError, match="no table"):
        read_settings(written(repository, "[tool.other]\n", "pyproject.toml"))
    with pytest.raises(InputError, match="larger than"):
        read_settings(written(repository, "#" * 1_000_001))
    with pytest.raises(InputError, match="cannot read"):
        read_settings(repository / "none.toml")


def test_paths_are_relative_to_the_file_wherever_the_scan_runs(repository: Path, monkeypatch: pytest.MonkeyPatch):
    settings = read_settings(written(repository, 'paths = ["src"]'))
    monkeypatch.chdir(repository / "src" / "deep")
    assert settings.relative("src") == os.pardir
    assert settings.written("out/report.html") == Path("../../out/report.html")


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", ".git/hooks/x", "link/x"])
def test_settings_write_nowhere_but_in_their_own_folder(repository: Path, path: str):
    (repository / "link").symlink_to(repository.parent)
    with pytest.raises(InputError, match="write inside their folder only"):
        read_settings(written(repository, "")).written(path)


def test_lines_are_those_where_the_keys_stand(repository: Path):
    text = (
        "# settings\n[tool.other]\ntop = 3\n[tool.codewren]\nmodel = 'clones'\nexclude = [\n  'a',\n]\ntop = 4\n"
        "[[tool.codewren.folders]]\npath = 'a'\n[[tool.codewren.folders]]\npath = 'b'\nmin-lines = 9\n"
        "[tool.codewren.models.'clones']\nthreshold = 1\n"
    )
    settings = read_settings(written(repository, text, "pyproject.toml"))
    rows = text.split("\n")
    assert settings.lines["top"] == 9
    assert rows[settings.lines["folders.1.path"] - 1] == "path = 'b'"
    assert rows[settings.lines["folders.1.min-lines"] - 1] == "min-lines = 9"
    assert rows[settings.lines["exclude"] - 1] == "exclude = ["
    assert tomllib.loads(text)["tool"]["codewren"].keys() - {"folders", "models"} == set(settings.given)


def test_the_choices_are_those_of_the_command_line():
    assert get_args(Format) == FORMATS
    assert get_args(Sorting) == ORDERS
    assert get_args(Closeness) == KINDS


def test_every_key_is_an_option_of_the_scan_of_the_same_name():
    options = {option.removeprefix("--") for parameter in scan.params for option in parameter.opts} | {"paths"}
    options |= {f"{option}s" for option in options}  # a list in settings, repeated on the command line
    assert {name.replace("_", "-") for name in ScanSettings.__dataclass_fields__} <= options
