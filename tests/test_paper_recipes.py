"""The recipes for the papers' questions hold the papers' own configurations and commands that work."""

import re
from pathlib import Path

import pytest

from codewren.bundle.size import bundle_size_bytes
from codewren.core.recipe import Recipe
from codewren.search.strategies import strategy_of
from published_configs import PUBLISHED

ROOT = Path(__file__).parents[1]
PAPERS = sorted((ROOT / "recipes/papers").glob("*.toml"))
DATASETS = ("clone", "devign", "reveal")
QUESTIONS = {
    "compressor-{}": "compressor-3mb",
    "compressor-{}-25mb": "compressor-25mb",
    "compressor-{}-50mb": "compressor-50mb",
}
ARCHITECTURE = ("vocab_size", "num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")


def load(name):
    return Recipe.load(ROOT / f"recipes/papers/{name}.toml")


def header(path):
    return [line[1:].strip() for line in path.read_text().split("\n[")[0].splitlines() if line.startswith("#")]


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_question_has_a_recipe_on_every_data_set(dataset):
    for pattern in (*QUESTIONS, "avatar-{}", "search-{}"):
        data = load(pattern.format(dataset)).data
        assert dataset in f"{data.root}/{data.valid.path}".replace("bcb", "clone")


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_size_sweep_has_the_published_architectures(question, dataset):
    student = load(question.format(dataset)).student
    assert [getattr(student, name) for name in ARCHITECTURE] == [
        PUBLISHED[QUESTIONS[question]][name] for name in ARCHITECTURE
    ]


@pytest.mark.parametrize(
    ("recipe", "published"),
    [
        ("avatar-clone", "avatar-clone-printed"),
        ("avatar-devign", "avatar-vulnerability"),
        ("avatar-reveal", "avatar-v1"),
    ],
)
def test_avatars_students_have_their_published_hyperparameters(recipe, published):
    student = load(recipe).student
    for name, value in PUBLISHED[published].items():
        assert getattr(student, name) == value, name


@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_students_fit_the_budget_and_are_trained_as_the_papers_do(path):
    recipe = Recipe.load(path)
    if recipe.search.strategy == "fixed":
        assert bundle_size_bytes(recipe.student, recipe.task) <= recipe.budget.max_bytes
    if path.stem.startswith(("compressor", "avatar", "search")):
        assert recipe.distil.temperature == (1.0 if recipe.task.name == "clone" else 10.0)
        assert not recipe.distil.train_all
        assert recipe.distil.max_grad_norm == 0
    if "reveal" in path.stem:
        assert recipe.distil.selection == "f1"


@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_commands_in_a_header_name_this_recipe_and_folders_of_their_own(path):
    commands = [line for line in header(path) if line.startswith("codewren ")]
    assert commands
    for command in commands:
        assert f"recipes/papers/{path.name}" in command
        assert " --out runs/" in command


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_ablation_of_the_search_named_in_the_base_can_be_built(dataset):
    path = ROOT / f"recipes/papers/search-{dataset}.toml"
    lines = [line for line in header(ROOT / "recipes/bases/search.toml") if line.startswith("--set")]
    assert len(lines) >= 6
    for line in lines:
        settings = [first or second for first, second in re.findall(r"--set (?:'([^']+)'|(\S+))", line)]
        assert strategy_of(Recipe.load(path, settings).search) is not None
