"""The formulas give the published configurations their published size and FLOPs."""

import pytest
from problems import shipped

from codewren.core.pareto import Budget
from codewren.core.student_config import StudentConfig
from codewren.core.task import CLONE, VULNERABILITY
from codewren.search.random_search import RandomArchitecture
from codewren.search.space.costs import papers_flops, papers_size
from codewren.search.space.space import compressor_space
from codewren.search.strategy import Problem
from published_configs import PUBLISHED, published_config


@pytest.mark.parametrize(
    ("name", "task", "megabytes", "gflops"),
    [
        ("avatar-vulnerability", VULNERABILITY, 3.004, 0.667),
        ("avatar-clone-printed", CLONE, 3.050, 1.693),
        ("avatar-clone-executed", CLONE, 5.46, 2.383),
        ("avatar-clone-graphcodebert", CLONE, 3.027, 1.533),
    ],
)
def test_each_has_the_papers_own_size_and_flops(name, task, megabytes, gflops):
    config = published_config(name, task, StudentConfig())
    assert papers_size(task)(config) / 1e6 == pytest.approx(megabytes, abs=0.005)
    assert papers_flops(task)(config) / 1e9 == pytest.approx(gflops, abs=5e-4)


def test_all_can_be_built_and_keep_what_the_base_says_about_shipping():
    base = StudentConfig(storage="fp32")
    for name in PUBLISHED:
        assert published_config(name, CLONE, base).storage == "fp32"
    assert published_config("compressor-3mb", VULNERABILITY, base).hidden_dropout_prob == 0.5
    assert published_config("compressor-3mb", CLONE, base).hidden_dropout_prob == 0.2


def test_random_architectures_are_drawn_by_seed():
    problem = Problem(VULNERABILITY, compressor_space(), Budget(), shipped)
    draws = [RandomArchitecture().search(problem, seed=seed).front.candidates[0] for seed in range(3)]
    assert len({draw.config for draw in draws}) == 3
    assert all(abs(draw.scores.size_bytes / 1e6 - 3) < 0.05 for draw in draws)
