"""Published configurations are the published ones."""

import pytest
from problems import shipped, small_space

from codewren.core.errors import RecipeError
from codewren.core.pareto import Budget
from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.papers.published_configs import PUBLISHED, Published, published_config
from codewren.search.random_search import RandomArchitecture
from codewren.search.strategy import Problem


@pytest.mark.parametrize(
    ("which", "task", "megabytes", "gflops"),
    [
        ("avatar-vulnerability", VULNERABILITY, 3.004, 0.667),
        ("avatar-clone-printed", CLONE, 3.050, 1.693),
        ("avatar-clone-executed", CLONE, 5.46, 2.383),
        ("avatar-clone-graphcodebert", CLONE, 3.027, 1.533),
    ],
)
def test_each_has_the_papers_own_size_and_flops(which, task, megabytes, gflops):
    problem = Problem(task, small_space(), Budget(), shipped)
    details = Published(which).search(problem, seed=0).details
    assert details["papers_size_bytes"] / 1e6 == pytest.approx(megabytes, abs=0.005)
    assert details["papers_flops"] / 1e9 == pytest.approx(gflops, abs=5e-4)


def test_all_can_be_built_and_keep_what_the_base_says_about_shipping():
    base = StudentConfig(storage="fp32")
    for name in PUBLISHED:
        assert published_config(name, CLONE, base).storage == "fp32"
    assert published_config("compressor-3mb", VULNERABILITY, base).hidden_dropout_prob == 0.5
    assert published_config("compressor-3mb", CLONE, base).hidden_dropout_prob == 0.2
    with pytest.raises(RecipeError, match="compressor-3mb"):
        published_config("compressor", CLONE, base)


def test_random_architectures_are_drawn_by_seed():
    from codewren.search.space.space import compressor_space

    problem = Problem(VULNERABILITY, compressor_space(), Budget(), shipped)
    draws = [RandomArchitecture().search(problem, seed=seed).front.candidates[0] for seed in range(3)]
    assert len({draw.config for draw in draws}) == 3
    assert all(abs(draw.scores.size_bytes / 1e6 - 3) < 0.05 for draw in draws)
