"""`codewren evaluate --transfer` on tiny data."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from codewren.cli.main import cli
from codewren.core.files import read_json
from encoders import write_encoder
from train.similarity.made_functions import made_function, write_data


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_encoder(tmp_path / "encoder.wren", [made_function(k) for k in range(30)])


def test_the_table_has_the_bundle_beside_three_baselines(bundle: Path, tmp_path: Path) -> None:
    write_data(tmp_path, problems=75)
    arguments = ["evaluate", str(bundle), str(tmp_path / "problems.jsonl"), "--transfer", "--json", str(tmp_path / "j")]
    outcome = CliRunner().invoke(cli, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert "| set | clone pairs | bundle | words | blanked 3-grams | TF-IDF |" in " ".join(outcome.output.split())
    figures = read_json(tmp_path / "j")
    assert [row["name"] for row in figures["sets"]] == ["made java"]
    assert figures["sets"][0]["clone_pairs"] == 25
    assert f"{figures['sets'][0]['bundle']['auc']:.3f}" in outcome.output


def test_too_few_pairs_other_options_and_single_functions_are_refused(bundle: Path, tmp_path: Path) -> None:
    write_data(tmp_path, problems=6)
    data = str(tmp_path / "problems.jsonl")
    for arguments, message in (
        ([str(bundle), data, "--transfer"], "make no set of 20 clone pairs"),
        ([str(bundle), data, "--transfer", "--edits"], "--transfer takes --split and --json only"),
        (["vulnerability-c-micro", data, "--transfer"], "judges single functions"),
        ([str(bundle), data, data], "without --transfer give one"),
    ):
        outcome = CliRunner().invoke(cli, ["evaluate", *arguments])
        assert outcome.exit_code != 0
        assert message in outcome.output + str(outcome.exception)
