"""An encoder with several seeds: each is made, the recipe's own ships, the table says how far they differ."""

import statistics
from pathlib import Path

import pytest

from codewren.compress.similarity_run import SimilarityRun
from codewren.compress.similarity_seeds import compress_similarity_seeds
from codewren.core.errors import InputError
from codewren.core.files import read_json
from train.similarity.made_functions import tiny_recipe, write_data


def test_the_first_seed_ships_and_the_table_tells_the_spread(tmp_path: Path) -> None:
    write_data(tmp_path)
    run = SimilarityRun(tiny_recipe(tmp_path, steps=3, seed=4), tmp_path / "run", quiet=True)
    table = compress_similarity_seeds(run, 2)
    own = run.path("seed-4/student.wren").read_bytes()
    assert run.path("student.wren").read_bytes() == own
    assert run.path("seed-5/student.wren").read_bytes() != own
    seeds = read_json(run.path("seeds.json"))["seeds"]
    areas = [figures["transfer"][0]["bundle"]["auc"] for figures in seeds.values()]
    (line,) = (line for line in table.splitlines() if "made java, auc" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    assert cells == [f"{value:.4f}" for value in (*areas, statistics.mean(areas), statistics.stdev(areas))]


def test_one_seed_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="wanted 2 or more"):
        compress_similarity_seeds(SimilarityRun(tiny_recipe(tmp_path), tmp_path / "run", quiet=True), 1)
