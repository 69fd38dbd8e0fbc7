import json
from dataclasses import fields

import pytest

from codewren.editor.client_settings import ClientSettings, updated
from codewren.editor.language_server import LANGUAGE_IDS
from codewren.scan.finding import CloneKind
from source_tree import ROOT

MANIFEST = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))


def test_settings_are_taken_with_or_without_their_section():
    values = {"models": ["a.wren"], "loosestClone": "semantic", "threshold": 1, "maxFileBytes": 7}
    expected = ClientSettings(models=("a.wren",), loosest_clone=CloneKind.SEMANTIC, threshold=1.0, max_file_bytes=7)
    assert updated(ClientSettings(), values) == updated(ClientSettings(), {"codewren": values}) == (expected, [])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"enable": "yes"}, "true or false"),
        ({"models": "clones"}, "a list of strings"),
        ({"models": [1]}, "a list of strings"),
        ({"threshold": 2}, "from 0 to 1"),
        ({"threshold": True}, "from 0 to 1"),
        ({"threshold": float("nan")}, "from 0 to 1"),
        ({"maxFileBytes": 0}, "from 1 on"),
        ({"loosestClone": "near"}, "exact, renamed, edited, semantic"),
        ({"baseline": 3}, "a string"),
        ({"treshold": 0.5}, "did you mean 'threshold'"),
        ([1], "an object"),
        ("on", "an object"),
    ],
)
def test_a_wrong_value_is_told_and_leaves_the_default(values: object, words: str):
    settings, remarks = updated(ClientSettings(), values)
    assert settings == ClientSettings()
    assert len(remarks) == 1
    assert words in remarks[0]


@pytest.mark.parametrize("values", [None, {}, {"threshold": None}, {"path": ["x"], "trace": {"server": "off"}}])
def test_what_an_editor_leaves_open_is_the_default(values: object):
    assert updated(ClientSettings(), values) == (ClientSettings(), [])


def test_the_extension_declares_every_setting_and_leaves_those_of_projects_open():
    declared = MANIFEST["contributes"]["configuration"]["properties"]
    own = {name.removeprefix("codewren."): text["default"] for name, text in declared.items()}
    del own["path"], own["trace.server"]
    assert updated(ClientSettings(), own) == (ClientSettings(), [])
    assert len(own) == len(fields(ClientSettings))
    left_open = {name for name, value in own.items() if value is None}
    assert left_open == {"models", "threshold", "minLines", "exclude", "maxFileBytes", "baseline"}


def test_the_extension_starts_for_the_languages_that_the_server_knows():
    started = {event.removeprefix("onLanguage:") for event in MANIFEST["activationEvents"]}
    assert started == set(LANGUAGE_IDS) - {"tsx"}  # the name of a parser, not of an editor's language
